"""Reviews: lists of what is due, holding one piece by piece, and completing it, which decides how the case goes on."""

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, exists, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.caller import Caller
from app.access.vault import decrypt, encrypt
from app.errors import Fault, InvalidInput
from app.kit.dates import CAMBODIA_TIMEZONE, today
from app.kit.pagination import Paginator
from app.kit.records import (
    apply_patch,
    ensure_exists,
    get_case_for_share,
    get_case_for_update,
    get_for_update,
    get_record,
    get_version_for_update,
)
from app.kit.state_machine import check_status, raise_if_unmet
from app.models import CarePlan, Case, CaseWorker, Goal, PlanArea, Review
from app.models.record import utc_now
from app.schemas.reviews import (
    Review as ReviewSchema,
)
from app.schemas.reviews import (
    ReviewContent,
    ReviewCreate,
    ReviewFilters,
    ReviewSummary,
    ReviewUpdate,
)
from app.schemas.wire import Page, PageQuery
from app.services.care_plans import area_ratings as reviews_areas
from app.services.care_plans import versions as care_plans_editions
from app.services.care_plans.review_schedule import schedule_next_review
from app.services.care_plans.review_states import COMPLETE, check_review_content, check_support_period
from app.services.care_plans.states import APPROVE, SUPERSEDE
from app.services.cases import history as case_history
from app.services.cases.states import BEGIN_EXIT
from app.services.cases.write_access import check_works_on_case
from app.services.exit import exit_plans
from app.services.reviews import prefill as reviews_prefill

REVIEW_WITH_CASE = select(Review, col(Case.number), col(Case.team_id), col(Case.lead_worker_id)).join(
    Case, col(Case.id) == col(Review.case_id)
)
SUMMARY_FIELDS = set(ReviewSummary.model_fields) - {"case_number", "team_id", "lead_worker_id", "is_overdue"}
COLUMN_FIELDS = (
    set(ReviewSchema.model_fields) - {"active_areas", "happened"} - set(ReviewContent.model_fields)
)
CONTENT_COLUMN_FIELDS = {"decision", "held_on"}
"""What a review says and stands in columns of its own."""


async def list_due_reviews(
    session: AsyncSession, caller: Caller, filters: ReviewFilters
) -> Page[ReviewSummary]:
    """List the reviews that are still to be held, as far as the actor sees them, the soonest due first."""
    wanted = filters.model_dump(exclude={"limit", "cursor"}, exclude_none=True)
    paging = Paginator("reviews", filters.limit, filters.cursor, {**wanted, "for": caller.id})
    query = REVIEW_WITH_CASE.where(col(Review.status) == "scheduled", *_filter_conditions(filters))
    rows, cursor = await paging.fetch_rows(session, query, col(Review.due_on), col(Review.id), ascending=True)
    return Page(items=[_to_summary(*row[:4]) for row in rows], next_cursor=cursor)


def _filter_conditions(filters: ReviewFilters) -> Iterable[ColumnElement[bool]]:
    if filters.due_before is not None:
        yield col(Review.due_on) < filters.due_before
    if filters.overdue is not None:
        yield (col(Review.due_on) < today()) == filters.overdue
    if filters.team_id is not None:
        yield col(Case.team_id) == filters.team_id
    if filters.worker_id is not None:
        worker = filters.worker_id
        helps = exists().where(col(CaseWorker.case_id) == col(Case.id), col(CaseWorker.user_id) == worker)
        yield (col(Case.lead_worker_id) == worker) | helps


async def list_case_reviews(
    session: AsyncSession, caller: Caller, case_id: UUID, page: PageQuery
) -> Page[ReviewSummary]:
    """List a case's reviews, newest first."""
    await ensure_exists(session, Case, case_id)
    paging = Paginator("case_reviews", page.limit, page.cursor, {"case": case_id, "for": caller.id})
    query: Select[*tuple[Any, ...]] = REVIEW_WITH_CASE.where(col(Review.case_id) == case_id)
    rows, cursor = await paging.fetch_rows(session, query, col(Review.created_at), col(Review.id))
    return Page(items=[_to_summary(*row[:4]) for row in rows], next_cursor=cursor)


