"""Schemas of service referrals: requests to a provider, the consent for sharing data with it, and the shared data."""

from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, Self
from uuid import UUID

from pydantic import AfterValidator, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError
from typing_extensions import TypeAliasType

from app.schemas.cases import CaseChild
from app.schemas.codes import CodeOf
from app.schemas.consents import BasisWithoutConsent
from app.schemas.dates import FilterDate
from app.schemas.merge_patch import build_patch_model
from app.schemas.references import CaseRef, StaffRef
from app.schemas.wire import (
    ClientChosenId,
    CommaSeparated,
    CountedPage,
    CountedPageQuery,
    Id,
    Input,
    Narrative,
    ShortNarrative,
    UtcDateTime,
    Versioned,
)

ServiceReferralSort = TypeAliasType(
    "ServiceReferralSort", Literal["created_at", "-created_at", "updated_at", "-updated_at"]
)
"""Order of the lists of service referrals."""
SharedField = Annotated[str, CodeOf("shared_field")]


def _remove_duplicates(values: list[str]) -> list[str]:
    return list(dict.fromkeys(values))


class ServiceReferralContent(Input):
    """The request to a provider, and the data of the child that is shared with it."""

    provider_id: Id = Field(description="Id of the provider.")
    service: Annotated[str, CodeOf("service")] = Field(description="Service that is requested.")
    need: Narrative = Field(description="Need of the child or the family, in words for the provider.")
    shared_fields: Annotated[
        list[SharedField], Field(min_length=1, max_length=20), AfterValidator(_remove_duplicates)
    ] = Field(description="Fields that are shared with the provider when the referral is sent.")
    consent_id: Id | None = Field(
        None,
        description="Id of the consent that permits sharing. Exactly one of `consent_id` and `basis_without_consent` is "
        "required.",
    )
    basis_without_consent: BasisWithoutConsent | None = Field(
        None, description="Legal basis for sharing without consent."
    )
    area: Annotated[str, CodeOf("area")] | None = Field(
        None, description="Area of the care plan that the service supports."
    )
    goal_id: Id | None = Field(None, description="Id of the goal of this case that the service supports.")

    @model_validator(mode="after")
    def require_consent_or_basis(self) -> Self:
        """Require either a consent or a legal basis."""
        if (self.consent_id is None) == (self.basis_without_consent is None):
            raise PydanticCustomError("consent_or_basis", "needs consent_id or basis_without_consent")
        return self


class ServiceReferralCreate(ServiceReferralContent):
    """A new draft service referral. A draft shares no data."""

    id: ClientChosenId | None = Field(
        None, description="Id chosen by the client (UUID version 4). By default, the server generates it."
    )


if TYPE_CHECKING:

    class ServiceReferralUpdate(Input):
        """Changes to a service referral."""
else:
    ServiceReferralUpdate = build_patch_model(ServiceReferralContent, "ServiceReferralUpdate")


class CaseServiceReferralFilters(CountedPageQuery):
    """Query parameters of the list of service referrals of a case."""

    status: CommaSeparated[Annotated[str, CodeOf("service_referral_status")]] | None = Field(
        None, description="Only service referrals with one of these statuses."
    )
    service: CommaSeparated[Annotated[str, CodeOf("service")]] | None = Field(
        None, description="Only service referrals for one of these services."
    )
    provider_id: CommaSeparated[Id] | None = Field(
        None, description="Only service referrals to one of these providers."
    )
    sort: ServiceReferralSort = Field("-created_at", description="Order of the list.")


class ServiceReferralFilters(CaseServiceReferralFilters):
    """Query parameters of the list of service referrals of all cases."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    case_id: Id | None = Field(None, description="Only service referrals of this case.")
    team_id: CommaSeparated[Id] | None = Field(
        None, description="Only service referrals of cases of these teams."
    )
    lead_worker_id: CommaSeparated[Id] | None = Field(
        None, description="Only service referrals of cases of these lead workers."
    )
    since: Annotated[
        FilterDate | None,
        Field(alias="from", description="Only service referrals created on or after this day, in Cambodia."),
    ] = None
    until: Annotated[
        FilterDate | None,
        Field(alias="to", description="Only service referrals created on or before this day, in Cambodia."),
    ] = None


class ServiceReferralAcceptance(Input):
    """The provider's acceptance of a service referral."""

    note: ShortNarrative | None = Field(
        None, description="The provider's answer, such as the appointment and the contact person."
    )


class ServiceReferralDecline(Input):
    """The provider's decline of a service referral."""

    reason: ShortNarrative = Field(description="The provider's reason.")


