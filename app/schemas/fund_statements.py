"""Schemas of fund statements and of CSV imports."""

from datetime import date
from typing import Annotated
from uuid import UUID

from pydantic import Field, StringConstraints

from app.fault_codes import FaultCode
from app.schemas.funds import Category
from app.schemas.money import Currency, Money
from app.schemas.wire import Input, Output, StrictBoolean

CsvText = Annotated[str, StringConstraints(min_length=1, max_length=500_000)]
"""CSV text (RFC 4180) whose first line contains the headings."""


class FundStatementLine(Output):
    """Spending on one category."""

    category: Category = Field(description="Category of the payments.")
    spent: Money = Field(description="Money spent according to receipts, less reversals.")
    payments: int | None = Field(
        description="Number of payments; null below 5, because a small number could identify a child."
    )


class FundStatement(Output):
    """The money of a fund in a period: `closing` = `opening` + `deposits` + `received` - `spent` - `given_back`.

    The statement is written for the donor and contains no personal data.
    """

    fund_id: UUID = Field(description="Id of the fund.")
    name: str = Field(description="Name of the fund.")
    donor: str = Field(description="Name of the donor.")
    grant_code: str | None = Field(description="Number of the grant in the donor's system.")
    currency: Currency = Field(description="Currency of all amounts.")
    first_day: date = Field(description="First day of the period.")
    last_day: date = Field(description="Last day of the period.")
    opening: Money = Field(
        description="Balance before the first day: available, reserved and advanced money."
    )
    deposits: Money = Field(description="Money received from the donor.")
    received: Money = Field(description="Money received from other funds that were closed.")
    given_back: Money = Field(
        description="Money that went to another fund or back to the donor when this fund was closed."
    )
    spent: Money = Field(description="Money spent according to receipts, less reversals.")
    closing: Money = Field(description="Balance after the last day: available, reserved and advanced money.")
    reserved: Money = Field(
        description="Part of `closing` that is reserved for approved requests that are not paid yet."
    )
    advanced: Money = Field(
        description="Part of `closing` that is paid and not yet reconciled with receipts."
    )
    lines: list[FundStatementLine] = Field(description="Spending in the period by category.")


class CsvImport(Input):
    """CSV text to import. Either all lines are imported or none."""

    csv: CsvText = Field(description="CSV text (RFC 4180) with a line of headings.")
    dry_run: StrictBoolean = Field(True, description="Whether to check the lines without importing them.")


class CsvImportLineResult(Output):
    """The result for one line of the CSV text."""

    line: int = Field(description="Number of the line; the headings are line 1.")
    codes: list[FaultCode] = Field(description="Fault codes of the line; empty if it is valid.")


class CsvImportResult(Output):
    """The result of an import. Nothing is imported in a dry run or if a line has a fault."""

    dry_run: bool = Field(description="Whether the request was a dry run.")
    entered: int = Field(description="Number of imported lines.")
    lines: Annotated[list[CsvImportLineResult], Field(max_length=5000)] = Field(
        description="Result for each line, in order."
    )