def _to_summary(review: Review, number: str, team_id: UUID, lead_worker_id: UUID) -> ReviewSummary:
    plain: dict[str, Any] = review.model_dump(include=SUMMARY_FIELDS)
    return ReviewSummary(
        **plain,
        case_number=number,
        team_id=team_id,
        lead_worker_id=lead_worker_id,
        is_overdue=review.status == "scheduled" and review.due_on < today(),
    )


async def bring_forward_review(
    session: AsyncSession, caller: Caller, case_id: UUID, early: ReviewCreate
) -> ReviewSchema:
    """Call for a review sooner than scheduled: the one that is scheduled becomes due earlier.

    There is never a second one beside it: a case in support has exactly one next review. One that is due on the day
    already stays as it is.

    Raises:
        GateRefused: no review is scheduled, or the day is not between today and the one scheduled.
    """
    case = await get_for_update(session, Case, case_id)
    raise_if_unmet(await check_works_on_case(session, case))
    query = select(Review).where(col(Review.case_id) == case_id, col(Review.status) == "scheduled")
    review = await session.scalar(query.with_for_update())
    if review is None:
        detail = "Reviews begin with the approval of the child's care plan, and end with the case."
        raise_if_unmet([Fault(None, "no_review_scheduled", detail)])
        raise AssertionError  # refused above
    wanted = early.due_on or min(today(), review.due_on)
    raise_if_unmet(_check_earlier_date(wanted, review.due_on))
    if wanted != review.due_on:
        review.due_on = case.next_review_on = wanted
        review.version, review.updated_at = review.version + 1, utc_now()
        case.version, case.updated_at = case.version + 1, utc_now()
        told = {**early.model_dump(exclude_none=True), "due_on": wanted.isoformat()}
        case_history.record_case_history(session, case, "review_scheduled", caller, review, told)
        await session.flush()  # the answer shows what was stored
    return await _to_schema(session, review)


def _check_earlier_date(wanted: date, scheduled: date) -> list[Fault]:
    if today() <= wanted < scheduled or wanted == scheduled:
        return []
    detail = f"A review is scheduled for {scheduled.isoformat()}: name a day before it, from today on."
    return [Fault("/due_on", "not_earlier", detail)]


async def get_review(session: AsyncSession, review_id: UUID) -> ReviewSchema:
    """Read one review; until it is completed, with what has happened up to this moment."""
    return await _to_schema(session, await get_record(session, Review, review_id))


async def update_review(
    session: AsyncSession, review_id: UUID, expected_version: int, patch: ReviewUpdate
) -> ReviewSchema:
    """Write down a piece of a review.

    Raises:
        GateRefused: it is completed, or cancelled: frozen.
        InvalidInput: a note is on a goal that is none of the plan's.
    """
    case = await get_case_for_share(session, Review, review_id)
    review = await get_version_for_update(session, Review, review_id, expected_version)
    raise_if_unmet([*check_status(COMPLETE, review.status), *await check_works_on_case(session, case)])
    content = apply_patch(ReviewContent, _content_document(review), patch)
    await _validate_goals(session, review, content)
    _store_content(review, content)
    await session.flush()  # the answer shows what was stored
    return await _to_schema(session, review)


def _content_document(review: Review) -> dict[str, Any]:
    """Return what a review says as it was told."""
    words = decrypt(review)
    said = {"decision": review.decision, "held_on": review.held_on and review.held_on.isoformat()}
    return {name: value for name, value in {**words, **said}.items() if name in ReviewContent.model_fields}


def _store_content(review: Review, content: ReviewContent) -> None:
    review.decision, review.held_on = content.decision, content.held_on
    answers = content.areas.items()
    review.ratings = {area: answer.rating for area, answer in answers if answer.rating}
    review.decisions = {area: answer.decision for area, answer in answers if answer.decision}
    review.updated_at = utc_now()
    encrypt(review, "sealed", content.model_dump(mode="json", exclude=CONTENT_COLUMN_FIELDS))


async def _validate_goals(session: AsyncSession, review: Review, content: ReviewContent) -> None:
    known = set(await session.scalars(select(col(Goal.id)).where(col(Goal.plan_id) == review.plan_id)))
    faults = [
        Fault(f"/goals/{goal}", "goal_unknown", "No goal of the plan that is reviewed.")
        for goal in content.goals
        if goal not in known
    ]
    if faults:
        raise InvalidInput(faults)


