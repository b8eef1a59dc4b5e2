"""Births as they are known (a day, a month, a year, or an age somebody guessed) and ages as ranges.

An age is counted in whole years completed; who is born on 29 February completes a year on 1 March of other years.
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
"""Every local date of this system: Cambodia keeps UTC+7 all year."""

_ESTIMATED_BIRTH_TOLERANCE_DAYS = 731
"""Days beyond which an estimate no longer fits: two years, since guessing and traditional counting each err by one."""

_RECORDED_BIRTH_TOLERANCE_DAYS = 183
"""The same for two recorded dates, which differ by slips of writing only: half a year."""


def today() -> date:
    """The date it is in Cambodia."""
    return utc_now().astimezone(CAMBODIA_TIMEZONE).date()


def check_not_in_future(days: Mapping[str, date | None]) -> list[Fault]:
    """Return a fault for each of these days, named by their pointers, that lies in the future: it must have come."""
    here = today()
    return [
        Fault(pointer, "date_in_future", "Lies in the future.")
        for pointer, day in days.items()
        if day and day > here
    ]


def validate_not_in_future(days: Mapping[str, date | None]) -> None:
    """Refuse days that lie in the future.

    Raises:
        InvalidInput: with each of them.
    """
    if faults := check_not_in_future(days):
        raise InvalidInput(faults)


def add_months(day: date, n: int) -> date:
    """`n` calendar months later (or earlier, below 0): the same day of the month, or else the month's last."""
    years, month = divmod(day.year * 12 + day.month - 1 + n, 12)
    last = calendar.monthrange(years, month + 1)[1]
    return date(years, month + 1, min(day.day, last))


@dataclass(frozen=True, slots=True)
class BirthRange:
    """The first and the last day on which somebody may have been born, both included."""

    earliest: date
    latest: date
    is_estimated: bool = False
    """Rests on somebody's guess of an age, not on a date."""

    @classmethod
    def from_details(cls, known: Mapping[str, Any]) -> Self:
        """From `date` with `precision` (day, month, year), or `estimated_age` in whole years with `estimated_on`.

        Raises ValueError, without the values, when these facts make no birth.
        """
        if known.get("estimated_age") is not None:
            return cls._from_estimated_age(known["estimated_age"], _parse_date(known.get("estimated_on")))
        return cls._from_date(_parse_date(known.get("date")), known.get("precision") or "day")

    @classmethod
    def _from_date(cls, day: date, precision: str) -> Self:
        if precision == "day":
            return cls(day, day)
        if precision == "month":
            return cls(day.replace(day=1), day.replace(day=calendar.monthrange(day.year, day.month)[1]))
        if precision == "year":
            return cls(date(day.year, 1, 1), date(day.year, 12, 31))
        raise ValueError("The precision of a birth is day, month or year.")

    @classmethod
    def _from_estimated_age(cls, age: int, on: date) -> Self:
        if age < 0 or age + 1 >= on.year:
            raise ValueError("An estimated age is a number of years somebody can have lived.")
        return cls(
            _subtract_years(on, age + 1) + timedelta(days=1), _subtract_years(on, age), is_estimated=True
        )

    def age_range_on(self, day: date) -> tuple[int, int]:
        """The least and the greatest age in whole years on that day; 0 before birth."""
        return _count_whole_years(self.latest, day), _count_whole_years(self.earliest, day)

    def is_threshold_uncertain(self, threshold: int, day: date) -> bool:
        """Whether it is unknown if this age, in years, is reached on that day."""
        least, greatest = self.age_range_on(day)
        return least < threshold <= greatest

    def similarity_to(self, other: Self) -> float:
        """How well two births agree: 1 when some day fits both, less with the gap, 0 when they cannot be one.

        An estimate may be a year off and still reach one half.
        """
        gap = max((self.earliest - other.latest).days, (other.earliest - self.latest).days, 0)
        reach = (
            _ESTIMATED_BIRTH_TOLERANCE_DAYS
            if self.is_estimated or other.is_estimated
            else _RECORDED_BIRTH_TOLERANCE_DAYS
        )
        return max(0.0, 1 - gap / reach)


def _parse_date(value: object) -> date:
    if isinstance(value, date):
        return value
    try:
        return date.fromisoformat(str(value))
    except ValueError:
        raise ValueError("A date is written YYYY-MM-DD.") from None


def _subtract_years(day: date, years: int) -> date:
    return add_months(day, -12 * years)


def _count_whole_years(born: date, day: date) -> int:
    before_birthday = (day.month, day.day) < (born.month, born.day)
    return max(0, day.year - born.year - before_birthday)
