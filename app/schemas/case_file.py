"""Schemas of the case file: a case and its records in one response."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field
from typing_extensions import TypeAliasType

from app.schemas.assessments import Assessment
from app.schemas.care_plans import CarePlan
from app.schemas.cases import Case
from app.schemas.children import Child
from app.schemas.consents import ConsentList
from app.schemas.disbursement_lists import DisbursementList
from app.schemas.documents import DocumentList
from app.schemas.feedback import FeedbackList
from app.schemas.legal_steps import LegalStep
from app.schemas.people import PersonList
from app.schemas.reviews import ReviewList
from app.schemas.support_session_lists import SupportSessionList
from app.schemas.timeline import TimelineEntryList
from app.schemas.wire import CommaSeparated, Page, TrustedOutput

CaseFilePart = TypeAliasType(
    "CaseFilePart",
    Literal[
        "child",
        "people",
        "consents",
        "assessment",
        "plan",
        "reviews",
        "feedback",
        "sessions",
        "legal_steps",
        "documents",
        "money",
        "timeline",
    ],
)
"""A part of the case file."""


class CaseFileQuery(BaseModel):
    """Query parameters of the case file."""

    model_config = ConfigDict(extra="forbid")

    parts: CommaSeparated[CaseFilePart] | None = Field(
        None, description="Parts of the response, separated by commas. By default all parts."
    )


class CurrentCarePlanList(Page[CarePlan]):
    """The care plans of a case in full, without superseded editions, newest first."""


class LegalStepSection(TrustedOutput):
    """The first page of the incidents and legal steps of a case, unless the caller cannot read the legal tier."""

    closed: bool = Field(description="True if the caller cannot read the legal tier; `items` is then null.")
    items: list[LegalStep] | None = Field(
        description="Incidents and legal steps; null if the part is closed."
    )
    next_cursor: str | None = Field(description="Cursor of the next page; null on the last page.")


class CaseFile(TrustedOutput):
    """A case with its records. A part that was not requested is null."""

    case: Case = Field(description="The case.")
    child: Child | None = Field(description="The child of the case, with the current identity.")
    people: PersonList | None = Field(
        description="First page of `/v1/cases/{case_id}/people`: the people around the child."
    )
    consents: ConsentList | None = Field(
        description="First page of `/v1/cases/{case_id}/consents`: the consent register of the case."
    )
    assessment: Assessment | None = Field(
        description="The newest assessment of the child, in any status. Null if there is none, or if the part was not "
        "requested."
    )
    plan: CurrentCarePlanList | None = Field(
        description="The approved, draft, submitted and returned care plans of all subjects, with areas, goals and "
        "actions. Further pages of `/v1/cases/{case_id}/care-plans?status=approved,draft,returned,submitted` contain only "
        "summaries."
    )
    reviews: ReviewList | None = Field(
        description="First page of `/v1/cases/{case_id}/reviews`: the reviews of the case."
    )
    feedback: FeedbackList | None = Field(
        description="First page of `/v1/cases/{case_id}/feedback`: the feedback of the child and the caregivers that the "
        "caller can read."
    )
    sessions: SupportSessionList | None = Field(
        description="First page of `/v1/cases/{case_id}/support-sessions`: the support sessions of the case."
    )
    legal_steps: LegalStepSection | None = Field(
        description="First page of `/v1/cases/{case_id}/legal-steps`: incidents and legal steps, in the legal tier."
    )
    documents: DocumentList | None = Field(
        description="First page of `/v1/cases/{case_id}/documents`: the documents in the tiers that the caller can "
        "read, without their files."
    )
    money: DisbursementList | None = Field(
        description="First page of `/v1/disbursements?case_id={case_id}`: the disbursements of the case."
    )
    timeline: TimelineEntryList | None = Field(
        description="First page of `/v1/cases/{case_id}/timeline`: the history of the case."
    )
