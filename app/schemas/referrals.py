"""Intake on the wire: what a referrer tells, what staff read, and the little a partner reads back."""

from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Self
from uuid import UUID

from pydantic import BeforeValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from app.schemas.codes import CodeOf
from app.schemas.identity import Birth, ChildIdentity, Name, Phone
from app.schemas.merge_patch import patch_of
from app.schemas.wire import (
    Day,
    Email,
    Id,
    Input,
    Line,
    Moment,
    Narrative,
    Output,
    PageQuery,
    PlaceCode,
    ShortNarrative,
    Truth,
    Versioned,
)


class Concern(Input):
    """What somebody is worried about."""

    kind: Annotated[str, CodeOf("concern_kind")]
    summary: Narrative
    occurred_on: Day | None = None
    period: Line | None = None
    child_is_safe_now: Truth | None = None
    reported_to: Annotated[list[Annotated[str, CodeOf("authority")]], Field(max_length=20)] = Field(
        default_factory=list
    )


class Caregiver(Input):
    """Who looks after the child."""

    names: Annotated[list[Name], Field(max_length=10)] = Field(default_factory=list)
    relationship: Annotated[str, CodeOf("relationship")] | None = None
    phone: Phone | None = None
    place_code: PlaceCode | None = None
    address_detail: ShortNarrative | None = None
    knows_of_referral: Truth | None = None


class Referrer(Input):
    """Who tells us."""

    name: Line | None = None
    position: Line | None = None
    phone: Annotated[Line, Field(max_length=40)] | None = None
    email: Email | None = None


class BasisWithoutConsent(Input):
    """Why something is done without consent, and who decided so."""

    basis: Annotated[str, CodeOf("basis_without_consent")]
    decided_by: Line
    on: Day
    child_told: Truth | None = None
    reason: ShortNarrative


class ReferralConsent(Input):
    """Who agreed, how, when and to what; or the basis for acting without."""

    given_by: Annotated[list[Annotated[str, CodeOf("consent_giver")]], Field(max_length=5)] = Field(
        default_factory=list
    )
    method: Annotated[str, CodeOf("consent_method")] | None = None
    on: Day | None = None
    scope: Annotated[list[Annotated[str, CodeOf("consent_scope")]], Field(max_length=10)] = Field(
        default_factory=list
    )
    witness: Line | None = None
    basis_without_consent: BasisWithoutConsent | None = None

    @model_validator(mode="after")
    def consent_or_basis(self) -> Self:
        """Ask for one of the two, whole."""
        given = bool(self.given_by) and self.method is not None and self.on is not None and bool(self.scope)
        if not given and self.basis_without_consent is None:
            raise PydanticCustomError(
                "consent_missing", "needs given_by, method, on and scope, or basis_without_consent"
            )
        return self


class ReferralDocument(Input):
    """A document the referrer holds and can hand over."""

    title: Line
    note: ShortNarrative | None = None


class Told(Input):
    """The told part of a referral: what may be completed later, and is kept sealed."""

    urgency: Annotated[str, CodeOf("urgency")]
    concern: Concern
    child: ChildIdentity
    caregiver: Caregiver | None = None
    referrer: Referrer | None = None
    consent: ReferralConsent
    services_already_given: Annotated[list[Annotated[str, CodeOf("service")]], Field(max_length=20)] = Field(
        default_factory=list
    )
    documents: Annotated[list[ReferralDocument], Field(max_length=20)] = Field(default_factory=list)


class ReferralIn(Told):
    """A referral, as a partner's system or our own staff sends it."""

    id: Id | None = None
    external_id: Annotated[Line, Field(max_length=100)] | None = None
    source: Annotated[str, CodeOf("referral_source")] | None = None


if TYPE_CHECKING:

    class ToldPatch(Input):
        """Changes to what was told."""
else:
    ToldPatch = patch_of(Told, "ToldPatch")


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
    child_id: Id | None = None
    """A known child, after a duplicate was confirmed; null: a new child."""


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
    reason: str | None
    """Why it was declined or withdrawn."""
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


class Matches(Output):
    """Possible duplicates, most alike first."""

    items: list[Match]
    next_cursor: str | None
