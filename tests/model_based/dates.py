"""Days as the domain counts them: local in Cambodia, and three calendar months from one review to the next."""

import calendar
from datetime import UTC, date, datetime, timedelta

from tests.model_based.child_model import ChildModel, ModelRecord


def today() -> date:
    """The day in Phnom Penh, seven hours ahead."""
    return (datetime.now(UTC) + timedelta(hours=7)).date()


def add_months(day: date, months: int) -> date:
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def iso_date_in_days(n: int) -> str:
    """A day so many days from today."""
    return (today() + timedelta(days=n)).isoformat()


def iso_datetime_in_days(days: int) -> str:
    return f"{iso_date_in_days(days)}T02:00:00Z"


def schedule_review(story: ChildModel, case: ModelRecord, plan: ModelRecord, since: date) -> None:
    """Put down the next review."""
    due_on = add_months(since, 3).isoformat()
    number = len(story.list_records("reviews", case)) + 1
    says = {"number": number, "status": "scheduled", "due_on": due_on, "areas": {}, "decision": None}
    says |= {"held_on": None, "summary": None, "completed_by_id": None}
    story.add_record("reviews", case, says, plan=plan)
    case["next_review_on"] = due_on
