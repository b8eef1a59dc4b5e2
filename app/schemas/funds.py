"""Schemas of funds and transfers between budget lines."""

from datetime import date
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, Self
from uuid import UUID

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError
from typing_extensions import TypeAliasType

from app.schemas.codes import CodeOf
from app.schemas.dates import PlanDate, ValidityDate
from app.schemas.donor_grants import GrantCode
from app.schemas.merge_patch import build_patch_model
from app.schemas.money import Currency, Money, PositiveMoney
from app.schemas.references import FundRef, PlaceRef, StaffRef
from app.schemas.wire import (
    ClientChosenId,
    CommaSeparated,
    Id,
    Input,
    Output,
    Page,
    PageQuery,
    ProvinceCode,
    ShortText,
    UtcDateTime,
    Versioned,
)

Category = Annotated[str, CodeOf("assistance_category")]
FundTransferStatus = Annotated[str, CodeOf("fund_transfer_status")]
BudgetLine = Annotated[str, CodeOf("budget_line")]
AgeInYears = Annotated[int, Field(strict=True, ge=0, le=120)]


class FundBudgetLineCreate(Input):
    """A budget line: money that is set aside for one category."""

    category: Category = Field(description="Category that is paid from this line only.")
    budget: PositiveMoney = Field(description="Planned amount, in the currency of the fund.")


class FundSettings(Input):
    """The settings of a fund that can be updated."""

    name: ShortText = Field(
        description="Name of the fund. It must be unique; upper and lower case are equal."
    )
    donor: ShortText = Field(description="Name of the donor.")
    grant_code: GrantCode | None = Field(
        None, description="Code of the active grant that the money comes from, from `GET /v1/donor-grants`."
    )
    ends_on: ValidityDate | None = Field(None, description="Last day of the fund; null if there is no end.")
    budget: PositiveMoney | None = Field(
        None, description="Total amount of the grant, in the currency of the fund; null if it is not fixed."
    )
    categories: Annotated[list[Category], Field(min_length=1, max_length=20)] = Field(
        description="Categories that the fund pays for."
    )
    lines: Annotated[list[FundBudgetLineCreate], Field(max_length=20)] = Field(
        default_factory=list,
        description="Budget lines, each for one of the categories. All other categories use the general line.",
    )
    youngest: AgeInYears | None = Field(
        None, description="Youngest age in years that the donor supports; null if there is no limit."
    )
    oldest: AgeInYears | None = Field(
        None, description="Oldest age in years that the donor supports; null if there is no limit."
    )
    province_codes: Annotated[list[ProvinceCode], Field(max_length=25)] = Field(
        default_factory=list,
        description="NCDD codes of the provinces that the donor supports; empty for all provinces.",
    )

    @model_validator(mode="after")
    def validate_lines_and_ages(self) -> Self:
        """Require one line at most for each category of the fund, and a youngest age that is not above the oldest."""
        line_categories = [line.category for line in self.lines]
        if len(line_categories) != len(set(line_categories)) or not set(line_categories) <= set(
            self.categories
        ):
            raise PydanticCustomError("lines_unfit", "each line must be one of the categories, once")
        if self.youngest is not None and self.oldest is not None and self.oldest < self.youngest:
            raise PydanticCustomError("ages_reversed", "oldest is less than youngest")
        return self


class FundCreate(FundSettings):
    """A new fund."""

    id: ClientChosenId | None = Field(
        None, description="Id chosen by the client (UUID version 4). By default, the server generates it."
    )
    currency: Currency = Field(description="Currency of all amounts of the fund. It cannot be changed.")
    starts_on: PlanDate = Field(description="First day of the fund. It cannot be changed.")

    @model_validator(mode="after")
    def validate_period(self) -> Self:
        """Require an end that is not before the start."""
        if self.ends_on is not None and self.ends_on < self.starts_on:
            raise PydanticCustomError("period_reversed", "ends before it begins")
        return self


if TYPE_CHECKING:

    class FundUpdate(Input):
        """Changes to the settings of a fund."""
else:
    FundUpdate = build_patch_model(FundSettings, "FundUpdate")


FundSort = TypeAliasType("FundSort", Literal["name", "-name", "created_at", "-created_at"])
"""Order of the list of funds."""


class FundFilters(PageQuery):
    """Query parameters of the list of funds."""

    sort: FundSort = Field("-created_at", description="Order of the list; a minus sign means descending.")
    category: CommaSeparated[Category] | None = Field(
        None, description="Only funds that pay for one of these categories, separated by commas."
    )
    status: Annotated[str, CodeOf("fund_status")] | None = Field(
        None, description="Only funds with this status."
    )
    currency: Currency | None = Field(None, description="Only funds in this currency.")


class FundBalances(Output):
    """Balances of a fund, from the ledger. `given` is the sum of the other five."""

    given: Money = Field(description="Money received from the donor, less what was returned.")
    available: Money = Field(description="Money that is neither reserved nor paid.")
    reserved: Money = Field(description="Money reserved for approved requests that are not paid yet.")
    advanced: Money = Field(description="Money paid and not yet reconciled with receipts.")
    spent: Money = Field(description="Money spent according to receipts.")
    rounding: Money = Field(
        description="Rounding differences of payments in cash; negative if less was paid."
    )


