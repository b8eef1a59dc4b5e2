"""Formatting of dates and ages in English and Khmer."""

from datetime import date

from app.kit.formatting import format_age, format_date
from app.models.contents import StoredBirth


def test_dates_and_ages_are_formatted_in_the_language() -> None:
    assert format_date(date(2026, 5, 4), "en") == "4 May 2026"
    assert format_date(date(2026, 12, 31), "km") == "៣១ ធ្នូ ២០២៦"
    exact_birth: StoredBirth = {
        "date": "2015-05-04",
        "precision": "day",
        "estimated_age": None,
        "estimated_age_min": None,
        "estimated_age_max": None,
        "estimated_on": None,
    }
    assert format_age(exact_birth, date(2026, 5, 3), "en") == "10"
    birth_year: StoredBirth = {**exact_birth, "date": "2015-01-01", "precision": "year"}
    assert format_age(birth_year, date(2026, 5, 3), "km") == "១០-១១"
