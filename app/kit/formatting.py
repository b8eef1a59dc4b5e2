"""Format dates, numbers, ages and names for display in English or Khmer."""

from datetime import date

from app.kit.dates import get_age_range
from app.models.contents import StoredBirth, StoredChildIdentity
from app.models.people import StoredPersonDetails

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
    """Return a number with the digits of the language."""
    return str(value).translate(_KHMER_DIGITS) if language == "km" else str(value)


def format_date(on: date, language: str) -> str:
    """Return a date such as 4 May 2026."""
    return f"{format_day_and_month(on, language)} {format_number(on.year, language)}"


def format_day_and_month(on: date, language: str) -> str:
    """Return a date such as 4 May."""
    return f"{format_number(on.day, language)} {MONTH_NAMES[language][on.month - 1]}"


def format_age(birth: StoredBirth | None, on: date, language: str) -> str:
    """Return an age in whole years, or a range such as 12-13 if the birth date is not exact, or `?` if it is unknown."""
    ages = get_age_range(birth, on)
    if ages is None:
        return "?"
    youngest, oldest = ages
    return format_number(youngest if youngest == oldest else f"{youngest}-{oldest}", language)


def format_person_names(person: StoredChildIdentity | StoredPersonDetails, language: str) -> list[str]:
    """Return the full names of a person without duplicates, family name first.

    The name in the script of the language comes first. The nickname is returned only if there is no full name.
    """
    names = sorted(person["names"], key=lambda name: name["script"] != _SCRIPT_BY_LANGUAGE[language])
    full_names = [" ".join(filter(None, (name["family"], name["given"]))) for name in names]
    unique_names = list(dict.fromkeys(filter(None, full_names)))
    return unique_names or list(filter(None, [person.get("nickname")]))
