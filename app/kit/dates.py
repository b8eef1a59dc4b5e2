"""Local dates, and birth dates and ages that may be known only approximately.

A birth date is known to the day, the month or the year, or only from an estimated age. An age is the number of
completed years. A child born on 29 February becomes a year older on 1 March in years that are not leap years.
"""

import calendar
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Self
from zoneinfo import ZoneInfo

from app.errors import Fault, InvalidInput
from app.models.record import utc_now

CAMBODIA_TIMEZONE = ZoneInfo("Asia/Phnom_Penh")
"""The time zone of all local dates: UTC+7 without daylight saving time."""

_ESTIMATED_BIRTH_TOLERANCE_DAYS = 731
"""Distance in days at which two birth dates, one of them estimated, have similarity 0.

Two years: one for the estimate, and one for traditional age counting.
"""

_RECORDED_BIRTH_TOLERANCE_DAYS = 183
"""Distance in days at which two recorded birth dates have similarity 0.

Half a year, because recorded birth dates of one child differ only by writing errors.
"""


def today() -> date:
    """Return the current date in Cambodia."""
    return utc_now().astimezone(CAMBODIA_TIMEZONE).date()


def check_not_in_future(days: Mapping[str, date | None]) -> list[Fault]:
    """Return a fault for each date in the future. The keys of `days` are the pointers of the faults."""
    current_date = today()
    return [
        Fault(pointer, "date_in_future", "The date must not be in the future.")
        for pointer, day in days.items()
        if day and day > current_date
    ]


def validate_not_in_future(days: Mapping[str, date | None]) -> None:
    """Reject dates in the future.

    Raises:
        InvalidInput: with one fault for each date in the future.
    """
    if faults := check_not_in_future(days):
        raise InvalidInput(faults)


def add_months(day: date, months: int) -> date:
    """Add calendar months to a date. `months` can be negative.

    The day of the month stays the same. If the target month is shorter, the result is its last day.
    """
    year, month_index = divmod(day.year * 12 + day.month - 1 + months, 12)
    last_day = calendar.monthrange(year, month_index + 1)[1]
    return date(year, month_index + 1, min(day.day, last_day))


@dataclass(frozen=True, slots=True)
class BirthRange:
    """The earliest and the latest possible birth date, both included."""

    earliest: date
    latest: date
    is_estimated: bool = False
    """Whether the range comes from an estimated age and not from a date."""

    @classmethod
    def from_details(cls, details: Mapping[str, Any]) -> Self:
        """Build the range from the stored birth date of a person.

        The details are either `date` with `precision` (day, month or year), or `estimated_age` in whole years, or a range
        of ages (`estimated_age_min`, `estimated_age_max`), with `estimated_on`.

        Raises:
            ValueError: the details are incomplete or impossible. The message does not contain the values.
        """
        if details.get("estimated_age") is not None:
            age = details["estimated_age"]
            return cls._from_estimated_ages(age, age, _parse_date(details.get("estimated_on")))
        if details.get("estimated_age_min") is not None and details.get("estimated_age_max") is not None:
            ages = details["estimated_age_min"], details["estimated_age_max"]
            return cls._from_estimated_ages(*ages, _parse_date(details.get("estimated_on")))
        return cls._from_date(_parse_date(details.get("date")), details.get("precision") or "day")

    @classmethod
    def _from_date(cls, day: date, precision: str) -> Self:
        if precision == "day":
            return cls(day, day)
        if precision == "month":
            return cls(day.replace(day=1), day.replace(day=calendar.monthrange(day.year, day.month)[1]))
        if precision == "year":
            return cls(date(day.year, 1, 1), date(day.year, 12, 31))
        raise ValueError("The precision of a birth date must be day, month or year.")

    @classmethod
    def _from_estimated_ages(cls, youngest: int, oldest: int, estimated_on: date) -> Self:
        if not 0 <= youngest <= oldest < estimated_on.year - 1:
            raise ValueError("An estimated age must be a possible number of years.")
        return cls(
            _subtract_years(estimated_on, oldest + 1) + timedelta(days=1),
            _subtract_years(estimated_on, youngest),
            is_estimated=True,
        )

    @classmethod
    def from_known_details(cls, details: Mapping[str, Any] | None) -> Self | None:
        """Build the range from the stored birth date of a person, or return None if the birth date is unknown."""
        return None if details is None else cls.from_details(details)

    def age_range_on(self, day: date) -> tuple[int, int]:
        """Return the lowest and the highest possible age in whole years on a day. The age before birth is 0."""
        return _count_whole_years(self.latest, day), _count_whole_years(self.earliest, day)

    def is_threshold_uncertain(self, threshold: int, day: date) -> bool:
        """Return whether the person may or may not have reached the age `threshold`, in years, on a day."""
        lowest, highest = self.age_range_on(day)
        return lowest < threshold <= highest

    def similarity_to(self, other: Self) -> float:
        """Return how similar two birth dates are, from 0 to 1.

        The result is 1 if the ranges overlap. Otherwise it decreases linearly with the distance between them, to 0 at two
        years if one of them is estimated, or else at half a year.
        """
        gap = max((self.earliest - other.latest).days, (other.earliest - self.latest).days, 0)
        tolerance = (
            _ESTIMATED_BIRTH_TOLERANCE_DAYS
            if self.is_estimated or other.is_estimated
            else _RECORDED_BIRTH_TOLERANCE_DAYS
        )
        return max(0.0, 1 - gap / tolerance)


def get_birthday(born: date, years: int) -> date:
    """Return the day on which a person born on a day completes a number of years of age.

    A person born on 29 February completes a year on 1 March in years that are not leap years, as `BirthRange.age_range_on`
    counts.
    """
    year = born.year + years
    is_leap_birth = (born.month, born.day) == (2, 29)
    return date(year, 3, 1) if is_leap_birth and not calendar.isleap(year) else born.replace(year=year)


def get_age_range(birth: Mapping[str, Any] | None, day: date) -> tuple[int, int] | None:
    """Return the lowest and the highest possible age in whole years on a day, or None if the birth date is unknown."""
    birth_range = BirthRange.from_known_details(birth)
    return None if birth_range is None else birth_range.age_range_on(day)


def _parse_date(value: object) -> date:
    if isinstance(value, date):
        return value
    try:
        return date.fromisoformat(str(value))
    except ValueError:
        raise ValueError("A date must have the format YYYY-MM-DD.") from None


def _subtract_years(day: date, years: int) -> date:
    return add_months(day, -12 * years)


def _count_whole_years(born: date, day: date) -> int:
    before_birthday = (day.month, day.day) < (born.month, born.day)
    return max(0, day.year - born.year - before_birthday)
