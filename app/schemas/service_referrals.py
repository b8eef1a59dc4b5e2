"""Service referrals on the wire: what is asked of a provider, on whose consent, and what was shared."""

from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Self
from uuid import UUID

from pydantic import AfterValidator, Field, model_validator
from pydantic_core import PydanticCustomError

from app.schemas.codes import CodeOf
from app.schemas.consents import BasisWithoutConsent
from app.schemas.merge_patch import build_patch_model
from app.schemas.wire import (
    ClientChosenId,
    Id,
    Input,
    Narrative,
    PageQuery,
    ShortNarrative,
    UtcDateTime,
    Versioned,
)

SharedField = Annotated[str, CodeOf("shared_field")]


def _remove_duplicates(values: list[str]) -> list[str]:
    return list(dict.fromkeys(values))


class ServiceReferralContent(Input):
    """What is asked of a provider, and what it may be told of the child."""

    provider_id: Id
    service: Annotated[str, CodeOf("service")]
    need: Narrative
    shared_fields: Annotated[
        list[SharedField], Field(min_length=1, max_length=20), AfterValidator(_remove_duplicates)
    ]
    consent_id: Id | None = None
    basis_without_consent: BasisWithoutConsent | None = None
    area: Annotated[str, CodeOf("area")] | None = None
    goal_id: Id | None = None

    @model_validator(mode="after")
    def require_consent_or_basis(self) -> Self:
        """Ask for a consent or a legal basis, and not for both."""
        if (self.consent_id is None) == (self.basis_without_consent is None):
            raise PydanticCustomError("consent_or_basis", "needs consent_id or basis_without_consent")
        return self


class ServiceReferralCreate(ServiceReferralContent):
    """A new service referral, as a draft: nothing is shared yet. The client may choose the id."""

    id: ClientChosenId | None = None


if TYPE_CHECKING:

    class ServiceReferralUpdate(Input):
        """Changes to a service referral."""
else:
    ServiceReferralUpdate = build_patch_model(ServiceReferralContent, "ServiceReferralUpdate")


class ServiceReferralFilters(PageQuery):
    """Which service referrals of a case."""

    status: Annotated[str, CodeOf("service_referral_status")] | None = None
    service: Annotated[str, CodeOf("service")] | None = None
    provider_id: Id | None = None


class ServiceReferralAcceptance(Input):
    """What the provider said in accepting: when to come, whom to ask for."""

    note: ShortNarrative | None = None


class ServiceReferralDecline(Input):
    """Why the provider declined."""

    reason: ShortNarrative


class ServiceReferralCancellation(Input):
    """Why it was cancelled, if there is something to say."""

    reason: ShortNarrative | None = None


class ServiceReferralCompletion(Input):
    """How the service went."""

    outcome: Annotated[str, CodeOf("service_outcome")]
    note: ShortNarrative | None = None


class ServiceReferral(Versioned):
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
    sent_at: UtcDateTime | None
    sent_by_id: UUID | None
    answered_at: UtcDateTime | None
    answer: str | None
    ended_at: UtcDateTime | None
    reason: str | None
    outcome: Annotated[str, CodeOf("service_outcome")] | None
    outcome_note: str | None
    created_at: UtcDateTime
    updated_at: UtcDateTime
