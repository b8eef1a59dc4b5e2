"""Bring forward and update reviews."""

from datetime import date
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.caller import Caller
from app.access.reader import open_response_reader
from app.errors import Fault, InvalidInput
from app.kit.dates import today
from app.kit.records import (
    apply_patch,
    get_case_for_share,
    get_for_update,
    get_version_for_update,
)
from app.kit.state_machine import check_status, raise_if_unmet
from app.models import Case, Goal, Review
from app.models.encrypted_field import dump_content
from app.models.record import utc_now
from app.models.reviews import StoredReviewContent
from app.schemas.reviews import Review as ReviewSchema
from app.schemas.reviews import ReviewContent, ReviewCreate, ReviewUpdate
from app.services.care_plans.review_states import COMPLETE
from app.services.cases.history import record_case_history
from app.services.cases.write_access import check_works_on_case
from app.services.persons.life_dates import validate_after_birth
from app.services.reviews.load import build_review_document, get_review


async def bring_forward_review(
    session: AsyncSession, caller: Caller, case_id: UUID, payload: ReviewCreate
) -> ReviewSchema:
    """Set an earlier due date for the scheduled review of a case.

    No second review is created, because a case has at most one scheduled review. If the review is due on the requested
    date already, nothing is changed.

    Raises:
        GateRefused: no review is scheduled, or the date is not between today and the scheduled date.
    """
    case = await get_for_update(session, Case, case_id)
    raise_if_unmet(await check_works_on_case(session, case))
    query = select(Review).where(col(Review.case_id) == case_id, col(Review.status) == "scheduled")
    review = await session.scalar(query.with_for_update())
    if review is None:
        detail = (
            "No review is scheduled, because the case has no approved care plan for the child or is closed."
        )
        raise_if_unmet([Fault(None, "no_review_scheduled", detail)])
        raise AssertionError  # unreachable: raise_if_unmet raised
    due_on = payload.due_on or min(today(), review.due_on)
    raise_if_unmet(_check_earlier_date(due_on, review.due_on))
    if due_on != review.due_on:
        review.due_on = case.next_review_on = due_on
        review.version, review.updated_at = review.version + 1, utc_now()
        case.version, case.updated_at = case.version + 1, utc_now()
        changes = {**payload.model_dump(exclude_none=True), "due_on": due_on.isoformat()}
        record_case_history(session, case, "review_scheduled", caller, review, changes)
    return await get_review(await open_response_reader(session), review.id)


def _check_earlier_date(due_on: date, scheduled_on: date) -> list[Fault]:
    if today() <= due_on < scheduled_on or due_on == scheduled_on:
        return []
    detail = f"The date must be between today and {scheduled_on.isoformat()}, the scheduled date."
    return [Fault("/due_on", "not_earlier", detail)]


async def update_review(
    session: AsyncSession, review_id: UUID, expected_version: int, patch: ReviewUpdate
) -> ReviewSchema:
    """Update the content of a scheduled review. Fields that the patch omits keep their value.

    Raises:
        GateRefused: the review is completed or cancelled, or the caller is not staff of the case.
        InvalidInput: a field is invalid, `held_on` is before the birth of the child, or a note refers to a goal that is
            not part of the plan.
    """
    case = await get_case_for_share(session, Review, review_id)
    review = await get_version_for_update(session, Review, review_id, expected_version)
    raise_if_unmet([*check_status(COMPLETE, review.status), *await check_works_on_case(session, case)])
    content = apply_patch(ReviewContent, build_review_document(review, review.content), patch)
    await _validate_goals(session, review, content)
    await validate_after_birth(session, case.child_id, {"/held_on": content.held_on})
    _store_content(review, content)
    return await get_review(await open_response_reader(session), review_id)


def _store_content(review: Review, content: ReviewContent) -> None:
    review.decision, review.held_on = content.decision, content.held_on
    areas = content.areas.items()
    review.ratings = {area: area_review.rating for area, area_review in areas if area_review.rating}
    review.decisions = {area: area_review.decision for area, area_review in areas if area_review.decision}
    review.updated_at = utc_now()
    review.content = dump_content(StoredReviewContent, content)


async def _validate_goals(session: AsyncSession, review: Review, content: ReviewContent) -> None:
    goal_ids = set(await session.scalars(select(col(Goal.id)).where(col(Goal.plan_id) == review.plan_id)))
    faults = [
        Fault(f"/goals/{goal_id}", "goal_unknown", "The care plan of the review has no goal with this id.")
        for goal_id in content.goals
        if goal_id not in goal_ids
    ]
    if faults:
        raise InvalidInput(faults)
