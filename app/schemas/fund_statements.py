"""Schemas of fund statements and of CSV imports."""

from datetime import date
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, StringConstraints
from typing_extensions import TypeAliasType

from app.fault_codes import FaultCode
from app.schemas.funds import Category
from app.schemas.money import Currency, Money
from app.schemas.wire import Input, Output, StrictBoolean

CsvText = Annotated[str, StringConstraints(min_length=1, max_length=500_000)]
"""CSV text (RFC 4180) whose first line contains the headings."""
DateOrder = TypeAliasType("DateOrder", Literal["day_first", "month_first"])
"""Order of day and month in a date that ends with the year."""


class FundStatementLine(Output):
    """Spending on one category."""

    category: Category | None = Field(
        description="Category of the payments; null for payments of several categories, each with fewer than five payments."
    )
    spent: Money = Field(description="Money spent according to receipts, less reversals.")
    payments: int | None = Field(
        description="Number of payments; null below 5, which occurs only in the month in which the fund is closed."
    )


class FundStatement(Output):
    """The money of a fund in a period.

    `closing` = `opening` + `deposits` + `received` - `spent` - `rounding` - `given_back`. The statement is written for the donor
    and contains no personal data. A payment is reported together with at least four others, so that no statement, and no
    difference of two statements, shows a single payment.
    """

    fund_id: UUID = Field(description="Id of the fund.")
    name: str = Field(description="Name of the fund.")
    donor: str = Field(description="Name of the donor.")
    grant_code: str | None = Field(description="Code of the grant that the money comes from.")
    currency: Currency = Field(description="Currency of all amounts.")
    first_day: date = Field(description="First day of the period.")
    last_day: date = Field(description="Last day of the period.")
    opening: Money = Field(
        description="Balance before the first day, with the money of payments that are not reported yet."
    )
    deposits: Money = Field(description="Money received from the donor, less reversed deposits.")
    received: Money = Field(description="Money received from other funds that were closed.")
    given_back: Money = Field(
        description="Money that went to another fund or back to the donor when this fund was closed."
    )
    spent: Money = Field(description="Money spent according to receipts, less reversals: the sum of `lines`.")
    rounding: Money = Field(
        description="Rounding differences of payments in cash; negative if less was paid."
    )
    closing: Money = Field(
        description="Balance after the last day, with the money of payments that are not reported yet."
    )
    lines: list[FundStatementLine] = Field(
        description="Spending that is reported in the period, by category."
    )


class CsvImport(Input):
    """CSV text to import. Either all lines are imported or none."""

    csv: CsvText = Field(
        description="CSV text (RFC 4180) with a line of headings in any case. The separator is a comma, a semicolon or a "
        "tab. Empty rows are skipped. Numbers can have separators of thousands and Khmer digits."
    )
    date_order: DateOrder | None = Field(
        None,
        description="Order of day and month in dates such as 03/04/2027. Without it, such a date is rejected. Other "
        "accepted dates are 2027-04-03, 23/04/2027, 3 April 2027 (in English or Khmer) and serial numbers of spreadsheets.",
    )
    dry_run: StrictBoolean = Field(True, description="Whether to check the lines without importing them.")


class CsvNormalizedValue(Output):
    """A value of a line that is imported in another form."""

    column: str = Field(description="Heading of the value.")
    original: str = Field(description="The value in the CSV text.")
    value: str = Field(description="The value that is imported.")


class CsvImportLineResult(Output):
    """The result for one line of the CSV text."""

    line: int = Field(description="Number of the line; the headings are line 1.")
    codes: list[FaultCode] = Field(description="Fault codes of the line; empty if it is valid.")
    normalized: list[CsvNormalizedValue] = Field(
        description="Values that are imported in another form than in the text, for example a date or a number with Khmer "
        "digits; empty if there are none."
    )


class CsvImportResult(Output):
    """The result of an import. Nothing is imported in a dry run or if a line has a fault."""

    dry_run: bool = Field(description="Whether the request was a dry run.")
    entered: int = Field(description="Number of imported lines.")
    lines: Annotated[list[CsvImportLineResult], Field(max_length=5000)] = Field(
        description="Result for each line, in order."
    )
