"""Normalize numbers and dates as spreadsheets and banks write them. A value with two meanings is reported, never guessed."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Final, TypeAlias

from app.fault_codes import FaultCode
from app.schemas.csv_imports import CsvReading, DateOrder
from app.schemas.dates import BUDDHIST_ERA_OFFSET
from app.text_folding import fold_text


@dataclass(frozen=True, slots=True)
class CellValue:
    """The normalized text of a cell. Text that is not understood stays as it is, and the validation of the line rejects it."""

    text: str
    readings: tuple[CsvReading, ...] = ()
    """The interpretations of the text that were chosen where several are possible."""
    code: FaultCode | None = None
    """The fault of the cell, for example an ambiguous value. `text` is then its most common interpretation."""


Normalizer: TypeAlias = Callable[[str], CellValue]
"""Returns the normalized value of a cell."""

FIRST_SERIAL_DAY: Final = date(1899, 12, 30)
"""Day 0 of the serial numbers of spreadsheets, from 1 March 1900 on."""
FIRST_BUDDHIST_YEAR: Final = 2400
"""A later year belongs to the Buddhist era."""
_SERIAL_DATE: Final = re.compile(r"([345]\d{4})(?:[.,]0+)?")
_YEAR: Final = r"'?(\d{4}|\d{2})"
_YEAR_FIRST: Final = re.compile(r"(\d{4})[-/. ](\d{1,2})[-/. ](\d{1,2})")
_WITHOUT_SEPARATORS: Final = re.compile(r"(\d{4})(\d{2})(\d{2})")
_YEAR_LAST: Final = re.compile(rf"(\d{{1,2}})[-/. ](\d{{1,2}})[-/. ]{_YEAR}")
_MONTH_NAME_SECOND: Final = re.compile(rf"(\d{{1,2}})[-/. ]*([^\d\s./-]+)[-/., ]*{_YEAR}")
_MONTH_NAME_FIRST: Final = re.compile(rf"([^\d\s./-]+)[-/. ]+(\d{{1,2}})[-/., ]+{_YEAR}")
_MIDNIGHT: Final = re.compile(r"[t ]+(?:0?0:00(?::00(?:\.0+)?)?|12:00(?::00)? ?am)z?$")
_DATE_WORDS: Final = re.compile("|".join(map(fold_text, ("ថ្ងៃទី", "ថ្ងៃ", "ខែ", "ឆ្នាំ", "គ.ស.", "ព.ស."))))
"""Khmer words for day, month, year and era."""
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
    separator: re.compile(rf"[1-9]\d{{0,2}}(?:{re.escape(separator)}\d{{3}})+") for separator in ",. '"
}
"""A whole number with groups of three digits, by the separator of the groups."""
_SIGNED: Final = re.compile(r"(?P<minus>-)? ?(?P<plain>[^-()]+?) ?(?P<minus_behind>-)?|\((?P<inner>[^()]+)\)")
_CURRENCY_NAMES: Final = {"USD": "$ us$ usd dollar dollars ដុល្លារ ដុល្លា", "KHR": "៛ khr riel riels រៀល"}
CURRENCIES_BY_NAME: Final = {
    fold_text(name): currency for currency, names in _CURRENCY_NAMES.items() for name in names.split()
}
_OTHER_CURRENCIES: Final = frozenset(
    ["€", "£", "¥", "฿", "₫", "₩", "eur", "gbp", "jpy", "thb", "vnd", "cny", "krw", "sgd", "aud"]
)
_CURRENCY_NAME: Final = r"[^\d\s.,'()-]+"
_WITH_CURRENCY: Final = re.compile(
    rf"(?P<sign>[-(]?) ?(?P<before>{_CURRENCY_NAME})? ?(?P<number>[-(]?\d[\d.,' ]*[-)]?) ?(?P<after>{_CURRENCY_NAME})?(?P<end>[-)]?)"
)


def keep_text(text: str) -> CellValue:
    """Return the text of a cell unchanged."""
    return CellValue(text)


def lower_text(text: str) -> CellValue:
    """Return the text of a cell in lower case, for codes."""
    return CellValue(text.lower())


def normalize_number(text: str) -> CellValue:
    """Return a number with a decimal point and without separators of thousands.

    `1,234.50`, `1.234,50`, `1 234,50` and `1'234.50` are 1234.50; `12,5` is 12.5; `1,234` is 1234, because no amount or
    rate has three decimal places. `(50)` is -50. A negative number has the code `amount_negative`, and `1.234` the code
    `number_ambiguous`.
    """
    match = _SIGNED.fullmatch(fold_text(text))
    if match is None:
        return CellValue(text)
    number = _normalize_unsigned((match["inner"] or match["plain"]).strip())
    is_negative = match["inner"] or match["minus"] or match["minus_behind"]
    if not is_negative or not number.text[:1].isdigit():
        return number
    in_parentheses: tuple[CsvReading, ...] = ("negative_in_parentheses",) if match["inner"] else ()
    return CellValue(f"-{number.text}", (*number.readings, *in_parentheses), number.code or "amount_negative")


def _normalize_unsigned(number: str) -> CellValue:
    if re.fullmatch(r"[1-9]\d{0,2}\.\d{3}", number):
        return CellValue(number.replace(".", ""), ("thousands_separator",), "number_ambiguous")
    for separator, pattern in _GROUPED.items():
        decimal_marks = {",": ".", ".": ","}.get(separator, ".,")
        match = re.fullmatch(rf"({pattern.pattern})(?:[{re.escape(decimal_marks)}](\d+))?", number)
        if match:
            whole = match[1].replace(separator, "")
            if match[2] is not None:
                return CellValue(f"{whole}.{match[2]}")
            has_one_comma = separator == "," and number.count(",") == 1
            return CellValue(whole, ("thousands_separator",) if has_one_comma else ())
    return CellValue(re.sub(r"^(\d+),(\d{1,2})$", r"\1.\2", number))


def build_amount_normalizer(currency: str, *, is_whole: bool) -> Normalizer:
    """Return a normalizer of amounts in one currency, which can have its sign or code before or behind the number.

    An amount with the sign of another currency has the code `currency_other`. `is_whole` is true for amounts without decimal
    places, so that `1.234` is 1234.
    """

    def normalize_amount(text: str) -> CellValue:
        match = _WITH_CURRENCY.fullmatch(fold_text(text))
        if match is None:
            return CellValue(text)
        names = {name for name in (match["before"], match["after"]) if name}
        if names - CURRENCIES_BY_NAME.keys() - _OTHER_CURRENCIES:
            return CellValue(text)
        value = normalize_number(f"{match['sign']}{match['number']}{match['end']}")
        if {CURRENCIES_BY_NAME.get(name, name) for name in names} - {currency}:
            return CellValue(value.text, value.readings, "currency_other")
        if is_whole and value.code == "number_ambiguous":
            return CellValue(value.text, value.readings)
        return value

    return normalize_amount


def build_date_normalizer(order: DateOrder | None) -> Normalizer:
    """Return a normalizer of dates. `order` is the order of day and month in dates such as 03/04/2027, if it is known."""

    def normalize_date(text: str) -> CellValue:
        return _normalize_date(text, order)

    return normalize_date


def _normalize_date(text: str, order: DateOrder | None) -> CellValue:
    """Return a date in the format YYYY-MM-DD.

    Accepts serial numbers of spreadsheets, the year first or last, month names in English and Khmer, a year of two digits
    or of the Buddhist era, and a time of midnight behind the date. A date whose day and month could be exchanged has the
    code `date_ambiguous` if `order` is None.
    """
    folded = " ".join(_DATE_WORDS.sub(" ", _MIDNIGHT.sub("", fold_text(text))).split())
    if match := _SERIAL_DATE.fullmatch(folded):
        day = FIRST_SERIAL_DAY + timedelta(days=int(match[1]))
        return CellValue(day.isoformat(), ("serial_number",))
    if match := _YEAR_FIRST.fullmatch(folded) or _WITHOUT_SEPARATORS.fullmatch(folded):
        return _build_date(text, match[1], int(match[2]), int(match[3]))
    if match := _YEAR_LAST.fullmatch(folded):
        return _normalize_year_last(text, int(match[1]), int(match[2]), match[3], order)
    if match := _MONTH_NAME_SECOND.fullmatch(folded):
        return _build_date(text, match[3], MONTHS_BY_NAME.get(match[2], 0), int(match[1]))
    if match := _MONTH_NAME_FIRST.fullmatch(folded):
        return _build_date(text, match[3], MONTHS_BY_NAME.get(match[1], 0), int(match[2]))
    return CellValue(text)


def _normalize_year_last(text: str, first: int, second: int, year: str, order: DateOrder | None) -> CellValue:
    is_ambiguous = first != second and max(first, second) <= 12  # noqa: PLR2004 - number of months
    is_day_first = order != "month_first" if order or is_ambiguous else first > 12 or first == second  # noqa: PLR2004 - number of months
    month, day = (second, first) if is_day_first else (first, second)
    value = _build_date(text, year, month, day)
    if not is_ambiguous or value.text == text:
        return value
    reading: CsvReading = "day_first" if is_day_first else "month_first"
    return CellValue(value.text, (reading, *value.readings), None if order else "date_ambiguous")


def _build_date(text: str, year_text: str, month: int, day: int) -> CellValue:
    """Return a date in the format YYYY-MM-DD, or the text if there is no such day."""
    year, readings = _resolve_year(year_text)
    try:
        return CellValue(date(year, month, day).isoformat(), readings)
    except ValueError:
        return CellValue(text)


def _resolve_year(text: str) -> tuple[int, tuple[CsvReading, ...]]:
    """Return a year of the Common Era. Two digits are a year from 2000 on."""
    year = int(text)
    if len(text) == 2:  # noqa: PLR2004 - digits of a shortened year
        return 2000 + year, ("two_digit_year",)
    if year >= FIRST_BUDDHIST_YEAR:
        return year - BUDDHIST_ERA_OFFSET, ("buddhist_era",)
    return year, ()
