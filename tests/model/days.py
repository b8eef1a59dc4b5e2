"""Days as the domain counts them: local in Cambodia, and three calendar months from one review to the next."""

import calendar
from datetime import UTC, date, datetime, timedelta

from tests.model.story import Record, Story


def today() -> date:
    """The day in Phnom Penh, seven hours ahead."""
    return (datetime.now(UTC) + timedelta(hours=7)).date()


def months_after(day: date, months: int) -> date:
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def day(n: int) -> str:
    """A day so many days from today."""
    return (today() + timedelta(days=n)).isoformat()


def moment(days: int) -> str:
    return f"{day(days)}T02:00:00Z"


def schedule(story: Story, case: Record, plan: Record, since: date) -> None:
    """Put down the next review."""
    due_on = months_after(since, 3).isoformat()
    number = len(story.of("reviews", case)) + 1
    says = {"number": number, "status": "scheduled", "due_on": due_on, "areas": {}, "decision": None}
    says |= {"held_on": None, "summary": None, "completed_by_id": None}
    story.add("reviews", case, says, plan=plan)
    case["next_review_on"] = due_on
