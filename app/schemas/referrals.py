"""Intake on the wire: what is done with a referral, what staff read, and the little a partner reads back."""

from typing import Annotated, Any, ClassVar
from uuid import UUID

from pydantic import BeforeValidator, Field

from app.schemas.codes import CodeOf
from app.schemas.identity import Birth, ChildIdentity, Name
from app.schemas.referrals_told import (
    Caregiver,
    Concern,
    ReferralConsent,
    ReferralDocument,
    Referrer,
    Told,
    ToldPatch,
)
from app.schemas.wire import (
    Id,
    Input,
    Line,
    Moment,
    Narrative,
    NewId,
    Output,
    PageQuery,
    ShortNarrative,
    Truth,
    Versioned,
)


class ReferralIn(Told):
    """A referral, as a partner's system or our own staff sends it."""

    id: NewId | None = None
    external_id: Annotated[Line, Field(max_length=100)] | None = None
    source: Annotated[str, CodeOf("referral_source")] | None = None


class ReferralPatch(ToldPatch):
    """Completes a referral (JSON merge patch); staff may also hand it to a worker or a team."""

    handed_to_id: Id | None = None
    team_id: Id | None = None


class ReferralFilters(PageQuery):
    """Which referrals to list."""

    status: Annotated[str, CodeOf("referral_status")] | None = None
    urgency: Annotated[str, CodeOf("urgency")] | None = None
    concern_kind: Annotated[str, CodeOf("concern_kind")] | None = None
    external_id: Annotated[str, Field(max_length=100)] | None = None
    tracking_number: Annotated[str, Field(max_length=20)] | None = None
    agency_id: Id | None = None
    team_id: Id | None = None
    handed_to_id: Id | None = None


class Acknowledgement(Input):
    """Taking a referral on: by a team, and perhaps by a worker who is to follow it up."""

    team_id: Id | None = None
    handed_to_id: Id | None = None


class Question(Input):
    """What we need to know before we can decide."""

    question: ShortNarrative


class AnswerIn(Input):
    """The referrer's answer."""

    answer: Narrative


class Screening(Input):
    """The decision whether FSC is the right place, with its reason where the criteria leave room."""

    meets_criteria: Truth
    reason: ShortNarrative | None = None


class Acceptance(Input):
    """Accepting: every condition that is unmet is listed in the refusal, so none of these is required here."""

    case_kind: Annotated[str, CodeOf("case_kind")] | None = None
    lead_worker_id: Id | None = None
    team_id: Id | None = None
    screening: Screening | None = None
    duplicates_reviewed: Truth = False
    child_id: Id | None = Field(
        None, description="A known child, after a duplicate was confirmed; null: a new child."
    )


def _as_list(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


class Decline(Input):
    """Declining: why, and where else help may be found."""

    reason_code: Annotated[str, CodeOf("decline_reason")]
    reason: ShortNarrative
    signposted_to: (
        Annotated[
            list[Line],
            BeforeValidator(_as_list, json_schema_input_type=list[Line] | Line | None),
            Field(max_length=20),
        ]
        | None
    ) = None


class Withdrawal(Input):
    """Taking something back, with the reason."""

    reason: ShortNarrative


class QuestionOut(Output):
    """A question to the referrer and its answer."""

    id: UUID
    question: str
    asked_at: Moment
    answer: str | None
    answered_at: Moment | None


class PartnerReferral(Versioned):
    """What a partner's system reads back of its own referral: where it stands. Never FSC's records of the child."""

    collection: ClassVar[str | None] = "referrals"

    external_id: str | None
    tracking_number: str
    status: Annotated[str, CodeOf("referral_status")]
    received_at: Moment
    updated_at: Moment
    acknowledged_at: Moment | None
    decided_at: Moment | None
    decline_reason_code: str | None
    signposted_to: list[str]
    questions: list[QuestionOut]


class ScreeningOut(Output):
    """The screening decision that was recorded."""

    meets_criteria: bool
    reason: str | None


class ReferralOut(Versioned):
    """A referral as staff read it."""

    collection: ClassVar[str | None] = "referrals"

    external_id: str | None
    tracking_number: str
    status: Annotated[str, CodeOf("referral_status")]
    source: str
    agency_id: UUID | None
    received_by_id: UUID | None
    handed_to_id: UUID | None
    team_id: UUID | None
    case_id: UUID | None
    child_id: UUID | None
    urgency: str
    concern: Concern
    child: ChildIdentity
    caregiver: Caregiver | None
    referrer: Referrer | None
    consent: ReferralConsent
    services_already_given: list[str]
    documents: list[ReferralDocument]
    received_at: Moment
    updated_at: Moment
    acknowledged_at: Moment | None
    decided_at: Moment | None
    decided_by_id: UUID | None
    decline_reason_code: str | None
    reason: str | None = Field(description="Why it was declined or withdrawn.")
    signposted_to: list[str]
    screening: ScreeningOut | None
    questions: list[QuestionOut]


class ReferralItem(Versioned):
    """A referral in the intake queue."""

    collection: ClassVar[str | None] = "referrals"

    external_id: str | None
    tracking_number: str
    status: Annotated[str, CodeOf("referral_status")]
    source: str
    agency_id: UUID | None
    handed_to_id: UUID | None
    team_id: UUID | None
    case_id: UUID | None
    child_id: UUID | None
    urgency: str
    concern_kind: str
    child_names: list[Name]
    child_nickname: str | None
    child_sex: str | None
    child_birth: Birth
    received_at: Moment
    updated_at: Moment
    acknowledged_at: Moment | None
    decided_at: Moment | None


class Match(Output):
    """A child or another referral that may be the same child. No name: who may open it, opens it."""

    kind: Annotated[str, Field(json_schema_extra={"enum": ["child", "referral"]})]
    id: UUID
    child_id: UUID | None
    score: Annotated[float, Field(ge=0, le=1)]
    why: list[Annotated[str, CodeOf("match_reason")]]
