"""Schemas of CSV imports."""

from typing import Annotated, Literal

from pydantic import Field, StringConstraints
from typing_extensions import TypeAliasType

from app.fault_codes import FaultCode
from app.schemas.wire import Input, Output, StrictBoolean

CsvText = Annotated[str, StringConstraints(min_length=1, max_length=500_000)]
"""CSV text (RFC 4180) with a line of headings."""
DateOrder = TypeAliasType("DateOrder", Literal["day_first", "month_first"])
"""Order of day and month in a date that ends with the year."""
CsvReading = TypeAliasType(
    "CsvReading",
    Literal[
        "day_first", "month_first", "two_digit_year", "buddhist_era", "serial_number", "thousands_separator",
        "negative_in_parentheses",
    ],
)  # fmt: skip
"""Interpretation of a value that was chosen because several are possible."""
SkippedCsvLineKind = TypeAliasType("SkippedCsvLineKind", Literal["title", "total"])
"""Content of a line that is not imported: a title above the headings, or a total below the last record."""


class CsvImport(Input):
    """CSV text to import. Either all lines are imported or none."""

    csv: CsvText = Field(
        description="CSV text (RFC 4180) with a line of headings in any case. The separator is a comma, a semicolon or a "
        "tab. Empty rows are skipped. Up to 20 title rows above the headings and total rows at the end are skipped and "
        "listed in `skipped`. Numbers can have separators of thousands, Khmer digits, and the sign or code of the currency. "
        "A file that is not UTF-8 must be saved as UTF-8 first (`encoding_wrong`)."
    )
    date_order: DateOrder | None = Field(
        None,
        description="Order of day and month in dates such as 03/04/2027 and 03/04/27. Without it, such a date has the fault "
        "`date_ambiguous`, and `normalized` shows it with the day first. Other accepted dates are 2027-04-03, 23/04/2027, "
        "23-Apr-27, 3 April 2027 (in English or Khmer), years of the Buddhist era and serial numbers of spreadsheets.",
    )
    dry_run: StrictBoolean = Field(True, description="Whether to check the lines without importing them.")


class CsvNormalizedValue(Output):
    """A value of a line that is imported in another form."""

    column: str = Field(description="Heading of the value.")
    original: str = Field(description="The value in the CSV text.")
    value: str = Field(
        description="The value that is imported. If the line has a fault such as `date_ambiguous`, its most common "
        "interpretation."
    )
    readings: list[CsvReading] = Field(
        description="Interpretations that were chosen because several are possible: the order of day and month; a year of "
        "two digits as a year from 2000 on; a year of the Buddhist era, from which 543 is subtracted; a whole number as "
        "the serial number of a day; a comma or point before three digits as a separator of thousands; parentheses as a "
        "minus sign."
    )


class CsvImportLineResult(Output):
    """The result for one line of the CSV text."""

    line: int = Field(description="Number of the line in the text, from 1.")
    codes: list[FaultCode] = Field(description="Fault codes of the line; empty if it is valid.")
    normalized: list[CsvNormalizedValue] = Field(
        description="Values that are imported in another form than in the text, for example a date or a number with Khmer "
        "digits; empty if there are none."
    )


class CsvSkippedLine(Output):
    """A line of the CSV text that contains no record."""

    line: int = Field(description="Number of the line in the text, from 1.")
    kind: SkippedCsvLineKind = Field(
        description="`title` for a line above the headings, `total` for a line with a total below the last record."
    )


class CsvImportResult(Output):
    """The result of an import. Nothing is imported in a dry run or if a line has a fault."""

    dry_run: bool = Field(description="Whether the request was a dry run.")
    entered: int = Field(description="Number of imported lines.")
    lines: Annotated[list[CsvImportLineResult], Field(max_length=5000)] = Field(
        description="Result for each line, in order."
    )
    skipped: Annotated[list[CsvSkippedLine], Field(max_length=5000)] = Field(
        description="Lines above the headings and totals at the end, which are not imported. Empty rows are not listed."
    )
