"""Read CSV text as spreadsheets and banks write it: any of three separators, headings in any case, titles and totals."""

import csv
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from io import StringIO
from typing import Final, NamedTuple, TypeAlias

from app.errors import Fault, InvalidInput
from app.fault_codes import FaultCode
from app.kit.csv_values import CellValue, Normalizer, keep_text
from app.schemas.csv_imports import SkippedCsvLineKind
from app.text_folding import fold_text, normalize_text

NumberedCells: TypeAlias = tuple[int, list[str]]
"""The number of a line, and its cells."""
MAX_ROWS = 2000
MAX_TITLE_ROWS = 20
"""Number of rows that can be above the headings."""
SEPARATORS = (",", ";", "\t")
_WRONG_ENCODING: Final = re.compile("[\x00\x80-\x84\x86-\x9f\ufffd]|^(?:ÿþ|þÿ|ï»¿)|á[žŸ]")
"""Signs of a text that was decoded wrongly: characters that no text contains, the byte order marks of UTF-8 and UTF-16, and
the first two bytes of Khmer letters in UTF-8, both read as Windows-1252.
"""
_TOTAL_WORDS: Final = tuple(
    map(fold_text, ("total", "grand total", "subtotal", "sub-total", "sub total", "sum", "សរុប", "ផលបូក"))
)


@dataclass(slots=True)
class CsvRow:
    """One line of a CSV text, with normalized values by column."""

    line: int
    values: dict[str, str] = field(default_factory=dict)
    changed: dict[str, tuple[str, CellValue]] = field(default_factory=dict)
    """The original and the normalized value, by column, of the values that were normalized."""
    codes: list[FaultCode] = field(default_factory=list)


class CsvTable(NamedTuple):
    """The records of a CSV text, and the lines that contain none."""

    rows: list[CsvRow]
    skipped: list[tuple[int, SkippedCsvLineKind]]
    """The number of each line above the headings or with a total, and its content."""


def parse_csv(text: str, columns: Mapping[str, Normalizer], optional: Mapping[str, Normalizer]) -> CsvTable:
    """Return the rows of a CSV text that are not empty, each with its line number.

    The headings are in the first line that contains all required headings with one of the separators. Lines with a total
    below the last record are skipped. A quoted value can span lines; the number of such a row is the number of its last
    line.

    Raises:
        InvalidInput: the text is not CSV or was decoded wrongly, a required heading is missing, a heading occurs twice, or
            the number of rows is not between 1 and `MAX_ROWS`.
    """
    _validate_encoding(text)
    titles, headings, rows = _split_headings(text.removeprefix("\ufeff"), columns)
    records = _remove_totals(rows)
    if not 0 < len(records) <= MAX_ROWS:
        raise _build_csv_error("lines_unfit", f"The text must have 1 to {MAX_ROWS} lines after the headings.")
    normalizers = {**columns, **optional}
    skipped: list[tuple[int, SkippedCsvLineKind]] = [(line, "title") for line, _ in titles]
    skipped += [(line, "total") for line, _ in rows[len(records) :]]
    return CsvTable([_build_row(line, cells, headings, normalizers) for line, cells in records], skipped)


def _validate_encoding(text: str) -> None:
    """Check that the text was decoded with the correct encoding.

    Raises:
        InvalidInput: it was not.
    """
    if _WRONG_ENCODING.search(text):
        detail = "The file is not UTF-8. Save it as UTF-8, in Excel as 'CSV UTF-8 (Comma delimited)', and send it again."
        raise _build_csv_error("encoding_wrong", detail)


def _split_headings(
    text: str, columns: Mapping[str, Normalizer]
) -> tuple[list[NumberedCells], list[str], list[NumberedCells]]:
    """Return the rows above the headings, the headings in lower case, and the rows below them."""
    rows_by_separator = [_read_rows(text, separator) for separator in SEPARATORS]
    for rows in filter(None, rows_by_separator):
        for position, (_, cells) in enumerate(rows[: MAX_TITLE_ROWS + 1]):
            headings = [fold_text(cell).replace(" ", "_").replace("-", "_") for cell in cells]
            if set(columns) <= set(headings):
                _validate_headings(headings)
                return rows[:position], headings, rows[position + 1 :]
    if None in rows_by_separator:
        raise _build_csv_error("csv_unreadable", "The text must be valid CSV (RFC 4180).")
    detail = (
        f"One of the first {MAX_TITLE_ROWS + 1} lines must contain the headings {', '.join(columns)}, separated by comma, "
        "semicolon or tab."
    )
    raise _build_csv_error("headings_missing", detail)


def _validate_headings(headings: Sequence[str]) -> None:
    named = [heading for heading in headings if heading]
    if len(named) != len(set(named)):
        raise _build_csv_error("headings_repeated", "Each heading must occur once.")


def _remove_totals(rows: Sequence[NumberedCells]) -> Sequence[NumberedCells]:
    """Return the rows without the total rows at the end, which the first value identifies."""
    count = len(rows)
    while count and _is_total(rows[count - 1][1]):
        count -= 1
    return rows[:count]


def _is_total(cells: Sequence[str]) -> bool:
    label = fold_text(next(filter(str.strip, cells))).rstrip(" :៖.")
    return label in _TOTAL_WORDS or (label.startswith(_TOTAL_WORDS) and not re.search(r"\d", label))


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
        value = normalizers.get(heading, keep_text)(normalize_text(cell))
        row.values[heading] = value.text
        if value.code:
            row.codes.append(value.code)
        if value.text != cell or value.readings:
            row.changed[heading] = cell, value
    return row


def _build_csv_error(code: FaultCode, detail: str) -> InvalidInput:
    return InvalidInput([Fault("/csv", code, detail)])
