"""Complete a review: freeze it, schedule the next one and apply the decision for the case."""

from datetime import date, datetime
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.caller import Caller
from app.access.reader import open_response_reader, session_reader
from app.errors import Fault
from app.kit.dates import CAMBODIA_TIMEZONE
from app.kit.records import get_case_for_update, get_record, get_version_for_update
from app.kit.state_machine import check_status, raise_if_unmet
from app.models import CarePlan, Case, Review
from app.models.encrypted_field import dump_content
from app.models.record import utc_now
from app.models.reviews import StoredReviewPeriod
from app.schemas.reviews import Review as ReviewSchema
from app.schemas.reviews import ReviewContent
from app.services.care_plans.editions import create_next_care_plan_edition
from app.services.care_plans.review_schedule import schedule_next_review
from app.services.care_plans.review_states import COMPLETE
from app.services.care_plans.states import APPROVE, SUPERSEDE
from app.services.cases.history import record_case_history
from app.services.cases.states import BEGIN_EXIT, RETURN_TO_ACTIVE
from app.services.cases.write_access import check_works_on_case
from app.services.exit.exit_plans import ensure_exit_plan, withdraw_exit_plan
from app.services.reviews.completion_checks import (
    check_return_to_active,
    check_review_content,
    check_support_period,
)
from app.services.reviews.load import build_review_document, get_review, list_active_areas
from app.services.reviews.period_activity import summarize_review_period


async def complete_review(
    session: AsyncSession, caller: Caller, review_id: UUID, expected_version: int
) -> ReviewSchema:
    """Complete a review: freeze it, schedule the next review and apply the decision for the case.

    Raises:
        GateRefused: with every unmet condition of the gate 'review completed'.
    """
    case = await get_case_for_update(session, Review, review_id)
    review = await get_version_for_update(session, Review, review_id, expected_version)
    raise_if_unmet(await _check_completion(session, case, review))
    await _mark_completed(session, caller, review)
    record_case_history(
        session,
        case,
        "review_completed",
        caller,
        review,
        {"decision": review.decision},
        occurred_at=review.held_on,
    )
    await schedule_next_review(session, caller, case, review)
    await _apply_decision(session, caller, case, review)
    case.version, case.updated_at = case.version + 1, utc_now()
    return await get_review(await open_response_reader(session), review_id)


async def _check_completion(session: AsyncSession, case: Case, review: Review) -> list[Fault]:
    content = ReviewContent.model_validate(build_review_document(review, review.content))
    active_areas = await list_active_areas(session_reader(session), review.plan_id, review.number)
    support_start = await _get_support_start(session, review)
    last_held_on = await _get_last_review_date(session, review)
    return [
        *check_status(COMPLETE, review.status),
        *await check_works_on_case(session, case),
        *check_review_content(content, active_areas, support_start, last_held_on),
        *check_support_period(case, content.decision),
        *check_return_to_active(case, content.decision),
    ]


async def _get_support_start(session: AsyncSession, review: Review) -> date:
    """Return the date on which the child's first care plan was approved."""
    query = select(func.min(col(CarePlan.decided_at))).where(
        col(CarePlan.case_id) == review.case_id,
        col(CarePlan.subject) == "child",
        col(CarePlan.status).in_((APPROVE.target, SUPERSEDE.target)),
    )
    approved_at: datetime | None = await session.scalar(query)
    # A review exists only after the approval. The fallback is never used; it satisfies the type checker.
    return (approved_at or utc_now()).astimezone(CAMBODIA_TIMEZONE).date()


async def _get_last_review_date(session: AsyncSession, review: Review) -> date | None:
    query = select(func.max(col(Review.held_on))).where(
        col(Review.case_id) == review.case_id, col(Review.status) == "completed"
    )
    held_on: date | None = await session.scalar(query)
    return held_on


async def _mark_completed(session: AsyncSession, caller: Caller, review: Review) -> None:
    activity = await summarize_review_period(session_reader(session), review.case_id, review.plan_id)
    review.content = {**review.content, "happened": dump_content(StoredReviewPeriod, activity)}
    review.status = COMPLETE.target
    review.completed_at = review.updated_at = activity.until
    review.completed_by_id = caller.id
    # before the next review is added: the database allows one scheduled review per case
    await session.flush()


async def _apply_decision(session: AsyncSession, caller: Caller, case: Case, review: Review) -> None:
    """Create the next edition of the plan, begin the exit or end it. Reviews continue while the case is exiting."""
    if review.decision == "adapt":
        plan = await get_record(session, CarePlan, review.plan_id)
        await create_next_care_plan_edition(session, caller, case, plan)
    if review.decision == "begin_exit" and case.status in BEGIN_EXIT.sources:
        case.status = BEGIN_EXIT.target
        record_case_history(session, case, "exit_begun", caller, review)
        await ensure_exit_plan(session, caller, case)
    if review.decision == "return_to_active":
        case.status = RETURN_TO_ACTIVE.target
        record_case_history(session, case, "exit_ended", caller, review)
        await withdraw_exit_plan(session, caller, case)
