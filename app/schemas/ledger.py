"""The ledger on the wire, and what it rests on: entries, limits, rates, closed books."""

from datetime import date
from typing import Annotated, Self
from uuid import UUID

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from app.schemas.codes import CodeOf
from app.schemas.funds import BudgetLine
from app.schemas.money import Currency, Money, PositiveMoney, Rate
from app.schemas.wire import Id, Input, Output, PageQuery, PlainDate, ShortText, UtcDateTime


class LedgerEntryFilters(PageQuery):
    """Which entries of a fund's ledger."""

    account: Annotated[str, CodeOf("ledger_account")] | None = None
    line: BudgetLine | None = None
    kind: Annotated[str, CodeOf("ledger_kind")] | None = None
    disbursement_id: Id | None = None


class LedgerEntry(Output):
    """One side of something that happened to a fund's money."""

    id: UUID
    transaction_id: UUID
    kind: Annotated[str, CodeOf("ledger_kind")]
    on: date
    account: Annotated[str, CodeOf("ledger_account")]
    line: BudgetLine
    amount: Money
    disbursement_id: UUID | None
    transfer_id: UUID | None
    reference: str | None
    by_id: UUID
    created_at: UtcDateTime


class ApprovalLimitCreate(Input):
    """Up to which amount a role may do something, from a day on."""

    role: Annotated[str, CodeOf("role")]
    act: Annotated[str, CodeOf("limited_act")]
    currency: Currency
    amount: PositiveMoney | None = Field(None, description="Null: without limit.")
    starts_on: PlainDate

    @model_validator(mode="after")
    def validate_currency(self) -> Self:
        """Ask for an amount in the currency that the limit is for."""
        if self.amount is not None and self.amount.currency != self.currency:
            raise PydanticCustomError("currency_other", "is in another currency")
        return self


class ApprovalLimit(Output):
    """A limit, as it was set; the newest that has begun counts."""

    id: UUID
    role: Annotated[str, CodeOf("role")]
    act: Annotated[str, CodeOf("limited_act")]
    currency: Currency
    amount: Money | None = Field(description="Null: without limit.")
    starts_on: date
    set_by_id: UUID | None
    created_at: UtcDateTime


class ExchangeRateCreate(Input):
    """Riel for one US dollar on a day, as a source published it."""

    on: PlainDate
    rate: Rate
    source: ShortText


class ExchangeRate(Output):
    """Riel for one US dollar on a day, as a source published it."""

    id: UUID
    on: date
    rate: str
    source: str
    recorded_by_id: UUID
    created_at: UtcDateTime


class BooksClosingCreate(Input):
    """The last day of the period whose books are closed."""

    until: PlainDate


class BooksClosing(Output):
    """A period whose books are closed: the ledger takes nothing more that counts for it."""

    id: UUID
    until: date
    closed_by_id: UUID
    created_at: UtcDateTime


class LedgerDiscrepancy(Output):
    """A balance that is not the sum of its entries: this must never be."""

    fund_id: UUID
    account_id: UUID
    stored: Money
    recomputed: Money


class LedgerCheck(Output):
    """Every balance, computed again from nothing but the entries."""

    accounts: int
    entries: int
    differences: list[LedgerDiscrepancy]
