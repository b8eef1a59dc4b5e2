"""Schemas of ledger entries, approval limits, exchange rates and books closings."""

from datetime import date
from typing import Annotated, Self
from uuid import UUID

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from app.schemas.codes import CodeOf
from app.schemas.dates import PastDate, PlanDate
from app.schemas.funds import BudgetLine
from app.schemas.money import Currency, Money, PositiveMoney, Rate
from app.schemas.references import FundRef, StaffRef
from app.schemas.wire import (
    CommaSeparated,
    Id,
    Input,
    Output,
    Page,
    PageQuery,
    ShortText,
    UtcDateTime,
)

LedgerKind = Annotated[str, CodeOf("ledger_kind")]
LedgerAccount = Annotated[str, CodeOf("ledger_account")]
LimitedAct = Annotated[str, CodeOf("limited_act")]
Role = Annotated[str, CodeOf("role")]


class LedgerEntryFilters(PageQuery):
    """Query parameters of the ledger of a fund."""

    account: CommaSeparated[LedgerAccount] | None = Field(
        None, description="Only entries on one of these kinds of account, separated by commas."
    )
    line: CommaSeparated[BudgetLine] | None = Field(
        None, description="Only entries on one of these budget lines, separated by commas."
    )
    kind: CommaSeparated[LedgerKind] | None = Field(
        None, description="Only entries of one of these kinds of transaction, separated by commas."
    )
    disbursement_id: Id | None = Field(None, description="Only entries of this disbursement.")


class LedgerEntry(Output):
    """One entry of the ledger: a signed amount on one account. The entries of a transaction sum to 0."""

    id: UUID = Field(description="Id of the entry.")
    transaction_id: UUID = Field(description="Id of the transaction that the entry belongs to.")
    kind: LedgerKind = Field(description="Kind of the transaction.")
    on: date = Field(description="Accounting date.")
    account: LedgerAccount = Field(description="Kind of the account, such as `available` or `reserved`.")
    line: BudgetLine = Field(description="Budget line of the account.")
    amount: Money = Field(description="Amount; negative if the entry decreases the account.")
    disbursement_id: UUID | None = Field(
        description="Id of the disbursement that caused the transaction, if any."
    )
    transfer_id: UUID | None = Field(description="Id of the transfer that caused the transaction, if any.")
    reference: str | None = Field(
        description="Reference of a deposit, or reason for a transfer or a closure."
    )
    by_id: UUID = Field(description="Id of the person whose act caused the transaction.")
    by: StaffRef = Field(description="The person whose act caused the transaction.")
    created_at: UtcDateTime = Field(description="Time at which the entry was written.")


class LedgerEntryList(Page[LedgerEntry]):
    """One page of the ledger entries of a fund, newest first."""


class ApprovalLimitCreate(Input):
    """A new approval limit."""

    role: Role = Field(description="Role that the limit applies to.")
    act: LimitedAct = Field(description="Act that the limit applies to.")
    currency: Currency = Field(description="Currency that the limit applies to.")
    amount: PositiveMoney | None = Field(
        None, description="Largest permitted amount, in `currency`; null if there is no limit."
    )
    starts_on: PlanDate = Field(description="First day on which the limit applies.")

    @model_validator(mode="after")
    def validate_currency(self) -> Self:
        """Require an amount in the currency of the limit."""
        if self.amount is not None and self.amount.currency != self.currency:
            raise PydanticCustomError("currency_other", "is in another currency")
        return self


class ApprovalLimit(Output):
    """An approval limit.

    Of the limits for a role, act and currency that have started, the one with the latest start applies.
    """

    id: UUID = Field(description="Id of the limit.")
    role: Role = Field(description="Role that the limit applies to.")
    act: LimitedAct = Field(description="Act that the limit applies to.")
    currency: Currency = Field(description="Currency that the limit applies to.")
    amount: Money | None = Field(description="Largest permitted amount; null if there is no limit.")
    starts_on: date = Field(description="First day on which the limit applies.")
    set_by_id: UUID | None = Field(
        description="Id of the administrator who set the limit; null for the limits of a new installation."
    )
    set_by: StaffRef | None = Field(
        description="The administrator who set the limit; null for the limits of a new installation."
    )
    created_at: UtcDateTime = Field(description="Time at which the limit was set.")


class ApprovalLimitList(Page[ApprovalLimit]):
    """One page of approval limits, newest first."""


class ExchangeRateCreate(Input):
    """A new exchange rate, as a source published it."""

    on: PastDate = Field(description="Day of the rate, not in the future.")
    rate: Rate = Field(description="Riel for one US dollar.")
    source: ShortText = Field(description="Publisher of the rate.")


class ExchangeRate(Output):
    """An exchange rate, as a source published it."""

    id: UUID = Field(description="Id of the rate.")
    on: date = Field(description="Day of the rate.")
    rate: str = Field(description="Riel for one US dollar.")
    source: str = Field(description="Publisher of the rate.")
    recorded_by_id: UUID = Field(description="Id of the person who recorded the rate.")
    recorded_by: StaffRef = Field(description="The person who recorded the rate.")
    confirmed_by_id: UUID | None = Field(
        description="Id of the second person who confirmed the rate; null for a rate within 5 % of the last confirmed one."
    )
    confirmed_by: StaffRef | None = Field(description="The second person who confirmed the rate.")
    created_at: UtcDateTime = Field(description="Time at which the rate was recorded.")


class ExchangeRateList(Page[ExchangeRate]):
    """One page of exchange rates, newest first."""


class BooksClosingCreate(Input):
    """The closing of the books up to and including a day."""

    until: PastDate = Field(description="Last day of the closed period; before today.")


class BooksClosing(Output):
    """A closed period. The ledger accepts no transaction with an accounting date up to `until`."""

    id: UUID = Field(description="Id of the closing.")
    until: date = Field(description="Last day of the closed period.")
    closed_by_id: UUID = Field(description="Id of the person who closed the books.")
    closed_by: StaffRef = Field(description="The person who closed the books.")
    created_at: UtcDateTime = Field(description="Time of the closing.")


class BooksClosingList(Page[BooksClosing]):
    """One page of books closings, newest first."""


class LedgerDiscrepancy(Output):
    """An account whose stored balance differs from the sum of its entries."""

    fund_id: UUID = Field(description="Id of the fund.")
    fund: FundRef = Field(description="The fund.")
    account_id: UUID = Field(description="Id of the account.")
    stored: Money = Field(description="Stored balance.")
    recomputed: Money = Field(description="Sum of the entries.")


class LedgerCheck(Output):
    """The result of recomputing every balance from the ledger entries."""

    accounts: int = Field(description="Number of recomputed accounts.")
    entries: int = Field(description="Number of entries in the ledger.")
    differences: list[LedgerDiscrepancy] = Field(
        description="Accounts with a wrong balance, at most 1,000; empty if the ledger is consistent."
    )
