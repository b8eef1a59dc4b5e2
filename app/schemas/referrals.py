"""Intake on the wire: what is done with a referral, what staff read, and the little a partner reads back."""

from typing import Annotated, Any, ClassVar
from uuid import UUID

from pydantic import BeforeValidator, Field

from app.schemas.codes import CodeOf
from app.schemas.identity import Birth, ChildIdentity, PersonName
from app.schemas.referral_content import (
    Caregiver,
    Concern,
    ReferralConsent,
    ReferralContent,
    ReferralContentUpdate,
    ReferralDocument,
    Referrer,
)
from app.schemas.wire import (
    ClientChosenId,
    Id,
    Input,
    Narrative,
    Output,
    Page,
    PageQuery,
    ShortNarrative,
    ShortText,
    StrictBoolean,
    UtcDateTime,
    Versioned,
)


class ReferralCreate(ReferralContent):
    """A referral, as a partner's system or our own staff sends it."""

    id: ClientChosenId | None = None
    external_id: Annotated[ShortText, Field(max_length=100)] | None = None
    source: Annotated[str, CodeOf("referral_source")] | None = None


class ReferralUpdate(ReferralContentUpdate):
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


class ReferralAcknowledgement(Input):
    """Taking a referral on: by a team, and perhaps by a worker who is to follow it up."""

    team_id: Id | None = None
    handed_to_id: Id | None = None


class ReferralInformationRequest(Input):
    """What we need to know before we can decide."""

    question: ShortNarrative


class ReferralInformationAnswer(Input):
    """The referrer's answer."""

    answer: Narrative


class ReferralScreeningCreate(Input):
    """The decision whether FSC is the right place, with its reason where the criteria leave room."""

    meets_criteria: StrictBoolean
    reason: ShortNarrative | None = None


class ReferralAcceptance(Input):
    """Accepting: every condition that is unmet is listed in the refusal, so none of these is required here."""

    case_kind: Annotated[str, CodeOf("case_kind")] | None = None
    lead_worker_id: Id | None = None
    team_id: Id | None = None
    screening: ReferralScreeningCreate | None = None
    duplicates_reviewed: StrictBoolean = False
    child_id: Id | None = Field(
        None, description="A known child, after a duplicate was confirmed; null: a new child."
    )


def _as_list(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


class ReferralDecline(Input):
    """Declining: why, and where else help may be found."""

    reason_code: Annotated[str, CodeOf("decline_reason")]
    reason: ShortNarrative
    signposted_to: (
        Annotated[
            list[ShortText],
            BeforeValidator(_as_list, json_schema_input_type=list[ShortText] | ShortText | None),
            Field(max_length=20),
        ]
        | None
    ) = None


class Withdrawal(Input):
    """Taking something back, with the reason."""

    reason: ShortNarrative


class ReferralQuestion(Output):
    """A question to the referrer and its answer."""

    id: UUID
    question: str
    asked_at: UtcDateTime
    answer: str | None
    answered_at: UtcDateTime | None


class PartnerReferral(Versioned):
    """What a partner's system reads back of its own referral: where it stands. Never FSC's records of the child."""

    collection: ClassVar[str | None] = "referrals"

    external_id: str | None
    tracking_number: str
    status: Annotated[str, CodeOf("referral_status")]
    received_at: UtcDateTime
    updated_at: UtcDateTime
    acknowledged_at: UtcDateTime | None
    decided_at: UtcDateTime | None
    decline_reason_code: str | None
    signposted_to: list[str]
    questions: list[ReferralQuestion]


class ReferralScreening(Output):
    """The screening decision that was recorded."""

    meets_criteria: bool
    reason: str | None


class Referral(Versioned):
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
    received_at: UtcDateTime
    updated_at: UtcDateTime
    acknowledged_at: UtcDateTime | None
    decided_at: UtcDateTime | None
    decided_by_id: UUID | None
    decline_reason_code: str | None
    reason: str | None = Field(description="Why it was declined or withdrawn.")
    signposted_to: list[str]
    screening: ReferralScreening | None
    questions: list[ReferralQuestion]


class ReferralSummary(Versioned):
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
    child_names: list[PersonName]
    child_nickname: str | None
    child_sex: str | None
    child_birth: Birth
    received_at: UtcDateTime
    updated_at: UtcDateTime
    acknowledged_at: UtcDateTime | None
    decided_at: UtcDateTime | None


class ReferralList(Page[ReferralSummary]):
    """One page of the intake queue, newest referral first."""


class PartnerReferralList(Page[PartnerReferral]):
    """One page of the referrals of the caller's agency, newest first."""


class ReferralMatch(Output):
    """A child or another referral that may be the same child. No name: who may open it, opens it."""

    kind: Annotated[str, Field(json_schema_extra={"enum": ["child", "referral"]})]
    id: UUID
    child_id: UUID | None
    score: Annotated[float, Field(ge=0, le=1)]
    why: list[Annotated[str, CodeOf("match_reason")]]


class ReferralMatchList(Page[ReferralMatch]):
    """One page of possible duplicates of a referral, most similar first."""