class ServiceReferralCancellation(Input):
    """Cancellation of a service referral by staff."""

    reason: ShortNarrative | None = Field(None, description="Reason for the cancellation.")


class ServiceReferralCompletion(Input):
    """Outcome of a service that the provider accepted."""

    outcome: Annotated[str, CodeOf("service_outcome")] = Field(
        description="Outcome of the service; null until it is completed."
    )
    note: ShortNarrative | None = Field(None, description="Details of the outcome.")


class ServiceReferralRecall(Input):
    """The recall of data that was shared with the provider."""

    note: ShortNarrative = Field(
        description="The person who asked the provider to delete or return the data, and the answer of the provider."
    )


class ServiceReferralFields(Versioned):
    """The fields of a service referral that the list of all cases contains too."""

    child_id: UUID = Field(description="Id of the child.")
    case_id: UUID = Field(description="Id of the case.")
    provider_id: UUID = Field(description="Id of the provider.")
    provider_name: str = Field(description="Name of the provider.")
    service: Annotated[str, CodeOf("service")] = Field(description="Service that is requested.")
    status: Annotated[str, CodeOf("service_referral_status")] = Field(
        description="Life-cycle status of the service referral."
    )
    area: Annotated[str, CodeOf("area")] | None = Field(
        description="Area of the care plan that the service supports."
    )
    goal_id: UUID | None = Field(description="Id of the goal that the service supports.")
    consent_id: UUID | None = Field(
        description="Id of the consent that permits sharing; null with a legal basis."
    )
    basis_entry_id: UUID | None = Field(
        description="Id of the entry of the consent register with the legal basis, which a second person confirms before the "
        "referral can be sent; null with a consent."
    )
    author_id: UUID = Field(description="Id of the staff member who created the draft.")
    author: StaffRef = Field(description="The staff member who created the draft.")
    sent_at: UtcDateTime | None = Field(
        description="Time at which the referral was sent and the data shared."
    )
    sent_by_id: UUID | None = Field(description="Id of the staff member who sent the referral.")
    sent_by: StaffRef | None = Field(description="The staff member who sent the referral.")
    answered_at: UtcDateTime | None = Field(
        description="Time at which the provider's acceptance or refusal was recorded."
    )
    ended_at: UtcDateTime | None = Field(
        description="Time at which the referral was declined, completed or cancelled."
    )
    outcome: Annotated[str, CodeOf("service_outcome")] | None = Field(
        description="Outcome of the service; null until it is completed."
    )
    recall_requested_at: UtcDateTime | None = Field(
        description="Time of the refusal or withdrawal after which the shared data has to be recalled from the provider; null "
        "if none followed."
    )
    recalled_at: UtcDateTime | None = Field(
        description="Time at which the recall was recorded; null until then."
    )
    recalled_by_id: UUID | None = Field(description="Id of the staff member who recorded the recall.")
    recalled_by: StaffRef | None = Field(description="The staff member who recorded the recall.")
    created_at: UtcDateTime = Field(description="Time at which the draft was created.")
    updated_at: UtcDateTime = Field(description="Time of the last change.")


class ServiceReferral(ServiceReferralFields):
    """A request to a provider to serve the child or the family."""

    collection: ClassVar[str | None] = "service-referrals"

    need: str = Field(description="Need of the child or the family, in words for the provider.")
    basis_without_consent: BasisWithoutConsent | None = Field(
        description="Legal basis for sharing without consent."
    )
    shared_fields: list[SharedField] = Field(
        description="Fields that are shared with the provider when the referral is sent."
    )
    shared: dict[SharedField, Any] | None = Field(
        description="Copy of the shared values at the time of sending, by field. A value is null if it was not known. "
        "The field is null until the referral is sent."
    )
    answer: str | None = Field(description="Comment of the provider when it accepted the service referral.")
    reason: str | None = Field(description="Reason for the decline or the cancellation.")
    outcome_note: str | None = Field(description="Details of the outcome.")
    recall_note: str | None = Field(description="Note about what the provider did with the recalled data.")


class ServiceReferralSummary(ServiceReferralFields):
    """A service referral in the list of all cases. It contains neither texts nor shared data."""

    child: CaseChild = Field(description="The child.")
    case: CaseRef = Field(description="The case.")


class ServiceReferralList(CountedPage[ServiceReferral]):
    """One page of service referrals."""


class ServiceReferralSummaryList(CountedPage[ServiceReferralSummary]):
    """One page of the service referrals of all cases."""
