"""Dates of the model: local dates of Cambodia, and reviews three calendar months apart."""

import calendar
from datetime import UTC, date, datetime, timedelta

from tests.model_based.child_model import ChildModel, ModelRecord


def today() -> date:
    """Return the current date in Cambodia (UTC+7)."""
    return (datetime.now(UTC) + timedelta(hours=7)).date()


def add_months(day: date, months: int) -> date:
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def iso_date_in_days(days: int) -> str:
    return (today() + timedelta(days=days)).isoformat()


def iso_datetime_in_days(days: int) -> str:
    return f"{iso_date_in_days(days)}T02:00:00Z"


def schedule_review(child: ChildModel, case: ModelRecord, plan: ModelRecord, start: date) -> None:
    """Schedule the next review three months after a date."""
    due_on = add_months(start, 3).isoformat()
    number = len(child.list_records("reviews", case)) + 1
    fields = {"number": number, "status": "scheduled", "due_on": due_on, "areas": {}, "decision": None}
    fields |= {"held_on": None, "summary": None, "completed_by_id": None}
    child.add_record("reviews", case, fields, plan=plan)
    case["next_review_on"] = due_on
