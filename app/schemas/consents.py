"""Entries of the consent register on the wire."""

from datetime import date
from typing import Annotated, ClassVar, Self
from uuid import UUID

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from app.schemas.codes import CodeOf
from app.schemas.wire import (
    ClientChosenId,
    Id,
    Input,
    Page,
    PageQuery,
    PlainDate,
    ShortNarrative,
    ShortText,
    StrictBoolean,
    UtcDateTime,
    Versioned,
)


class BasisWithoutConsent(Input):
    """Why something is done without consent, and who decided so."""

    basis: Annotated[str, CodeOf("basis_without_consent")]
    decided_by: ShortText
    on: PlainDate
    child_told: StrictBoolean | None = None
    reason: ShortNarrative


class ConsentCreate(Input):
    """An entry of the consent register: consent, a refusal, or the basis for acting without."""

    id: ClientChosenId | None = None
    status: Annotated[str, Field(pattern="^(given|refused)$")] = "given"
    given_by: Annotated[list[Annotated[str, CodeOf("consent_giver")]], Field(max_length=5)] = Field(
        default_factory=list
    )
    method: Annotated[str, CodeOf("consent_method")] | None = None
    on: PlainDate
    scope: Annotated[list[Annotated[str, CodeOf("consent_scope")]], Field(min_length=1, max_length=10)]
    recipient_agency_id: Id | None = None
    valid_until: PlainDate | None = None
    witness: ShortText | None = None
    basis_without_consent: BasisWithoutConsent | None = None
    note: ShortNarrative | None = None

    @model_validator(mode="after")
    def validate_basis_and_period(self) -> Self:
        """Ask who agreed and how, or for the basis; and for an end after the beginning."""
        if self.basis_without_consent is None and (not self.given_by or self.method is None):
            raise PydanticCustomError(
                "consent_incomplete", "needs given_by and method, or basis_without_consent"
            )
        if self.valid_until is not None and self.valid_until < self.on:
            raise PydanticCustomError("period_reversed", "ends before it begins")
        return self


class ConsentFilters(PageQuery):
    """Which entries of the register."""

    child_id: Id | None = None
    case_id: Id | None = None
    recipient_agency_id: Id | None = None


class Consent(Versioned):
    """An entry of the consent register."""

    collection: ClassVar[str | None] = "consents"

    child_id: UUID
    case_id: UUID
    status: Annotated[str, CodeOf("consent_status")]
    given_by: list[str]
    method: str | None
    on: date
    scope: list[str]
    recipient_agency_id: UUID | None
    valid_until: date | None
    witness: str | None
    basis_without_consent: BasisWithoutConsent | None
    note: str | None
    recorded_by_id: UUID
    created_at: UtcDateTime
    withdrawn_at: UtcDateTime | None
    withdrawn_by_id: UUID | None
    withdrawal_reason: str | None


class ConsentList(Page[Consent]):
    """One page of the consent register, newest entry first."""
