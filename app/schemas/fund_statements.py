"""What a donor is told of a fund and a period: sums, and nothing by which a child could be known. And tables to import."""

from datetime import date
from typing import Annotated
from uuid import UUID

from pydantic import Field, StringConstraints

from app.schemas.funds import Category
from app.schemas.money import Currency, Money
from app.schemas.wire import Input, Output, StrictBoolean

CsvText = Annotated[str, StringConstraints(min_length=1, max_length=500_000)]
"""A table as comma-separated values (RFC 4180), with a line of headings."""


class FundStatementLine(Output):
    """What was spent on a category."""

    category: Category
    spent: Money
    payments: int | None = Field(
        description="How many payments; null where they were fewer than five: so few could be somebody."
    )


class FundStatement(Output):
    """A fund's money in a period. Opening and deposits and received, less spent and given back, is the closing."""

    fund_id: UUID
    name: str
    donor: str
    grant_code: str | None
    currency: Currency
    first_day: date
    last_day: date
    opening: Money = Field(
        description="What was there before the first day: available, promised, or paid without receipts."
    )
    deposits: Money
    received: Money = Field(description="What came from other funds that were closed.")
    given_back: Money = Field(
        description="What went to another fund or back to the donor, as this one was closed."
    )
    spent: Money = Field(description="By receipts, less what was reversed.")
    closing: Money
    reserved: Money = Field(description="Of the closing: promised, and not yet paid.")
    advanced: Money = Field(description="Of the closing: paid, and not yet accounted for by receipts.")
    lines: list[FundStatementLine]


class CsvImport(Input):
    """A table to be entered line by line, all of it or nothing."""

    csv: CsvText
    dry_run: StrictBoolean = True


class CsvImportLineResult(Output):
    """What became of a line of a table."""

    line: int = Field(description="Its number; the headings are line 1.")
    codes: list[str] = Field(description="What is wrong with it; nothing, where it can be entered.")


class CsvImportResult(Output):
    """What became of a table: where a line is wrong, or it was a dry run, nothing was entered."""

    dry_run: bool
    entered: int
    lines: Annotated[list[CsvImportLineResult], Field(max_length=5000)]
