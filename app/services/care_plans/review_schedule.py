"""Schedule the reviews of a case. An active case always has exactly one scheduled review."""

from datetime import date
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.caller import Caller
from app.kit.dates import add_months, today
from app.models import CarePlan, Case, Review
from app.models.record import utc_now
from app.services.cases.history import record_case_history

REVIEW_INTERVAL_MONTHS = 3


async def schedule_first_review(session: AsyncSession, caller: Caller, case: Case, plan: CarePlan) -> Review:
    """Schedule the first review after the approval of a care plan, three calendar months from today.

    If a review is already scheduled, it keeps its date and refers to the new plan. The calling function must hold a
    lock on the case.
    """
    query = select(Review).where(col(Review.case_id) == case.id, col(Review.status) == "scheduled")
    review = await session.scalar(query)
    if review is None:
        return await _create_review(session, caller, case, plan.id, today())
    review.plan_id = plan.id
    review.updated_at, review.version = utc_now(), review.version + 1
    return review


async def schedule_next_review(session: AsyncSession, caller: Caller, case: Case, review: Review) -> Review:
    """Schedule the next review three calendar months after the completed review was held.

    The interval starts at `held_on`, not at the due date or the completion, so that reviews are at most three months
    apart. The calling function must hold a lock on the case.
    """
    return await _create_review(session, caller, case, review.plan_id, review.held_on or today())


async def _create_review(
    session: AsyncSession, caller: Caller, case: Case, plan_id: UUID, start: date
) -> Review:
    last_number = await session.scalar(
        select(func.max(col(Review.number))).where(col(Review.case_id) == case.id)
    )
    review = Review(
        child_id=case.child_id,
        case_id=case.id,
        plan_id=plan_id,
        number=(last_number or 0) + 1,
        due_on=add_months(start, REVIEW_INTERVAL_MONTHS),
    )
    review.content = {}
    session.add(review)
    case.next_review_on = review.due_on
    record_case_history(
        session, case, "review_scheduled", caller, review, {"due_on": review.due_on.isoformat()}
    )
    return review
