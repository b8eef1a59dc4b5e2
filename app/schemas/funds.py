"""Funds on the wire: what a donor gave, for what; deposits, transfers between lines."""

from datetime import date
from typing import TYPE_CHECKING, Annotated, ClassVar, Self
from uuid import UUID

from pydantic import Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from app.schemas.codes import CodeOf
from app.schemas.merge_patch import build_patch_model
from app.schemas.money import Currency, Money, PositiveMoney
from app.schemas.wire import (
    ClientChosenId,
    Id,
    Input,
    Output,
    PageQuery,
    PlainDate,
    ShortText,
    UtcDateTime,
    Versioned,
)

Category = Annotated[str, CodeOf("assistance_category")]
BudgetLine = Annotated[str, CodeOf("budget_line")]
AgeInYears = Annotated[int, Field(strict=True, ge=0, le=120)]
ProvinceCode = Annotated[str, StringConstraints(pattern=r"^[0-9]{2}$")]


class FundBudgetLineCreate(Input):
    """A line of the budget: a category with money of its own."""

    category: Category
    budget: PositiveMoney


class FundSettings(Input):
    """What a fund is, and what it may be spent on."""

    name: ShortText
    donor: ShortText
    grant_code: ShortText | None = None
    ends_on: PlainDate | None = None
    budget: PositiveMoney | None = None
    categories: Annotated[list[Category], Field(min_length=1, max_length=20)]
    lines: Annotated[list[FundBudgetLineCreate], Field(max_length=20)] = Field(default_factory=list)
    youngest: AgeInYears | None = None
    oldest: AgeInYears | None = None
    province_codes: Annotated[list[ProvinceCode], Field(max_length=25)] = Field(default_factory=list)

    @model_validator(mode="after")
    def validate_lines_and_ages(self) -> Self:
        """Ask for lines of the fund's own categories, each once, and for ages in order."""
        named = [line.category for line in self.lines]
        if len(named) != len(set(named)) or not set(named) <= set(self.categories):
            raise PydanticCustomError("lines_unfit", "each line is one of the categories, once")
        if self.youngest is not None and self.oldest is not None and self.oldest < self.youngest:
            raise PydanticCustomError("ages_reversed", "oldest is younger than youngest")
        return self


class FundCreate(FundSettings):
    """A new fund; the client may choose the id."""

    id: ClientChosenId | None = None
    currency: Currency
    starts_on: PlainDate

    @model_validator(mode="after")
    def validate_period(self) -> Self:
        """Ask for an end after the beginning."""
        if self.ends_on is not None and self.ends_on < self.starts_on:
            raise PydanticCustomError("period_reversed", "ends before it begins")
        return self


if TYPE_CHECKING:

    class FundUpdate(Input):
        """Changes to a fund."""
else:
    FundUpdate = build_patch_model(FundSettings, "FundUpdate")


class FundFilters(PageQuery):
    """Which funds."""

    status: Annotated[str, CodeOf("fund_status")] | None = None
    currency: Currency | None = None


class FundBalances(Output):
    """Where a fund's money is, from the ledger."""

    given: Money = Field(description="What the donor gave.")
    available: Money
    reserved: Money = Field(description="Promised: approved, and not yet paid.")
    advanced: Money = Field(description="Paid, and not yet accounted for by receipts.")
    spent: Money


class FundBudgetLine(Output):
    """A line of the budget, with its money."""

    line: BudgetLine
    budget: Money | None
    available: Money
    reserved: Money = Field(description="Promised: approved, and not yet paid.")
    advanced: Money = Field(description="Paid, and not yet accounted for by receipts.")
    spent: Money


class Fund(Versioned):
    """A fund."""

    collection: ClassVar[str | None] = "funds"

    name: str
    donor: str
    grant_code: str | None
    currency: Currency
    starts_on: date
    ends_on: date | None
    budget: Money | None
    categories: list[Category]
    lines: list[FundBudgetLine]
    youngest: int | None
    oldest: int | None
    province_codes: list[str]
    status: Annotated[str, CodeOf("fund_status")]
    balances: FundBalances
    closed_at: UtcDateTime | None
    closed_by_id: UUID | None
    close_reason: str | None
    rest_to_fund_id: UUID | None
    created_at: UtcDateTime
    updated_at: UtcDateTime


class DepositCreate(Input):
    """Money that arrived from the donor; the client may choose the id."""

    id: ClientChosenId | None = None
    amount: PositiveMoney
    received_on: PlainDate
    reference: ShortText
    line: BudgetLine = "general"


class Deposit(Output):
    """A deposit, as the ledger took it."""

    id: UUID
    fund_id: UUID
    amount: Money
    received_on: date
    reference: str
    line: BudgetLine
    recorded_by_id: UUID
    created_at: UtcDateTime


class FundTransferCreate(Input):
    """A wish to move money between two lines of a fund; the client may choose the id."""

    id: ClientChosenId | None = None
    from_line: BudgetLine
    to_line: BudgetLine
    amount: PositiveMoney
    reason: ShortText


class FundTransfer(Versioned):
    """A transfer between two lines of a fund."""

    collection: ClassVar[str | None] = "fund-transfers"

    fund_id: UUID
    from_line: BudgetLine
    to_line: BudgetLine
    amount: Money
    reason: str
    status: Annotated[str, CodeOf("fund_transfer_status")]
    asked_by_id: UUID
    decided_at: UtcDateTime | None
    decided_by_id: UUID | None
    created_at: UtcDateTime


class FundClosure(Input):
    """The end of a fund, and what happens to its rest: to another fund of the same currency, or back to the donor."""

    reason: ShortText
    rest_to_fund_id: Id | None = None
