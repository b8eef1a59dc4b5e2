"""Schemas of the consent register."""

from datetime import date
from typing import Annotated, ClassVar, Literal, Self
from uuid import UUID

from pydantic import ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError
from typing_extensions import TypeAliasType

from app.schemas.codes import CodeOf
from app.schemas.corrections import Correctable, CorrectableFilters
from app.schemas.dates import FilterDate, PastDate, ValidityDate
from app.schemas.references import AgencyRef, StaffRef
from app.schemas.wire import (
    ClientChosenId,
    CommaSeparated,
    CountedPage,
    CountedPageQuery,
    Id,
    Input,
    Output,
    ShortNarrative,
    ShortText,
    StrictBoolean,
    UtcDateTime,
    Versioned,
)

ConsentSort = TypeAliasType("ConsentSort", Literal["created_at", "-created_at", "on", "-on"])
"""Order of the consent register."""


class BasisWithoutConsent(Input):
    """Legal basis for acting without consent, and the decision to use it."""

    basis: Annotated[str, CodeOf("basis_without_consent")] = Field(description="Legal basis.")
    decided_by: ShortText = Field(description="Name of the person who decided to act without consent.")
    on: PastDate = Field(description="Day of the decision.")
    child_told: StrictBoolean | None = Field(
        None, description="Whether the child was informed that the action is taken without consent."
    )
    reason: ShortNarrative = Field(description="Reason for the decision.")


class ConsentCreate(Input):
    """A new entry of the consent register: a consent, a refusal, or a legal basis for acting without consent."""

    id: ClientChosenId | None = Field(
        None, description="Id chosen by the client (UUID version 4). By default, the server generates it."
    )
    status: Annotated[str, Field(pattern="^(given|refused)$")] = Field(
        "given", description="`given` for a consent or a legal basis, `refused` for a refusal."
    )
    given_by: Annotated[list[Annotated[str, CodeOf("consent_giver")]], Field(max_length=5)] = Field(
        default_factory=list,
        description="Persons who consented or refused. May be empty only with `basis_without_consent`.",
    )
    method: Annotated[str, CodeOf("consent_method")] | None = Field(
        None,
        description="Form of the consent, such as oral or written. May be null only with `basis_without_consent`.",
    )
    on: PastDate = Field(description="Day of the consent or refusal.")
    scope: Annotated[list[Annotated[str, CodeOf("consent_scope")]], Field(min_length=1, max_length=10)] = (
        Field(description="Actions that the consent permits or the refusal forbids.")
    )
    recipient_agency_id: Id | None = Field(
        None,
        description="Id of the agency with which data may be shared; null if the entry is not limited to an agency.",
    )
    alternative_giver_reason: ShortNarrative | None = Field(
        None,
        description="Reason why another trusted adult consents in place of the caregiver, for example because the "
        "caregiver may be involved in the abuse. Required for a consent of `other`.",
    )
    valid_until: ValidityDate | None = Field(
        None, description="Last day of validity, not before `on`; null if there is no end."
    )
    witness: ShortText | None = Field(None, description="Name of the witness.")
    basis_without_consent: BasisWithoutConsent | None = Field(
        None, description="Legal basis for acting without consent; null for a consent or a refusal."
    )
    note: ShortNarrative | None = Field(None, description="Additional information, as free text.")

    @model_validator(mode="after")
    def validate_basis_and_period(self) -> Self:
        """Require the giver and method or a legal basis, a reason for an alternative giver, and an end after the start."""
        if self.basis_without_consent is None and (not self.given_by or self.method is None):
            raise PydanticCustomError(
                "consent_incomplete", "needs given_by and method, or basis_without_consent"
            )
        if self.status == "given" and "other" in self.given_by and self.alternative_giver_reason is None:
            raise PydanticCustomError(
                "alternative_reason_missing", "a consent of `other` needs alternative_giver_reason"
            )
        if self.valid_until is not None and self.valid_until < self.on:
            raise PydanticCustomError("period_reversed", "ends before it begins")
        return self


class CaseConsentFilters(CountedPageQuery, CorrectableFilters):
    """Query parameters of the list of the consent entries of a case."""


