"""Service referrals on the wire: what is asked of a provider, on whose consent, and what was shared."""

from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Self
from uuid import UUID

from pydantic import AfterValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from app.schemas.codes import CodeOf
from app.schemas.merge_patch import patch_of
from app.schemas.referrals_told import BasisWithoutConsent
from app.schemas.wire import Id, Input, Moment, Narrative, NewId, PageQuery, ShortNarrative, Versioned

SharedField = Annotated[str, CodeOf("shared_field")]


def _once(values: list[str]) -> list[str]:
    return list(dict.fromkeys(values))


class ServiceReferralContent(Input):
    """What is asked of a provider, and what it may be told of the child."""

    provider_id: Id
    service: Annotated[str, CodeOf("service")]
    need: Narrative
    shared_fields: Annotated[list[SharedField], Field(min_length=1, max_length=20), AfterValidator(_once)]
    consent_id: Id | None = None
    basis_without_consent: BasisWithoutConsent | None = None
    area: Annotated[str, CodeOf("area")] | None = None
    goal_id: Id | None = None

    @model_validator(mode="after")
    def rests_on_one(self) -> Self:
        """Ask for a consent or a legal basis, and not for both."""
        if (self.consent_id is None) == (self.basis_without_consent is None):
            raise PydanticCustomError("consent_or_basis", "needs consent_id or basis_without_consent")
        return self


class ServiceReferralIn(ServiceReferralContent):
    """A new service referral, as a draft: nothing is shared yet. The client may choose the id."""

    id: NewId | None = None


if TYPE_CHECKING:

    class ServiceReferralPatch(Input):
        """Changes to a service referral."""
else:
    ServiceReferralPatch = patch_of(ServiceReferralContent, "ServiceReferralPatch")


class ServiceReferralFilters(PageQuery):
    """Which service referrals of a case."""

    status: Annotated[str, CodeOf("service_referral_status")] | None = None
    service: Annotated[str, CodeOf("service")] | None = None
    provider_id: Id | None = None


class ServiceAcceptance(Input):
    """What the provider said in accepting: when to come, whom to ask for."""

    note: ShortNarrative | None = None


class ServiceEnding(Input):
    """Why the provider declined."""

    reason: ShortNarrative


class ServiceCancellation(Input):
    """Why it was cancelled, if there is something to say."""

    reason: ShortNarrative | None = None


class ServiceCompletion(Input):
    """How the service went."""

    outcome: Annotated[str, CodeOf("service_outcome")]
    note: ShortNarrative | None = None


class ServiceReferralOut(Versioned):
    """A request to a provider to serve the child or the family."""

    collection: ClassVar[str | None] = "service-referrals"

    child_id: UUID
    case_id: UUID
    provider_id: UUID
    provider_name: str
    service: Annotated[str, CodeOf("service")]
    status: Annotated[str, CodeOf("service_referral_status")]
    need: str
    area: Annotated[str, CodeOf("area")] | None
    goal_id: UUID | None
    consent_id: UUID | None
    basis_without_consent: BasisWithoutConsent | None
    shared_fields: list[SharedField]
    shared: dict[SharedField, Any] | None
    author_id: UUID
    sent_at: Moment | None
    sent_by_id: UUID | None
    answered_at: Moment | None
    answer: str | None
    ended_at: Moment | None
    reason: str | None
    outcome: Annotated[str, CodeOf("service_outcome")] | None
    outcome_note: str | None
    created_at: Moment
    updated_at: Moment
