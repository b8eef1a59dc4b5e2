"""The closed periods of releases: quarters and years of the calendar, in Cambodia."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Self

from app.kit.dates import add_months, today

_PERIOD = re.compile(r"(?P<year>20[0-9]{2})(-Q(?P<quarter>[1-4]))?", re.ASCII)
MONTHS_OF_QUARTER = 3


@dataclass(frozen=True, slots=True)
class ReleasePeriod:
    """A quarter or a year. Its name is the part of the label of each cell that identifies the period."""

    year: int
    quarter: int | None = None

    @classmethod
    def parse(cls, name: str) -> Self:
        """Return the period with a name such as 2026-Q3 or 2026.

        Raises:
            ValueError: the name has another form.
        """
        match = _PERIOD.fullmatch(name)
        if match is None:
            raise ValueError("A period is a quarter such as 2026-Q3, or a year such as 2026.")
        return cls(int(match["year"]), int(match["quarter"]) if match["quarter"] else None)

    def __str__(self) -> str:
        """Return the name of the period."""
        return f"{self.year}" if self.quarter is None else f"{self.year}-Q{self.quarter}"

    @property
    def is_year(self) -> bool:
        """Whether the period is a year."""
        return self.quarter is None

    @property
    def first_day(self) -> date:
        """The first day of the period."""
        return date(self.year, 1 if self.quarter is None else MONTHS_OF_QUARTER * self.quarter - 2, 1)

    @property
    def last_day(self) -> date:
        """The last day of the period."""
        return add_months(self.first_day, 12 if self.is_year else MONTHS_OF_QUARTER) - timedelta(days=1)

    def list_quarters(self) -> list["ReleasePeriod"]:
        """Return the quarters of a year, or the quarter itself."""
        return [ReleasePeriod(self.year, quarter) for quarter in (1, 2, 3, 4)] if self.is_year else [self]

    def is_closed(self, follow_up_days: int = 0) -> bool:
        """Return whether the last day, and the days for which a cohort is followed, are over."""
        return self.last_day + timedelta(days=follow_up_days) < today()


def list_latest_closed_periods() -> Iterator[str]:
    """Yield the names of the latest closed quarter and of the latest closed year."""
    last_day = today().replace(day=1) - timedelta(days=1)
    while last_day.month % MONTHS_OF_QUARTER:
        last_day = last_day.replace(day=1) - timedelta(days=1)
    yield str(ReleasePeriod(last_day.year, last_day.month // MONTHS_OF_QUARTER))
    yield str(ReleasePeriod(today().year - 1))