async def complete_review(
    session: AsyncSession, caller: Caller, review_id: UUID, expected_version: int
) -> ReviewSchema:
    """Complete a review: it is frozen, the next one is scheduled, and the case goes on as decided.

    Raises:
        GateRefused: with every unmet condition (the gate 'review completed').
    """
    case = await get_case_for_update(session, Review, review_id)
    review = await get_version_for_update(session, Review, review_id, expected_version)
    content = ReviewContent.model_validate(_content_document(review))
    raise_if_unmet(
        [
            *check_status(COMPLETE, review.status),
            *await check_works_on_case(session, case),
            *check_review_content(
                content,
                await _list_active_areas(session, review),
                await _get_support_start(session, review),
                await _get_last_review_date(session, review),
            ),
            *check_support_period(case, content.decision),
        ]
    )
    await _mark_completed(session, caller, review)
    detail = {"decision": review.decision}
    case_history.record_case_history(
        session, case, "review_completed", caller, review, detail, occurred_at=review.held_on
    )
    await schedule_next_review(session, caller, case, review)
    await _apply_decision(session, caller, case, review)
    case.version, case.updated_at = case.version + 1, utc_now()
    await session.flush()  # the answer shows what was stored
    return await _to_schema(session, review)


async def _mark_completed(session: AsyncSession, caller: Caller, review: Review) -> None:
    happened = await reviews_prefill.summarize_review_period(session, review)
    encrypt(review, "sealed", {**decrypt(review), "happened": happened.model_dump(mode="json")})
    review.status = COMPLETE.target
    review.completed_at = review.updated_at = happened.until
    review.completed_by_id = caller.id
    await session.flush()  # the next one takes its place: the database keeps one scheduled review a case


async def _apply_decision(session: AsyncSession, caller: Caller, case: Case, review: Review) -> None:
    """Do what was decided for the case. While it exits it is reviewed on: an exit that takes long is looked at too."""
    if review.decision == "adapt":
        plan = await get_record(session, CarePlan, review.plan_id)
        await care_plans_editions.create_next_care_plan_version(session, caller, case, plan)
    if review.decision == "begin_exit" and case.status in BEGIN_EXIT.sources:
        case.status = BEGIN_EXIT.target
        case_history.record_case_history(session, case, "exit_begun", caller, review)
        await exit_plans.ensure_exit_plan(session, caller, case)


async def _list_active_areas(session: AsyncSession, review: Review) -> list[str]:
    """Return the areas the plan works on, but for those that earlier reviews of the same plan closed."""
    areas = select(col(PlanArea.area)).where(
        col(PlanArea.plan_id) == review.plan_id, col(PlanArea.status) == "goals"
    )
    looks = await reviews_areas.list_review_ratings(session, review.plan_id)
    closed = reviews_areas.get_closed_areas(look for look in looks if look.number < review.number)
    return [area for area in await session.scalars(areas.order_by(col(PlanArea.area))) if area not in closed]


async def _get_support_start(session: AsyncSession, review: Review) -> date:
    """Return the day on which the child's first plan was approved."""
    query = select(func.min(col(CarePlan.decided_at))).where(
        col(CarePlan.case_id) == review.case_id,
        col(CarePlan.subject) == "child",
        col(CarePlan.status).in_((APPROVE.target, SUPERSEDE.target)),
    )
    approved_at: datetime | None = await session.scalar(query)
    return (
        (approved_at or utc_now()).astimezone(CAMBODIA_TIMEZONE).date()
    )  # never absent: it scheduled the first review


async def _get_last_review_date(session: AsyncSession, review: Review) -> date | None:
    query = select(func.max(col(Review.held_on))).where(
        col(Review.case_id) == review.case_id, col(Review.status) == "completed"
    )
    found: date | None = await session.scalar(query)
    return found


async def _to_schema(session: AsyncSession, review: Review) -> ReviewSchema:
    document = decrypt(review)
    kept = document.get("happened") or await reviews_prefill.summarize_review_period(session, review)
    plain: dict[str, Any] = review.model_dump(include=COLUMN_FIELDS)
    content = ReviewContent.model_validate(_content_document(review))
    said = {name: getattr(content, name) for name in ReviewContent.model_fields}
    return ReviewSchema(
        **{**plain, **said}, active_areas=await _list_active_areas(session, review), happened=kept
    )
