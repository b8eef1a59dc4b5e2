"""Schemas of pending changes: requested changes that take effect when a second person confirms them."""

from datetime import date
from typing import Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import Field

from app.schemas.codes import CodeOf
from app.schemas.ledger import ApprovalLimit, ExchangeRate, LimitedAct, Role
from app.schemas.money import Currency, Money
from app.schemas.references import ApiClientRef, StaffRef, TeamRef
from app.schemas.shown_once import ShownOnce
from app.schemas.sign_in import StaffRole
from app.schemas.wire import (
    CommaSeparated,
    Input,
    Output,
    Page,
    PageQuery,
    Reason,
    UtcDateTime,
    Versioned,
)

PendingChangeKind = Annotated[str, CodeOf("pending_change_kind")]
PendingChangeStatus = Annotated[str, CodeOf("pending_change_status")]


class RequestedLimit(Output):
    """An approval limit that does not apply yet."""

    role: Role = Field(description="Role that the limit applies to.")
    act: LimitedAct = Field(description="Act that the limit applies to.")
    currency: Currency = Field(description="Currency that the limit applies to.")
    amount: Money | None = Field(description="Largest permitted amount; null if there is no limit.")
    starts_on: date = Field(description="First day on which the limit applies.")


class RequestedRate(Output):
    """An exchange rate that differs by more than 5 % from the published or the last confirmed rate."""

    on: date = Field(description="Day of the rate; for a payment, the day of the request.")
    rate: str = Field(description="Riel for one US dollar.")
    source: str = Field(description="Publisher of the rate; `payment` for the rate of one payment.")
    published_rate: str | None = Field(
        description="The published rate of that day or the last earlier day at the time of the request; null if there was "
        "none."
    )
    disbursement_number: str | None = Field(
        description="Number of the disbursement whose payment has this rate; null for a published rate."
    )


class RequestedPaymentDate(Output):
    """A day of a payment that is more than 7 days in the past."""

    paid_on: date = Field(description="Day of the payment.")
    disbursement_number: str = Field(description="Number of the disbursement whose payment has this day.")


class RequestedApiAccess(Output):
    """Access of an API client after the change."""

    api_client_id: UUID = Field(description="Id of the API client.")
    api_client: ApiClientRef = Field(description="The API client.")
    scopes: list[str] = Field(description="Scopes of the API client after the change.")
    is_active: bool = Field(description="Whether the API client is active after the change.")
    secret_added: bool = Field(description="Whether the API client gets a further secret.")
    key_replaced: bool = Field(description="Whether the API client gets another public key.")


class RequestedLegalBasis(Output):
    """A legal basis for acting without consent."""

    consent_id: UUID | None = Field(
        description="Id of the entry of the consent register. It contains the reason and the person who decided. Null for a "
        "caller who cannot read the entry."
    )
    basis: Annotated[str, CodeOf("basis_without_consent")] = Field(description="The legal basis.")
    scope: list[Annotated[str, CodeOf("consent_scope")]] = Field(
        description="Actions that the legal basis permits."
    )


class PendingChangeSummary(Output):
    """A change that waits for the confirmation of a second person."""

    id: UUID = Field(description="Id of the pending change.")
    kind: PendingChangeKind = Field(description="Kind of change.")
    roles: list[StaffRole] = Field(description="Roles that the person gets; empty for other kinds of change.")
    supervised_teams: list[TeamRef] = Field(
        description="Teams that the person supervises after the change; empty for other kinds of change."
    )
    expires_at: UtcDateTime = Field(description="Time at which the change expires unless it is confirmed.")


class ApprovalLimitDecision(Output):
    """Result of a request for an approval limit. A lower limit applies immediately, a higher limit after confirmation."""

    effective: ApprovalLimit | None = Field(
        description="The limit for the role, act and currency that applies on `starts_on` without the pending change; null if "
        "the role may not do the act."
    )
    pending_changes: list[PendingChangeSummary] = Field(
        description="The change that must be confirmed before the requested limit applies; empty if it applies already."
    )


class ExchangeRateDecision(Output):
    """The result of recording an exchange rate.

    A rate that differs by more than 5 % from another rate needs a confirmation.
    """

    effective: ExchangeRate | None = Field(
        description="The recorded rate; null if it waits for its confirmation."
    )
    pending_changes: list[PendingChangeSummary] = Field(
        description="The change that a second person must confirm before the rate is published; an empty list if the rate "
        "is published."
    )


