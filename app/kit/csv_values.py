"""Normalize numbers and dates as spreadsheets and banks write them. An ambiguous value is rejected, never guessed."""

import re
from collections.abc import Callable
from datetime import date, timedelta
from typing import Final, Literal, TypeAlias

from app.fault_codes import FaultCode
from app.text_folding import fold_text

Normalizer: TypeAlias = Callable[[str], str]
"""Returns the normalized text of a cell. Text that it does not understand stays as it is.

Raises:
    AmbiguousValue: the text has two possible meanings.
"""
DateOrder: TypeAlias = Literal["day_first", "month_first"]

FIRST_SERIAL_DAY: Final = date(1899, 12, 30)
"""Day 0 of the serial numbers of spreadsheets, from 1 March 1900 on."""
_SERIAL_DATE: Final = re.compile(r"([345]\d{4})(?:[.,]0+)?")
_YEAR_FIRST: Final = re.compile(r"(\d{4})[-/. ](\d{1,2})[-/. ](\d{1,2})")
_YEAR_LAST: Final = re.compile(r"(\d{1,2})[-/. ](\d{1,2})[-/. ](\d{4})")
_MONTH_NAME_SECOND: Final = re.compile(r"(\d{1,2})[-/. ]+([^\d\s./-]+)[-/., ]+(\d{4})")
_MONTH_NAME_FIRST: Final = re.compile(r"([^\d\s./-]+)[-/. ]+(\d{1,2})[-/., ]+(\d{4})")
_MIDNIGHT: Final = re.compile(r"[t ]+(?:0?0:00(?::00(?:\.0+)?)?|12:00(?::00)? ?am)z?$")
_MONTH_NAMES: Final = {
    1: "january មករា", 2: "february កុម្ភៈ", 3: "march មីនា មិនា", 4: "april មេសា", 5: "may ឧសភា", 6: "june មិថុនា",
    7: "july កក្កដា", 8: "august សីហា", 9: "september កញ្ញា sept", 10: "october តុលា", 11: "november វិច្ឆិកា", 12: "december ធ្នូ",
}  # fmt: skip
MONTHS_BY_NAME: Final = {
    form: number
    for number, names in _MONTH_NAMES.items()
    for name in map(fold_text, names.split())
    for form in ({name, name[:3]} if name.isascii() else {name})
}
"""Months by their folded English and Khmer names. English names can be shortened to three letters."""
_GROUPED: Final = {
    separator: re.compile(rf"-?[1-9]\d{{0,2}}(?:{re.escape(separator)}\d{{3}})+") for separator in ",. '"
}
"""A whole number with groups of three digits, by the separator of the groups."""


class AmbiguousValue(ValueError):
    """A text has two possible meanings."""

    def __init__(self, code: FaultCode) -> None:
        """Create the error with the fault code of the line."""
        super().__init__(code)
        self.code: FaultCode = code


def normalize_number(text: str) -> str:
    """Return a number with a decimal point and without separators of thousands.

    `1,234.50`, `1.234,50`, `1 234,50` and `1'234.50` are 1234.50; `12,5` is 12.5; `1,234` is 1234, because no amount or
    rate has three decimal places.

    Raises:
        AmbiguousValue: the text is one point and three digits after up to three digits, such as `1.234`.
    """
    number = fold_text(text)
    if re.fullmatch(r"-?[1-9]\d{0,2}\.\d{3}", number):
        raise AmbiguousValue("number_ambiguous")
    for separator, pattern in _GROUPED.items():
        decimal_marks = {",": ".", ".": ","}.get(separator, ".,")
        match = re.fullmatch(rf"({pattern.pattern})(?:[{re.escape(decimal_marks)}](\d+))?", number)
        if match:
            whole = match[1].replace(separator, "")
            return whole if match[2] is None else f"{whole}.{match[2]}"
    return re.sub(r"^(-?\d+),(\d{1,2})$", r"\1.\2", number)


def build_date_normalizer(order: DateOrder | None) -> Normalizer:
    """Return a normalizer of dates. `order` is the order of day and month in dates such as 03/04/2027, if it is known."""

    def normalize_date(text: str) -> str:
        return _normalize_date(text, order)

    return normalize_date


def _normalize_date(text: str, order: DateOrder | None) -> str:
    """Return a date in the format YYYY-MM-DD.

    Accepts serial numbers of spreadsheets, the year first or last, month names in English and Khmer, and a time of
    midnight behind the date.

    Raises:
        AmbiguousValue: day and month could be exchanged, and `order` is None.
    """
    folded = _MIDNIGHT.sub("", fold_text(text))
    if match := _SERIAL_DATE.fullmatch(folded):
        return (FIRST_SERIAL_DAY + timedelta(days=int(match[1]))).isoformat()
    if match := _YEAR_FIRST.fullmatch(folded):
        return _format_date(text, int(match[1]), int(match[2]), int(match[3]))
    if match := _YEAR_LAST.fullmatch(folded):
        return _normalize_year_last(text, int(match[1]), int(match[2]), int(match[3]), order)
    if match := _MONTH_NAME_SECOND.fullmatch(folded):
        return _format_date(text, int(match[3]), MONTHS_BY_NAME.get(match[2], 0), int(match[1]))
    if match := _MONTH_NAME_FIRST.fullmatch(folded):
        return _format_date(text, int(match[3]), MONTHS_BY_NAME.get(match[1], 0), int(match[2]))
    return text


def _normalize_year_last(text: str, first: int, second: int, year: int, order: DateOrder | None) -> str:
    is_ambiguous = first != second and max(first, second) <= 12  # noqa: PLR2004 - number of months
    if is_ambiguous and order is None:
        raise AmbiguousValue("date_ambiguous")
    is_day_first = order == "day_first" if order else first > 12 or first == second  # noqa: PLR2004 - number of months
    month, day = (second, first) if is_day_first else (first, second)
    return _format_date(text, year, month, day)


def _format_date(text: str, year: int, month: int, day: int) -> str:
    """Return a date in the format YYYY-MM-DD, or the text if there is no such day."""
    try:
        return date(year, month, day).isoformat()
    except ValueError:
        return text
