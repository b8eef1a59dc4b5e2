"""Bounds of the dates in requests: each fault states the correct form."""

from datetime import timedelta
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from app.kit.dates import today
from app.models.record import utc_now
from app.schemas import dates
from app.schemas.fault_messages import KHMER_MESSAGES, VALIDATION_MESSAGES
from app.schemas.validation_faults import convert_validation_errors


def find_fault(date_type: Any, value: str) -> tuple[str, str] | None:
    """Return the code and the message of the fault of a value, or None if it is valid."""
    try:
        TypeAdapter(date_type).validate_python(value)
    except ValidationError as error:
        [fault] = convert_validation_errors(error.errors(), value, VALIDATION_MESSAGES)
        assert fault.code in KHMER_MESSAGES
        return fault.code, fault.detail
    return None


@pytest.mark.parametrize(
    ("date_type", "first", "last_in_days"),
    [
        (dates.LifeDate, "1900-01-01", 0),
        (dates.IncidentDate, "1980-01-01", 0),
        (dates.LegalStepDate, "1980-01-01", 5 * 366),
        (dates.PastDate, "2000-01-01", 0),
        (dates.PlanDate, "2000-01-01", 5 * 366),
        (dates.ValidityDate, "2000-01-01", 15 * 366),
    ],
)
def test_date_is_valid_from_the_first_to_the_last_day(date_type: Any, first: str, last_in_days: int) -> None:
    last = today() + timedelta(days=last_in_days)
    assert find_fault(date_type, first) is None
    assert find_fault(date_type, str(last)) is None
    before = str(today().fromisoformat(first) - timedelta(days=1))
    assert find_fault(date_type, before) == ("date_too_early", f"Must be {first} or later.")
    after = find_fault(date_type, str(last + timedelta(days=1)))
    if last_in_days:
        assert after == ("date_too_late", f"Must be {last} or earlier.")
    else:
        assert after == ("date_in_future", "Must not be in the future.")


@pytest.mark.parametrize(
    ("date_type", "value"),
    [
        *((dates.LifeDate, value) for value in ("2443-01-01", "2553-05-01")),
        *((dates.PastDate, value) for value in ("2543-01-01", "2569-11-30")),
        *((dates.ValidityDate, value) for value in ("2570-01-01", "2580-12-31")),
        (dates.FilterDate, "2569-01-01"),
        (dates.PlanTime, "2570-01-01T00:00:00Z"),
        (dates.PastTime, "2569-01-01T00:00:00Z"),
    ],
)
def test_year_of_the_buddhist_era_has_its_own_message(date_type: Any, value: str) -> None:
    fault = find_fault(date_type, value)
    assert fault is not None
    assert fault[0] == "date_buddhist_era"
    assert "subtract 543" in fault[1]


@pytest.mark.parametrize("value", ["9999-12-31", "3000-01-01", "2300-01-01"])
def test_other_distant_year_is_not_reported_as_buddhist(value: str) -> None:
    fault = find_fault(dates.ValidityDate, value)
    assert fault is not None
    assert fault[0] == "date_too_late"


def test_time_later_today_is_in_the_future() -> None:
    assert find_fault(dates.PastTime, (utc_now() - timedelta(seconds=1)).isoformat()) is None
    fault = find_fault(dates.PastTime, (utc_now() + timedelta(minutes=2)).isoformat())
    assert fault == ("date_in_future", "Must not be in the future.")


def test_bounds_of_a_time_are_days_in_cambodia() -> None:
    assert find_fault(dates.PastTime, "1999-12-31T17:00:00Z") is None
    fault = find_fault(dates.PastTime, "1999-12-31T16:59:59Z")
    assert fault == ("date_too_early", "Must be 2000-01-01 or later.")
