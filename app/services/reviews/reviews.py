"""List, get, bring forward and update reviews."""

from collections.abc import Iterable
from datetime import date
from uuid import UUID

from sqlalchemy import ColumnElement, exists, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.caller import Caller
from app.errors import Fault, InvalidInput
from app.kit.dates import today
from app.kit.pagination import Paginator
from app.kit.records import (
    apply_patch,
    ensure_exists,
    get_case_for_share,
    get_for_update,
    get_record,
    get_version_for_update,
)
from app.kit.state_machine import check_status, raise_if_unmet
from app.models import Case, CaseWorker, Goal, Review
from app.models.encrypted_field import dump_content
from app.models.record import utc_now
from app.models.reviews import StoredReviewContent
from app.schemas.reviews import Review as ReviewSchema
from app.schemas.reviews import (
    ReviewContent,
    ReviewCreate,
    ReviewFilters,
    ReviewList,
    ReviewSummary,
    ReviewUpdate,
)
from app.schemas.wire import PageQuery
from app.services.care_plans.review_states import COMPLETE
from app.services.cases.history import record_case_history
from app.services.cases.write_access import check_works_on_case
from app.services.reviews.load import load_review_document, review_to_schema

REVIEW_WITH_CASE = select(Review, col(Case.number), col(Case.team_id), col(Case.lead_worker_id)).join(
    Case, col(Case.id) == col(Review.case_id)
)
SUMMARY_FIELDS = set(ReviewSummary.model_fields) - {"case_number", "team_id", "lead_worker_id", "is_overdue"}


async def list_scheduled_reviews(session: AsyncSession, caller: Caller, filters: ReviewFilters) -> ReviewList:
    """Return the scheduled reviews that the caller can see, earliest due date first."""
    cursor_filters = filters.model_dump(exclude={"limit", "cursor"}, exclude_none=True)
    paginator = Paginator("reviews", filters.limit, filters.cursor, {**cursor_filters, "for": caller.id})
    query = REVIEW_WITH_CASE.where(col(Review.status) == "scheduled", *_filter_conditions(filters))
    rows, cursor = await paginator.fetch_rows(
        session, query, col(Review.due_on), col(Review.id), ascending=True
    )
    return ReviewList(items=[_to_summary(*row[:4]) for row in rows], next_cursor=cursor)


def _filter_conditions(filters: ReviewFilters) -> Iterable[ColumnElement[bool]]:
    if filters.due_before is not None:
        yield col(Review.due_on) < filters.due_before
    if filters.overdue is not None:
        yield (col(Review.due_on) < today()) == filters.overdue
    if filters.team_id is not None:
        yield col(Case.team_id) == filters.team_id
    if filters.worker_id is not None:
        is_co_worker = exists().where(
            col(CaseWorker.case_id) == col(Case.id), col(CaseWorker.user_id) == filters.worker_id
        )
        yield (col(Case.lead_worker_id) == filters.worker_id) | is_co_worker


async def list_case_reviews(
    session: AsyncSession, caller: Caller, case_id: UUID, page: PageQuery
) -> ReviewList:
    """Return the reviews of a case, newest first."""
    await ensure_exists(session, Case, case_id)
    paginator = Paginator("case_reviews", page.limit, page.cursor, {"case": case_id, "for": caller.id})
    query = REVIEW_WITH_CASE.where(col(Review.case_id) == case_id)
    rows, cursor = await paginator.fetch_rows(session, query, col(Review.created_at), col(Review.id))
    return ReviewList(items=[_to_summary(*row[:4]) for row in rows], next_cursor=cursor)


def _to_summary(review: Review, number: str, team_id: UUID, lead_worker_id: UUID) -> ReviewSummary:
    return ReviewSummary(
        **review.model_dump(include=SUMMARY_FIELDS),
        case_number=number,
        team_id=team_id,
        lead_worker_id=lead_worker_id,
        is_overdue=review.status == "scheduled" and review.due_on < today(),
    )


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
        await session.flush()  # report a database error before the response is built
    return await review_to_schema(session, review)


def _check_earlier_date(due_on: date, scheduled_on: date) -> list[Fault]:
    if today() <= due_on < scheduled_on or due_on == scheduled_on:
        return []
    detail = f"The date must be between today and {scheduled_on.isoformat()}, the scheduled date."
    return [Fault("/due_on", "not_earlier", detail)]


async def get_review(session: AsyncSession, review_id: UUID) -> ReviewSchema:
    """Return one review. Until it is completed, the activity of the period is computed for each request."""
    return await review_to_schema(session, await get_record(session, Review, review_id))


async def update_review(
    session: AsyncSession, review_id: UUID, expected_version: int, patch: ReviewUpdate
) -> ReviewSchema:
    """Update the content of a scheduled review. Fields that the patch omits keep their value.

    Raises:
        GateRefused: the review is completed or cancelled, or the caller is not staff of the case.
        InvalidInput: a field is invalid, or a note refers to a goal that is not part of the plan.
    """
    case = await get_case_for_share(session, Review, review_id)
    review = await get_version_for_update(session, Review, review_id, expected_version)
    raise_if_unmet([*check_status(COMPLETE, review.status), *await check_works_on_case(session, case)])
    content = apply_patch(ReviewContent, load_review_document(review), patch)
    await _validate_goals(session, review, content)
    _store_content(review, content)
    await session.flush()  # report a database error before the response is built
    return await review_to_schema(session, review)


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
