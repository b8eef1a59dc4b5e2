"""Dates, numbers, ages and names as they are written for people to read, in English or in Khmer."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from app.kit.dates import BirthRange

MONTH_NAMES = {
    "en": [
        "January",
        "February",
        "March",
        "April",
        "May",
        "June",
        "July",
        "August",
        "September",
        "October",
        "November",
        "December",
    ],
    "km": ["មករា", "កុម្ភៈ", "មីនា", "មេសា", "ឧសភា", "មិថុនា", "កក្កដា", "សីហា", "កញ្ញា", "តុលា", "វិច្ឆិកា", "ធ្នូ"],
}
_KHMER_DIGITS = str.maketrans("0123456789", "០១២៣៤៥៦៧៨៩")
_SCRIPT_BY_LANGUAGE = {"en": "latin", "km": "khmer"}


def format_number(value: object, language: str) -> str:
    """Return a number with the digits of a language."""
    return str(value).translate(_KHMER_DIGITS) if language == "km" else str(value)


def format_date(on: date, language: str) -> str:
    """Return a date: 4 May 2026."""
    return f"{format_day_and_month(on, language)} {format_number(on.year, language)}"


def format_day_and_month(on: date, language: str) -> str:
    """Return a date without its year."""
    return f"{format_number(on.day, language)} {MONTH_NAMES[language][on.month - 1]}"


def format_age(birth: Mapping[str, Any], on: date, language: str) -> str:
    """Return an age in whole years, as a range where the birth is not known exactly."""
    youngest, oldest = BirthRange.from_details(birth).age_range_on(on)
    return format_number(youngest if youngest == oldest else f"{youngest}-{oldest}", language)


def format_person_names(known: Mapping[str, Any], language: str) -> list[str]:
    """Return what somebody is called, family name first: the script of the language leads; the nickname if that is all."""
    told = sorted(known.get("names") or [], key=lambda name: name["script"] != _SCRIPT_BY_LANGUAGE[language])
    full = [" ".join(filter(None, (name.get("family"), name.get("given")))) for name in told]
    called = list(dict.fromkeys(filter(None, full)))
    return called or list(filter(None, [known.get("nickname")]))