class ConsentFilters(CountedPageQuery, CorrectableFilters):
    """Query parameters of the list of all consent entries."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    status: Annotated[str, CodeOf("consent_status")] | None = Field(
        None, description="Only entries that have this status today."
    )
    child_id: Id | None = Field(None, description="Only entries about this child.")
    case_id: Id | None = Field(None, description="Only entries of this case.")
    recipient_agency_id: CommaSeparated[Id] | None = Field(
        None, description="Only entries that name one of these recipient agencies."
    )
    since: Annotated[
        FilterDate | None,
        Field(alias="from", description="Only consents and refusals given on or after this day."),
    ] = None
    until: Annotated[
        FilterDate | None,
        Field(alias="to", description="Only consents and refusals given on or before this day."),
    ] = None
    sort: ConsentSort = Field("-created_at", description="Order of the list.")


class Consent(Versioned, Correctable):
    """An entry of the consent register."""

    collection: ClassVar[str | None] = "consents"

    child_id: UUID = Field(description="Id of the child.")
    case_id: UUID = Field(description="Id of the case.")
    status: Annotated[str, CodeOf("consent_status")] = Field(
        description="Status today: given, refused, withdrawn, or expired after `valid_until`."
    )
    given_by: list[Annotated[str, CodeOf("consent_giver")]] = Field(
        description="Persons who consented or refused; empty for a legal basis without consent."
    )
    method: Annotated[str, CodeOf("consent_method")] | None = Field(
        description="Form of the consent, such as oral or written; null for a legal basis without consent."
    )
    on: date = Field(description="Day of the consent or refusal.")
    scope: list[Annotated[str, CodeOf("consent_scope")]] = Field(
        description="Actions that the consent permits or the refusal forbids."
    )
    recipient_agency_id: UUID | None = Field(
        description="Id of the agency with which data may be shared; null if the entry is not limited to an agency."
    )
    recipient_agency: AgencyRef | None = Field(description="The agency with which data may be shared.")
    valid_until: date | None = Field(description="Last day of validity; null if there is no end.")
    witness: str | None = Field(description="Name of the witness.")
    basis_without_consent: BasisWithoutConsent | None = Field(
        description="Legal basis for acting without consent; null for a consent or a refusal."
    )
    basis_confirmed_at: UtcDateTime | None = Field(
        description="Time at which a second person confirmed the legal basis; null if nobody did. Every gate "
        "requires it, except the acceptance of a referral and the reopening of a case."
    )
    basis_confirmed_by_id: UUID | None = Field(
        description="Id of the second person who confirmed the legal basis."
    )
    basis_confirmed_by: StaffRef | None = Field(
        description="The second person who confirmed the legal basis."
    )
    alternative_giver_reason: str | None = Field(
        description="Reason why another trusted adult consents in place of the caregiver; null without such a giver."
    )
    note: str | None = Field(description="Additional information, as free text.")
    recorded_by_id: UUID = Field(description="Id of the staff member who recorded the entry.")
    recorded_by: StaffRef = Field(description="The staff member who recorded the entry.")
    created_at: UtcDateTime = Field(description="Time at which the entry was recorded.")
    withdrawn_at: UtcDateTime | None = Field(
        description="Time of the withdrawal; null if the entry is not withdrawn."
    )
    withdrawn_by_id: UUID | None = Field(description="Id of the staff member who recorded the withdrawal.")
    withdrawn_by: StaffRef | None = Field(description="The staff member who recorded the withdrawal.")
    withdrawn_givers: list[Annotated[str, CodeOf("consent_giver")]] = Field(
        description="Givers who withdrew; empty if the entry is not withdrawn."
    )
    withdrawal_reason: str | None = Field(description="Reason for the withdrawal.")


class SharedData(Output):
    """Data of the child that was shared with a provider, and that has to be recalled."""

    service_referral_id: UUID = Field(description="Id of the service referral with the shared values.")
    provider_id: UUID = Field(description="Id of the provider.")
    provider_name: str = Field(description="Name of the provider.")
    service: Annotated[str, CodeOf("service")] = Field(description="Service that was requested.")
    shared_fields: list[Annotated[str, CodeOf("shared_field")]] = Field(
        description="Fields that were shared."
    )
    sent_at: UtcDateTime = Field(description="Time at which the data was shared.")
    consent_id: UUID | None = Field(
        description="Id of the consent on which it was shared; null for a legal basis."
    )
    recalled_at: UtcDateTime | None = Field(
        description="Time at which an earlier recall was recorded; null until then."
    )


class RecordedConsent(Consent):
    """A new or withdrawn entry of the consent register, with the data that has to be recalled."""

    shared_before: list[SharedData] = Field(
        description="Shares of data that the refusal or withdrawal ends: the data, the recipient, the time and the "
        "consent. Each item is on the agenda of the case until `POST /v1/service-referrals/{id}/recall`. Empty for another "
        "entry."
    )


class ConsentList(CountedPage[Consent]):
    """One page of the consent register."""


class ConsentWithdrawal(Input):
    """Withdrawal of a consent by the child or the person who gave it, with the reason."""

    reason: ShortNarrative = Field(description="Reason for the withdrawal.")
    withdrawn_givers: Annotated[list[Annotated[str, CodeOf("consent_giver")]], Field(max_length=5)] = Field(
        default_factory=list,
        description="Givers of the entry who withdraw. If it is empty, all of them do.",
    )
