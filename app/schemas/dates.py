"""Types of the dates and times in requests. Each type is named for the meaning of the date, and has bounds.

A date without bounds accepts writing errors: a year of the Buddhist era (2569 for 2026) makes a consent valid for five
centuries. The first day of a type is fixed, so that a stored date never becomes invalid. The last day is today, or some
years ahead. `add_date_bounds` in `app.http.openapi` writes both into the contract.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any, TypeVar
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

from app.schemas.wire import PlainDate, UtcDateTime

MomentT = TypeVar("MomentT", date, datetime)

BUDDHIST_ERA_OFFSET = 543
"""Number of years by which the Buddhist era is ahead of the Common Era."""
DAYS_PER_YEAR = 366
"""Length of a year in the bounds, rounded up."""
_CAMBODIA_TIMEZONE = ZoneInfo("Asia/Phnom_Penh")


@dataclass(frozen=True, slots=True)
class DateBounds:
    """The first and the last day of a type. Without `years_ahead` and `latest`, the last day is today."""

    earliest: date
    years_ahead: int = 0
    latest: date | None = None

    def get_latest(self) -> date:
        """Return the last day, in Cambodia."""
        today = datetime.now(UTC).astimezone(_CAMBODIA_TIMEZONE).date()
        return self.latest or today + timedelta(days=DAYS_PER_YEAR * self.years_ahead)

    def validate_moment(self, moment: MomentT) -> MomentT:
        """Return a date or time if it is within the bounds.

        Raises:
            PydanticCustomError: it is outside, with the code of the reason.
        """
        day, latest = _get_local_day(moment), self.get_latest()
        is_past_type = self.latest is None and not self.years_ahead
        if day < self.earliest:
            raise PydanticCustomError("date_too_early", "is too early", {"earliest": str(self.earliest)})
        if day > latest:
            if self.earliest.year <= day.year - BUDDHIST_ERA_OFFSET <= latest.year:
                raise PydanticCustomError("date_buddhist_era", "has a year of the Buddhist era")
            if is_past_type:
                raise PydanticCustomError("date_in_future", "is in the future")
            raise PydanticCustomError("date_too_late", "is too late", {"latest": str(latest)})
        if is_past_type and isinstance(moment, datetime) and moment > datetime.now(UTC):
            raise PydanticCustomError("date_in_future", "is in the future")
        return moment

    def to_json_schema(self) -> dict[str, Any]:
        """Return the keywords that describe the bounds. A bound that depends on the current day is a text."""
        if self.latest:
            return {"formatMinimum": str(self.earliest), "formatMaximum": str(self.latest)}
        latest = f"today + {self.years_ahead} years" if self.years_ahead else "today"
        return {"formatMinimum": str(self.earliest), "x-formatMaximum": latest}


def _get_local_day(moment: date | datetime) -> date:
    if not isinstance(moment, datetime):
        return moment
    try:
        return moment.astimezone(_CAMBODIA_TIMEZONE).date()
    except OverflowError:  # within a day of the year 1 or 10000, out of all bounds
        return moment.date()


EARLIEST_LIFE_DATE = date(1900, 1, 1)
EARLIEST_CASE_DATE = date(1980, 1, 1)
"""No child whom the organisation supports has experienced anything before this day."""
EARLIEST_WORK_DATE = date(2000, 1, 1)
"""No record of the organisation's work is older."""
LATEST_FILTER_DATE = date(2199, 12, 31)

LIFE = DateBounds(EARLIEST_LIFE_DATE)
INCIDENT = DateBounds(EARLIEST_CASE_DATE)
LEGAL_STEP = DateBounds(EARLIEST_CASE_DATE, years_ahead=5)
WORK = DateBounds(EARLIEST_WORK_DATE)
PLAN = DateBounds(EARLIEST_WORK_DATE, years_ahead=5)
VALIDITY = DateBounds(EARLIEST_WORK_DATE, years_ahead=15)
FILTER = DateBounds(EARLIEST_LIFE_DATE, latest=LATEST_FILTER_DATE)


def _bound(bounds: DateBounds) -> Any:
    return Field(json_schema_extra=bounds.to_json_schema())


LifeDate = Annotated[PlainDate, AfterValidator(LIFE.validate_moment), _bound(LIFE)]
"""A day in the life of a person of any age, such as a birth date: from 1900 to today."""
IncidentDate = Annotated[PlainDate, AfterValidator(INCIDENT.validate_moment), _bound(INCIDENT)]
"""The day of an incident about which a child was referred: from 1980 to today."""
LegalStepDate = Annotated[PlainDate, AfterValidator(LEGAL_STEP.validate_moment), _bound(LEGAL_STEP)]
"""The day of an incident, or of a done or planned legal step: from 1980 to five years ahead."""
PastDate = Annotated[PlainDate, AfterValidator(WORK.validate_moment), _bound(WORK)]
"""The day on which something was done for a case or a fund: from 2000 to today."""
PlanDate = Annotated[PlainDate, AfterValidator(PLAN.validate_moment), _bound(PLAN)]
"""The day for which something is planned: from 2000 to five years ahead."""
ValidityDate = Annotated[PlainDate, AfterValidator(VALIDITY.validate_moment), _bound(VALIDITY)]
"""The last day on which something applies, such as a consent: from 2000 to 15 years ahead."""
FilterDate = Annotated[PlainDate, AfterValidator(FILTER.validate_moment), _bound(FILTER)]
"""A bound of a filter: from 1900 to 2199."""
PastTime = Annotated[UtcDateTime, AfterValidator(WORK.validate_moment), _bound(WORK)]
"""The time at which something was done: from 2000 to now."""
PlanTime = Annotated[UtcDateTime, AfterValidator(PLAN.validate_moment), _bound(PLAN)]
"""The time for which something is planned: from 2000 to five years ahead."""
FilterTime = Annotated[UtcDateTime, AfterValidator(FILTER.validate_moment), _bound(FILTER)]
"""A bound of a filter: from 1900 to 2199."""