class FundBudgetLine(Output):
    """A budget line of a fund with its balances."""

    line: BudgetLine = Field(description="Category of the line, or `general` for all other categories.")
    budget: Money | None = Field(description="Planned amount; null for the general line.")
    available: Money = Field(description="Money that is neither reserved nor paid.")
    reserved: Money = Field(description="Money reserved for approved requests that are not paid yet.")
    advanced: Money = Field(description="Money paid and not yet reconciled with receipts.")
    spent: Money = Field(description="Money spent according to receipts.")
    rounding: Money = Field(
        description="Rounding differences of payments in cash; negative if less was paid."
    )


class Fund(Versioned):
    """A fund: the money of one donor in one currency."""

    collection: ClassVar[str | None] = "funds"

    name: str = Field(description="Name of the fund. It must be unique; upper and lower case are equal.")
    donor: str = Field(description="Name of the donor.")
    grant_code: str | None = Field(description="Code of the grant that the money comes from.")
    currency: Currency = Field(description="Currency of all amounts of the fund.")
    starts_on: date = Field(description="First day of the fund.")
    ends_on: date | None = Field(description="Last day of the fund; null if there is no end.")
    budget: Money | None = Field(description="Total amount of the grant; null if it is not fixed.")
    categories: list[Category] = Field(description="Categories that the fund pays for.")
    lines: list[FundBudgetLine] = Field(
        description="Budget lines with their balances, the general line first."
    )
    youngest: int | None = Field(
        description="Youngest age in years that the donor supports; null if there is no limit."
    )
    oldest: int | None = Field(
        description="Oldest age in years that the donor supports; null if there is no limit."
    )
    province_codes: list[str] = Field(
        description="NCDD codes of the provinces that the donor supports; empty for all provinces."
    )
    provinces: list[PlaceRef] = Field(
        description="The provinces that the donor supports, in the order of their codes; empty for all provinces."
    )
    status: Annotated[str, CodeOf("fund_status")] = Field(description="Whether the fund is open or closed.")
    balances: FundBalances = Field(description="Balances, summed over all budget lines.")
    closed_at: UtcDateTime | None = Field(description="Time of the closure; null while the fund is open.")
    closed_by_id: UUID | None = Field(description="Id of the person who closed the fund.")
    closed_by: StaffRef | None = Field(
        description="The person who closed the fund; null while the fund is open."
    )
    close_reason: str | None = Field(description="Reason for the closure.")
    rest_to_fund_id: UUID | None = Field(
        description="Id of the fund that received the remaining money; null if it was returned to the donor."
    )
    rest_to_fund: FundRef | None = Field(
        description="The fund that received the remaining money; null if it was returned to the donor."
    )
    created_at: UtcDateTime = Field(description="Time at which the fund was created.")
    updated_at: UtcDateTime = Field(description="Time of the last update.")


class FundList(Page[Fund]):
    """One page of funds, in the order of `sort`."""


class FundTransferCreate(Input):
    """A request to move money between two budget lines of a fund."""

    id: ClientChosenId | None = Field(
        None, description="Id chosen by the client (UUID version 4). By default, the server generates it."
    )
    from_line: BudgetLine = Field(description="Budget line that the money is taken from.")
    to_line: BudgetLine = Field(
        description="Budget line that receives the money. It must differ from `from_line`."
    )
    amount: PositiveMoney = Field(description="Amount, in the currency of the fund.")
    reason: ShortText = Field(description="Reason for the transfer.")


class FundTransfer(Versioned):
    """A transfer between two budget lines of a fund."""

    collection: ClassVar[str | None] = "fund-transfers"

    fund_id: UUID = Field(description="Id of the fund.")
    fund: FundRef = Field(description="The fund.")
    from_line: BudgetLine = Field(description="Budget line that the money is taken from.")
    to_line: BudgetLine = Field(description="Budget line that receives the money.")
    amount: Money = Field(description="Amount of the transfer.")
    reason: str = Field(description="Reason for the transfer.")
    status: FundTransferStatus = Field(
        description="Life-cycle status of the transfer. The approval moves the money."
    )
    asked_by_id: UUID = Field(description="Id of the requester.")
    asked_by: StaffRef = Field(description="The requester.")
    decided_at: UtcDateTime | None = Field(
        description="Time of the decision; null while the transfer is undecided."
    )
    decided_by_id: UUID | None = Field(description="Id of the person who decided; never the requester.")
    decided_by: StaffRef | None = Field(
        description="The person who decided; null while the transfer is undecided."
    )
    created_at: UtcDateTime = Field(description="Time of the request.")


class FundTransferFilters(PageQuery):
    """Query parameters of the transfers of a fund."""

    status: CommaSeparated[FundTransferStatus] | None = Field(
        None, description="Only transfers with one of these statuses, separated by commas."
    )


class FundTransferList(Page[FundTransfer]):
    """One page of the transfers of a fund, newest first."""


class FundClosure(Input):
    """The closure of a fund."""

    reason: ShortText = Field(description="Reason for the closure.")
    rest_to_fund_id: Id | None = Field(
        None,
        description="Id of the open fund in the same currency that receives the remaining money; null to return it "
        "to the donor.",
    )
