"""Schemas of the directory of service providers."""

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, Self
from uuid import UUID

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError
from typing_extensions import TypeAliasType

from app.schemas.codes import CodeOf
from app.schemas.dates import PastDate, ValidityDate
from app.schemas.merge_patch import build_patch_model
from app.schemas.references import AgencyRef, PlaceRef
from app.schemas.warnings import InputWarning
from app.schemas.wire import (
    ClientChosenId,
    CommaSeparated,
    CountedPage,
    CountedPageQuery,
    Email,
    Id,
    Input,
    PlainDate,
    ProvinceCode,
    QueryBoolean,
    RecordSearchText,
    ShortNarrative,
    ShortText,
    StrictBoolean,
    UtcDateTime,
    Versioned,
)

"""NCDD code of a province."""
ProviderSort = TypeAliasType("ProviderSort", Literal["created_at", "-created_at", "name", "-name"])
"""Order of the directory of providers."""
_SERVICES_DESCRIPTION = "Services that the provider offers."
_PROVINCES_DESCRIPTION = "NCDD codes of the provinces that the provider serves; empty means all of Cambodia."
_CAPACITY_DESCRIPTION = "Capacity: number of places, target group and opening hours."
_CHECKED_ON_DESCRIPTION = "Day of the last child-safeguarding check."
_VALID_UNTIL_DESCRIPTION = (
    "Last day on which the child-safeguarding check is valid; null means 24 months after the check."
)
_AGENCY_DESCRIPTION = (
    "Id of the provider's agency, if it has one. A consent with a recipient agency permits sharing only with providers "
    "of that agency."
)
_ACTIVE_DESCRIPTION = "Whether service referrals can be sent to the provider."


class ProviderContact(Input):
    """A contact person or office at a provider."""

    name: ShortText = Field(description="Name of the person or office.")
    position: ShortText | None = Field(None, description="Position of the person.")
    phone: ShortText | None = Field(
        None,
        description="Phone number. A certainly valid number is stored in E.164 format, any other text as it was typed, with a "
        "warning.",
    )
    phone_e164: Annotated[ShortText, Field(max_length=20)] | None = Field(
        None,
        description="The phone number in E.164 format; null if it is not certainly valid. Only this value is dialled. The server "
        "sets it, and ignores a value in a request.",
    )
    email: Email | None = Field(None, description="Email address.")


class ProviderSettings(Input):
    """The editable fields of a provider. They contain no data about children."""

    name: ShortText = Field(description="Name of the provider.")
    kind: Annotated[str, CodeOf("provider_kind")] = Field(description="Kind of the provider.")
    agency_id: Id | None = Field(None, description=_AGENCY_DESCRIPTION)
    services: Annotated[
        list[Annotated[str, CodeOf("service")]],
        Field(min_length=1, max_length=30, description=_SERVICES_DESCRIPTION),
    ]
    province_codes: Annotated[list[ProvinceCode], Field(max_length=25)] = Field(
        default_factory=list, description=_PROVINCES_DESCRIPTION
    )
    contacts: Annotated[list[ProviderContact], Field(max_length=20)] = Field(
        default_factory=list, description="Contact persons and offices."
    )
    places: ShortNarrative | None = Field(None, description=_CAPACITY_DESCRIPTION)
    note: ShortNarrative | None = Field(None, description="Additional information.")
    safeguarding_checked_on: PastDate | None = Field(None, description=_CHECKED_ON_DESCRIPTION)
    safeguarding_valid_until: ValidityDate | None = Field(None, description=_VALID_UNTIL_DESCRIPTION)
    is_active: StrictBoolean = Field(default=True, description=_ACTIVE_DESCRIPTION)

    @model_validator(mode="after")
    def validate_safeguarding_period(self) -> Self:
        """Require the day of the child-safeguarding check with its end, and an end that is not before the check."""
        if self.safeguarding_valid_until is None:
            return self
        if self.safeguarding_checked_on is None:
            raise PydanticCustomError("safeguarding_unchecked", "needs safeguarding_checked_on")
        if self.safeguarding_valid_until < self.safeguarding_checked_on:
            raise PydanticCustomError("period_reversed", "ends before it begins")
        return self


class ProviderCreate(ProviderSettings):
    """A new provider."""

    id: ClientChosenId | None = Field(
        None, description="Id chosen by the client (UUID version 4). By default, the server generates it."
    )


if TYPE_CHECKING:

    class ProviderUpdate(Input):
        """Changes to a provider."""
else:
    ProviderUpdate = build_patch_model(ProviderSettings, "ProviderUpdate")


class ProviderFilters(CountedPageQuery):
    """Query parameters of the list of providers."""

    q: RecordSearchText | None = Field(
        None, description="Only providers whose name contains this text, in either script."
    )
    service: CommaSeparated[Annotated[str, CodeOf("service")]] | None = Field(
        None, description="Only providers that offer one of these services."
    )
    province_code: CommaSeparated[ProvinceCode] | None = Field(
        None, description="Only providers that serve one of these provinces, including those that serve all."
    )
    kind: CommaSeparated[Annotated[str, CodeOf("provider_kind")]] | None = Field(
        None, description="Only providers of these kinds."
    )
    is_active: QueryBoolean | None = Field(
        None, description="Only active (`true`) or only inactive (`false`) providers."
    )
    sort: ProviderSort = Field("-created_at", description="Order of the list without `q`.")


class Provider(Versioned):
    """A provider of services to children or families."""

    collection: ClassVar[str | None] = "providers"

    name: str = Field(description="Name of the provider.")
    kind: Annotated[str, CodeOf("provider_kind")] = Field(description="Kind of the provider.")
    agency_id: UUID | None = Field(description=_AGENCY_DESCRIPTION)
    agency: AgencyRef | None = Field(description="The provider's agency, if it has one.")
    services: list[Annotated[str, CodeOf("service")]] = Field(description=_SERVICES_DESCRIPTION)
    province_codes: list[str] = Field(description=_PROVINCES_DESCRIPTION)
    provinces: list[PlaceRef] = Field(description="The provinces, in the order of their codes.")
    contacts: list[ProviderContact] = Field(description="Contact persons and offices.")
    places: str | None = Field(description=_CAPACITY_DESCRIPTION)
    note: str | None = Field(description="Additional information.")
    safeguarding_checked_on: PlainDate | None = Field(description=_CHECKED_ON_DESCRIPTION)
    safeguarding_valid_until: PlainDate | None = Field(description=_VALID_UNTIL_DESCRIPTION)
    is_active: bool = Field(description=_ACTIVE_DESCRIPTION)
    created_at: UtcDateTime = Field(description="Time at which the provider was added.")
    warnings: list[InputWarning] = Field(description="Fields that are kept although they look wrong.")


class ProviderList(CountedPage[Provider]):
    """One page of providers."""