class PaymentRateRequest(Output):
    """The request to pay a disbursement at a rate more than 5 % above or below the published or last confirmed rate."""

    pending_changes: list[PendingChangeSummary] = Field(
        description="The change that must be confirmed before a payment can have the rate."
    )


class PaymentDateRequest(Output):
    """The request to date the payment of a disbursement more than 7 days in the past."""

    pending_changes: list[PendingChangeSummary] = Field(
        description="The change that must be confirmed before a payment can have the day."
    )


class PendingChange(Versioned):
    """A change that takes effect when a second person confirms it."""

    collection: ClassVar = "pending-changes"

    kind: PendingChangeKind = Field(description="Kind of change.")
    status: PendingChangeStatus = Field(description="Whether the change waits, or how it ended.")
    requested_by_id: UUID | None = Field(
        description="Id of the person who requested the change; null for an operator on the command line of the "
        "server."
    )
    requested_by: StaffRef | None = Field(
        description="The person who requested the change; null for an operator on the command line of the server."
    )
    requested_at: UtcDateTime = Field(description="Time of the request.")
    expires_at: UtcDateTime = Field(description="Time at which the change expires unless it is confirmed.")
    person_id: UUID | None = Field(description="Id of the person whose account changes; null for settings.")
    person: StaffRef | None = Field(description="The person whose account changes; null for settings.")
    person_email: str | None = Field(
        description="Email address of that person's account, which cannot be changed. It distinguishes people with the "
        "same name."
    )
    roles: list[StaffRole] = Field(description="Roles that the person gets; empty for other kinds of change.")
    supervised_teams: list[TeamRef] = Field(
        description="Teams that the person supervises after the change; empty for other kinds of change."
    )
    remove_second_factor: bool | None = Field(
        description="Whether a password reset also removes the second factor; null for other kinds of change."
    )
    approval_limit: RequestedLimit | None = Field(
        description="The new approval limit; null for other kinds of change."
    )
    payment_date: RequestedPaymentDate | None = Field(
        description="The day of a payment; null for other kinds of change."
    )
    exchange_rate: RequestedRate | None = Field(
        description="The new exchange rate; null for other kinds of change."
    )
    api_access: RequestedApiAccess | None = Field(
        description="The new access of an API client; null for other kinds of change."
    )
    legal_basis: RequestedLegalBasis | None = Field(
        description="The legal basis for acting without consent; null for other kinds of change."
    )
    decided_by_id: UUID | None = Field(
        description="Id of the person who confirmed, rejected or withdrew the change; null if it is open or expired, or "
        "if an operator replaced it on the command line of the server."
    )
    decided_by: StaffRef | None = Field(
        description="The person who confirmed, rejected or withdrew the change; null if it is open or expired, or if an "
        "operator replaced it on the command line of the server."
    )
    decided_at: UtcDateTime | None = Field(
        description="Time of the confirmation, rejection or withdrawal; null if the change is open or expired."
    )
    reason: str | None = Field(description="Reason of a rejection; otherwise null.")


class PendingChangeList(Page[PendingChange]):
    """One page of pending changes, newest first."""


class PendingChangeFilters(PageQuery):
    """Query parameters of the list of pending changes."""

    status: CommaSeparated[PendingChangeStatus] | None = Field(
        default=None, description="Only changes with one of these statuses, separated by commas."
    )
    kind: CommaSeparated[PendingChangeKind] | None = Field(
        default=None, description="Only changes of these kinds, separated by commas."
    )
    awaiting: Literal["me"] | None = Field(
        default=None, description="`me`: only changes that the caller can confirm or reject."
    )


class PendingChangeRejection(Input):
    """The rejection of a pending change."""

    reason: Reason = Field(description="Reason of the rejection, for the requester and the person concerned.")


class ConfirmedChange(PendingChange):
    """A confirmed change. The activation code is shown only in this response."""

    activation_code: ShownOnce[str | None] = Field(
        description="Code that the confirming person gives to the person concerned, who enters it after signing in (`POST "
        "/v1/me/activate`). Until then the new roles have no effect. It is valid for seven days. Null if no code is "
        "needed, and in a repeated response."
    )
