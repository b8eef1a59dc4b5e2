"""The period of support of a case: milestones at 18, 21 and 24 months, and the end of support."""

from datetime import date
from typing import NamedTuple

from sqlalchemy import ColumnElement, Date, cast, func
from sqlmodel import col

from app.kit.dates import add_months
from app.models import Case

MILESTONE_MONTHS = (18, 21, 24)
"""Months after the opening of a case at which the agenda reminds its workers. Support ends at the last one unless it is
extended.
"""


class Milestone(NamedTuple):
    """The day on which a case has been open for a number of months."""

    months: int
    on: date


def list_case_milestones(case: Case) -> list[Milestone]:
    """Return the milestones of a case, earliest first."""
    return [Milestone(months, add_months(case.opened_on, months)) for months in MILESTONE_MONTHS]


def get_support_end_date(case: Case) -> date:
    """Return the last day of support: 24 months after the opening, or the end of a later extension."""
    return max(list_case_milestones(case)[-1].on, case.extended_until or date.min)


def build_support_end_date() -> ColumnElement[date]:
    """Return the SQL expression for the last day of support of a row of `cases`."""
    end = cast(col(Case.opened_on) + func.make_interval(0, MILESTONE_MONTHS[-1]), Date)
    return func.greatest(end, col(Case.extended_until))
