"""The gate 'review completed': the required content of a review, its date, and the period of support."""

from collections.abc import Iterable, Iterator
from datetime import date

from app.errors import Fault
from app.fault_codes import FaultCode
from app.kit.dates import today
from app.models import Case
from app.schemas.reviews import AreaReview, ReviewContent
from app.services.cases.states import RETURN_TO_ACTIVE
from app.services.cases.support_period import get_support_end_date

REQUIRED_AREA_FIELDS: dict[str, FaultCode] = {
    "rating": "rating_missing",
    "progress": "progress_missing",
    "decision": "decision_missing",
}
"""Fields of an active area that the completion requires, with the fault code for each."""


def check_review_content(
    content: ReviewContent, active_areas: Iterable[str], support_start: date, last_held_on: date | None
) -> Iterator[Fault]:
    """Yield a fault for each missing or contradictory part of a review."""
    for area in active_areas:
        yield from _check_area(area, content.areas.get(area) or AreaReview())
    if content.decision is None:
        yield Fault("/decision", "decision_missing", "The decision for the case is required.")
    has_adapted_area = any(review.decision == "adapt" for review in content.areas.values())
    if content.decision == "continue" and has_adapted_area:
        detail = (
            "The decision for the case must not be `continue`, because the decision for an area is `adapt`."
        )
        yield Fault("/decision", "decision_contradicts", detail)
    yield from _check_review_date(content.held_on, support_start, last_held_on)


def _check_area(area: str, area_review: AreaReview) -> Iterator[Fault]:
    for field, code in REQUIRED_AREA_FIELDS.items():
        if getattr(area_review, field) is None:
            detail = "Required, because the area is active in the plan."
            yield Fault(f"/areas/{area}/{field}", code, detail)


def _check_review_date(
    held_on: date | None, support_start: date, last_held_on: date | None
) -> Iterator[Fault]:
    if held_on is None:
        yield Fault("/held_on", "held_on_missing", "The date on which the review was held is required.")
    elif held_on < support_start:
        detail = "The date must not be before the approval of the child's first care plan."
        yield Fault("/held_on", "before_support", detail)
    elif last_held_on is not None and held_on < last_held_on:
        detail = "The date must not be before the date of the previous review."
        yield Fault("/held_on", "before_last_review", detail)


def check_support_period(case: Case, decision: str | None) -> Iterator[Fault]:
    """Yield a fault if the decision continues support after its end (24 months, or the end of an extension)."""
    if decision in {"continue", "adapt", "return_to_active"} and today() > get_support_end_date(case):
        detail = "The period of support has ended. The decision must be `begin_exit`, unless a programme manager extends the case."
        yield Fault("/decision", "extension_needed", detail)


def check_return_to_active(case: Case, decision: str | None) -> Iterator[Fault]:
    """Yield a fault if the decision is to return to active support, and the case is not exiting."""
    if decision == "return_to_active" and case.status not in RETURN_TO_ACTIVE.sources:
        detail = "Only a case that is exiting can return to active support."
        yield Fault("/decision", "not_exiting", detail)
