"""The life of a review, and everything that must be true before it is completed."""

from collections.abc import Iterable, Iterator
from datetime import date

from app.access.permissions import Permission
from app.errors import Fault
from app.kit.dates import today
from app.kit.state_machine import Transition
from app.models import Case
from app.schemas.reviews import AreaReview, ReviewContent
from app.services.cases.extend import get_support_end_date

INITIAL_STATUS = "scheduled"

COMPLETE = Transition(
    "complete",
    frozenset({"scheduled"}),
    "completed",
    Permission.review_hold,
    "every active area answered: rating, progress, decision; a decision for the case; the day it was held, in the time of support; "
    "past 24 months an extension, unless it begins the exit",
)
CANCEL = Transition("close the case", frozenset({"scheduled"}), "cancelled", Permission.case_close)

TRANSITIONS = (COMPLETE, CANCEL)


def check_review_content(
    content: ReviewContent, active: Iterable[str], supported_since: date, last_held_on: date | None
) -> Iterator[Fault]:
    """Yield what is missing from a review, or contradicts itself (the gate 'review completed')."""
    for area in active:
        yield from _check_area(area, content.areas.get(area) or AreaReview())
    if content.decision is None:
        yield Fault("/decision", "decision_missing", "Decide how the case goes on.")
    adapted = any(answer.decision == "adapt" for answer in content.areas.values())
    if content.decision == "continue" and adapted:
        detail = "An area is to be adapted: so is the plan."
        yield Fault("/decision", "decision_contradicts", detail)
    yield from _check_review_date(content.held_on, supported_since, last_held_on)


def _check_area(area: str, answer: AreaReview) -> Iterator[Fault]:
    for field in ("rating", "progress", "decision"):
        if getattr(answer, field) is None:
            yield Fault(
                f"/areas/{area}/{field}", f"{field}_missing", "The area is active in the plan: answer it."
            )


def _check_review_date(
    held_on: date | None, supported_since: date, last_held_on: date | None
) -> Iterator[Fault]:
    if held_on is None:
        yield Fault("/held_on", "held_on_missing", "Say on which day it was held.")
    elif held_on > today():
        yield Fault("/held_on", "date_in_future", "It has not been held yet.")
    elif held_on < supported_since:
        detail = "Support began later: with the approval of the child's first care plan."
        yield Fault("/held_on", "before_support", detail)
    elif last_held_on is not None and held_on < last_held_on:
        yield Fault("/held_on", "before_last_review", "The review before it was held later.")


def check_support_period(case: Case, decision: str | None) -> Iterator[Fault]:
    """Yield the unmet condition that support would go on past its end (24 months, or an extension's date)."""
    if decision in {"continue", "adapt"} and today() > get_support_end_date(case):
        detail = "The period of support is over: a programme manager extends it, or the exit begins."
        yield Fault("/decision", "extension_needed", detail)
