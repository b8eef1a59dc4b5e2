"""When a case is reviewed next: exactly three calendar months on, and never without a date while it is active."""

from datetime import date
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.caller import Caller
from app.access.vault import encrypt
from app.kit.dates import add_months, today
from app.models import CarePlan, Case, Review
from app.models.record import utc_now
from app.services.cases import history as case_history

REVIEW_INTERVAL_MONTHS = 3


async def schedule_first_review(session: AsyncSession, caller: Caller, case: Case, plan: CarePlan) -> Review:
    """Schedule the review that an approved plan asks for; one that is scheduled already looks back on the new plan.

    The caller holds the case. The date is counted from today, the day of the approval in Cambodia.
    """
    query = select(Review).where(col(Review.case_id) == case.id, col(Review.status) == "scheduled")
    scheduled = await session.scalar(query)
    if scheduled is None:
        return await _create_review(session, caller, case, plan.id, today())
    scheduled.plan_id = plan.id
    scheduled.updated_at, scheduled.version = utc_now(), scheduled.version + 1
    return scheduled


async def schedule_next_review(session: AsyncSession, caller: Caller, case: Case, review: Review) -> Review:
    """Schedule the review after a completed one. The caller holds the case.

    The date is counted from the day the review was held, not from when it was due or written down: what the rule
    promises a child is that nobody lets three months go by without a look.
    """
    return await _create_review(session, caller, case, review.plan_id, review.held_on or today())


async def _create_review(
    session: AsyncSession, caller: Caller, case: Case, plan_id: UUID, since: date
) -> Review:
    last = await session.scalar(select(func.max(col(Review.number))).where(col(Review.case_id) == case.id))
    review = Review(
        child_id=case.child_id,
        case_id=case.id,
        plan_id=plan_id,
        number=(last or 0) + 1,
        due_on=add_months(since, REVIEW_INTERVAL_MONTHS),
    )
    encrypt(review, "sealed", {})
    session.add(review)
    case.next_review_on = review.due_on
    case_history.record_case_history(
        session, case, "review_scheduled", caller, review, {"due_on": review.due_on.isoformat()}
    )
    return review
