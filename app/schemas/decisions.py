"""Schemas of the approval workflow: approval, return, and the fields that every approvable record shares."""

from typing import Annotated
from uuid import UUID

from pydantic import Field

from app.schemas.codes import CodeOf
from app.schemas.references import StaffRef
from app.schemas.wire import Input, ShortNarrative, UtcDateTime, Versioned


class Approval(Input):
    """Base class of approvals."""

    comment: ShortNarrative | None = Field(None, description="Comment of the supervisor for the author.")


class AssessmentApproval(Approval):
    """The approval of an assessment, with an optional comment."""


class CarePlanApproval(Approval):
    """The approval of a care plan, with an optional comment."""


class ExitPlanApproval(Approval):
    """The approval of an exit plan, with an optional comment."""


class Return(Input):
    """Base class of returns to the author."""

    comment: ShortNarrative = Field(
        description="Changes that the author must make before the next submission."
    )


class AssessmentReturn(Return):
    """The return of an assessment to its author, with a comment."""


class CarePlanReturn(Return):
    """The return of a care plan to its author, with a comment."""


class ApprovableRecord(Versioned):
    """Base class of records that an author submits and a supervisor approves or returns."""

    child_id: UUID = Field(description="Id of the child.")
    case_id: UUID = Field(description="Id of the case.")
    status: Annotated[str, CodeOf("decision_status")] = Field(description="Life-cycle status of the record.")
    author_id: UUID = Field(description="Id of the user who created the record.")
    author: StaffRef = Field(description="The user who created the record.")
    submitted_at: UtcDateTime | None = Field(description="Time of the last submission.")
    submitted_by_id: UUID | None = Field(description="Id of the user who submitted the record last.")
    submitted_by: StaffRef | None = Field(description="The user who submitted the record last.")
    decided_at: UtcDateTime | None = Field(
        description="Time of the approval or return of the last submission."
    )
    decided_by_id: UUID | None = Field(
        description="Id of the supervisor who approved or returned the last submission."
    )
    decided_by: StaffRef | None = Field(
        description="The supervisor who approved or returned the last submission."
    )
    decision_comment: str | None = Field(
        description="Comment of the supervisor on the approval or return of the last submission."
    )
    created_at: UtcDateTime = Field(description="Time at which the record was created.")
    updated_at: UtcDateTime = Field(description="Time of the last change.")
