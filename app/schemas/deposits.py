"""Schemas of deposits: money received from donors."""

from datetime import date
from typing import Annotated, ClassVar
from uuid import UUID

from pydantic import Field

from app.schemas.codes import CodeOf
from app.schemas.dates import PastDate
from app.schemas.funds import BudgetLine
from app.schemas.money import Money, PositiveMoney
from app.schemas.references import FundRef, StaffRef
from app.schemas.wire import (
    ClientChosenId,
    CommaSeparated,
    Input,
    Page,
    PageQuery,
    ShortText,
    UtcDateTime,
    Versioned,
)

DepositStatus = Annotated[str, CodeOf("deposit_status")]


class DepositCreate(Input):
    """Money received from the donor."""

    id: ClientChosenId | None = Field(
        None, description="Id chosen by the client (UUID version 4). By default, the server generates it."
    )
    amount: PositiveMoney = Field(description="Received amount, in the currency of the fund.")
    received_on: PastDate = Field(description="Day of receipt, not in the future.")
    reference: ShortText = Field(
        description="Reference of the bank transfer. It can be used once in all funds: spellings that differ only in case, "
        "spaces, dashes and the script of digits are the same reference."
    )
    duplicate_reason: ShortText | None = Field(
        None,
        description="Reason for using the reference of another deposit of any fund again, for example because the bank "
        "gave two transfers the same reference. Without it, the second deposit is rejected.",
    )
    line: BudgetLine = Field("general", description="Budget line that receives the money.")


class DepositReversal(Input):
    """The reversal of a deposit."""

    reason: ShortText = Field(description="Reason for the reversal.")


class Deposit(Versioned):
    """Money received from the donor. Its ledger transaction has the same id."""

    collection: ClassVar[str | None] = "deposits"

    fund_id: UUID = Field(description="Id of the fund.")
    fund: FundRef = Field(description="The fund.")
    amount: Money = Field(description="Received amount.")
    received_on: date = Field(description="Day of receipt, and accounting date.")
    reference: str = Field(description="Reference of the bank transfer.")
    duplicate_reason: str | None = Field(
        description="Reason for using the reference of another deposit again; null if no other deposit had it."
    )
    line: BudgetLine = Field(description="Budget line that received the money.")
    status: DepositStatus = Field(description="Whether the deposit counts, or was reversed.")
    recorded_by_id: UUID = Field(description="Id of the person who recorded the deposit.")
    recorded_by: StaffRef = Field(description="The person who recorded the deposit.")
    reversed_by_id: UUID | None = Field(description="Id of the person who reversed the deposit.")
    reversed_by: StaffRef | None = Field(
        description="The person who reversed the deposit; null unless it is reversed."
    )
    reversed_at: UtcDateTime | None = Field(
        description="Time of the reversal; null unless the deposit is reversed."
    )
    reversal_reason: str | None = Field(
        description="Reason for the reversal; null unless the deposit is reversed."
    )
    created_at: UtcDateTime = Field(description="Time at which the deposit was recorded.")


class DepositFilters(PageQuery):
    """Query parameters of the deposits of a fund."""

    status: CommaSeparated[DepositStatus] | None = Field(
        None, description="Only deposits with one of these statuses, separated by commas."
    )


class DepositList(Page[Deposit]):
    """One page of the deposits of a fund, newest first."""
