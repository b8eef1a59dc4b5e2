"""The directory of providers on the wire: who serves children and families, where, and how to reach them."""

from typing import TYPE_CHECKING, Annotated, ClassVar, Self
from uuid import UUID

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from app.schemas.administration import QueryBoolean
from app.schemas.codes import CodeOf
from app.schemas.merge_patch import build_patch_model
from app.schemas.wire import (
    ClientChosenId,
    Email,
    Id,
    Input,
    PageQuery,
    PlainDate,
    ShortNarrative,
    ShortText,
    StrictBoolean,
    UtcDateTime,
    Versioned,
)

ProvinceCode = Annotated[str, Field(pattern=r"^[0-9]{2}$")]
"""The NCDD code of a province."""


class ProviderContact(Input):
    """Somebody at a provider whom one may call or write to."""

    name: ShortText
    position: ShortText | None = None
    phone: Annotated[ShortText, Field(max_length=40)] | None = Field(
        None, description="In E.164 on the way out."
    )
    email: Email | None = None


class ProviderSettings(Input):
    """What is known of a provider; nothing about a child."""

    name: ShortText
    kind: Annotated[str, CodeOf("provider_kind")]
    agency_id: Id | None = Field(
        None,
        description="The organisation that a consent to share names, where the provider belongs to one of ours.",
    )
    services: Annotated[list[Annotated[str, CodeOf("service")]], Field(min_length=1, max_length=30)]
    province_codes: Annotated[list[ProvinceCode], Field(max_length=25)] = Field(
        default_factory=list,
        description="The NCDD codes of the provinces they serve; empty means all of Cambodia.",
    )
    contacts: Annotated[list[ProviderContact], Field(max_length=20)] = Field(default_factory=list)
    places: ShortNarrative | None = Field(
        None, description="How many they can take, whom they take, when they are open."
    )
    note: ShortNarrative | None = None
    safeguarding_checked_on: PlainDate | None = None
    safeguarding_valid_until: PlainDate | None = None
    is_active: StrictBoolean = True

    @model_validator(mode="after")
    def validate_safeguarding_period(self) -> Self:
        """Ask for the day of the child-safeguarding check where its end is given, in this order."""
        if self.safeguarding_valid_until is None:
            return self
        if self.safeguarding_checked_on is None:
            raise PydanticCustomError("safeguarding_unchecked", "needs safeguarding_checked_on")
        if self.safeguarding_valid_until < self.safeguarding_checked_on:
            raise PydanticCustomError("period_reversed", "ends before it begins")
        return self


class ProviderCreate(ProviderSettings):
    """A new provider; the client may choose the id."""

    id: ClientChosenId | None = None


if TYPE_CHECKING:

    class ProviderUpdate(Input):
        """Changes to a provider."""
else:
    ProviderUpdate = build_patch_model(ProviderSettings, "ProviderUpdate")


class ProviderFilters(PageQuery):
    """Which providers to list."""

    q: Annotated[
        str | None, Field(min_length=2, max_length=100, description="Part of the name, in either script.")
    ] = None
    service: Annotated[str, CodeOf("service")] | None = None
    province_code: ProvinceCode | None = Field(
        None, description="Providers that serve this province, including those that serve all provinces."
    )
    kind: Annotated[str, CodeOf("provider_kind")] | None = None
    is_active: QueryBoolean | None = None


class Provider(Versioned):
    """A provider."""

    collection: ClassVar[str | None] = "providers"

    name: str
    kind: Annotated[str, CodeOf("provider_kind")]
    agency_id: UUID | None
    services: list[str]
    province_codes: list[str]
    contacts: list[ProviderContact]
    places: str | None
    note: str | None
    safeguarding_checked_on: PlainDate | None
    safeguarding_valid_until: PlainDate | None
    is_active: bool
    created_at: UtcDateTime
