"""Read CSV text as spreadsheets and banks write it: any of three separators, headings in any case, and empty rows."""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from io import StringIO
from typing import TypeAlias

from app.errors import Fault, InvalidInput
from app.fault_codes import FaultCode
from app.kit.csv_values import AmbiguousValue, Normalizer
from app.text_folding import fold_text, normalize_text

NumberedCells: TypeAlias = tuple[int, list[str]]
"""The number of a line, and its cells."""
MAX_ROWS = 2000
SEPARATORS = (",", ";", "\t")


@dataclass(slots=True)
class CsvRow:
    """One line of a CSV text, with normalized values by column."""

    line: int
    values: dict[str, str] = field(default_factory=dict)
    changed: dict[str, str] = field(default_factory=dict)
    """The original values that were normalized, by column."""
    codes: list[FaultCode] = field(default_factory=list)


def parse_csv(
    text: str, columns: Mapping[str, Normalizer], optional: Mapping[str, Normalizer]
) -> list[CsvRow]:
    """Return the rows of a CSV text that are not empty, each with its line number.

    The separator is the one with which the first line contains all required headings. A quoted value can span lines; the
    number of such a row is the number of its last line.

    Raises:
        InvalidInput: the text is not CSV, a required heading is missing, a heading occurs twice, or the number of rows is
            not between 1 and `MAX_ROWS`.
    """
    headings, rows = _split_headings(text.removeprefix("\ufeff"), columns)
    if not 0 < len(rows) <= MAX_ROWS:
        raise _build_csv_error("lines_unfit", f"The text must have 1 to {MAX_ROWS} lines after the headings.")
    normalizers = {**columns, **optional}
    return [_build_row(line, cells, headings, normalizers) for line, cells in rows]


def _split_headings(text: str, columns: Mapping[str, Normalizer]) -> tuple[list[str], list[NumberedCells]]:
    """Return the headings in lower case, and the rows below them."""
    rows_by_separator = [_read_rows(text, separator) for separator in SEPARATORS]
    for rows in filter(None, rows_by_separator):
        headings = [fold_text(cell).replace(" ", "_").replace("-", "_") for cell in rows[0][1]]
        if set(columns) <= set(headings):
            named = [heading for heading in headings if heading]
            if len(named) != len(set(named)):
                raise _build_csv_error("headings_repeated", "Each heading must occur once.")
            return headings, rows[1:]
    if None in rows_by_separator:
        raise _build_csv_error("csv_unreadable", "The text must be valid CSV (RFC 4180).")
    detail = f"The first line must contain the headings {', '.join(columns)}, separated by comma, semicolon or tab."
    raise _build_csv_error("headings_missing", detail)


def _read_rows(text: str, separator: str) -> list[NumberedCells] | None:
    """Return the rows that are not empty, or None if the text is not CSV with this separator.

    A first line such as `sep=;`, which spreadsheets write, is skipped.
    """
    reader = csv.reader(StringIO(text, newline=""), delimiter=separator, strict=True)
    try:
        rows = [(reader.line_num, cells) for cells in reader if any(map(str.strip, cells))]
    except csv.Error:
        return None
    return rows[1:] if rows and rows[0][1][0].startswith("sep=") else rows


def _build_row(
    line: int, cells: Sequence[str], headings: Sequence[str], normalizers: Mapping[str, Normalizer]
) -> CsvRow:
    row = CsvRow(line)
    named_count = max(index for index, heading in enumerate(headings, 1) if heading)
    if len(cells) < named_count or any(map(str.strip, cells[named_count:])):
        row.codes.append("columns_unfit")
        return row
    for heading, cell in zip(headings, cells, strict=False):
        if not heading:
            continue
        text = normalize_text(cell)
        try:
            row.values[heading] = normalizers.get(heading, str)(text)
        except AmbiguousValue as error:
            row.values[heading] = text
            row.codes.append(error.code)
        if row.values[heading] != cell:
            row.changed[heading] = cell
    return row


def _build_csv_error(code: FaultCode, detail: str) -> InvalidInput:
    return InvalidInput([Fault("/csv", code, detail)])
