"""What happened since the last review: put together in a constant number of statements, however much it was."""

from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.vault import decrypt
from app.kit.dates import today
from app.models import Action, Goal, Review, ServiceReferral, SupportSession
from app.models.record import utc_now
from app.schemas.reviews import GoalProgress, ReviewPeriodActivity, ServiceReferralProgress
from app.services.fund.case_closure import get_spending_since


async def summarize_review_period(session: AsyncSession, review: Review) -> ReviewPeriodActivity:
    """Return what happened between the completion of the last review and this moment.

    What is written down later than the last completion counts, whenever it took place: so nothing falls between two
    reviews, and nothing counts in both.
    """
    since = await _get_last_completion(session, review)
    sessions = await _count_sessions(session, review, since)
    return ReviewPeriodActivity(
        since=since,
        until=utc_now(),
        sessions_held=sessions.get("held", 0),
        sessions_missed=sessions.get("missed", 0),
        goals=await _list_goals(session, review),
        service_referrals=await _list_service_referrals(session, review, since),
        money_spent=await get_spending_since(session, review.case_id, since),
    )


async def _get_last_completion(session: AsyncSession, review: Review) -> datetime | None:
    query = select(func.max(col(Review.completed_at))).where(
        col(Review.case_id) == review.case_id, col(Review.status) == "completed"
    )
    found: datetime | None = await session.scalar(query)
    return found


async def _count_sessions(session: AsyncSession, review: Review, since: datetime | None) -> dict[str, int]:
    """Count sessions by status."""
    query = (
        select(col(SupportSession.status), func.count())
        .where(col(SupportSession.case_id) == review.case_id)
        .group_by(col(SupportSession.status))
    )
    if since is not None:
        query = query.where(col(SupportSession.recorded_at) > since)
    return {row[0]: row[1] for row in await session.execute(query)}


async def _list_goals(session: AsyncSession, review: Review) -> list[GoalProgress]:
    """Return the plan's goals as they stand today, with their actions counted."""
    action_is = col(Action.status)
    query = (
        select(
            Goal,
            func.count().filter(action_is == "done"),
            func.count().filter(action_is == "open"),
            func.count().filter(action_is == "open", col(Action.due_on) < today()),
        )
        .outerjoin(Action, col(Action.goal_id) == col(Goal.id))
        .where(col(Goal.plan_id) == review.plan_id)
        .group_by(col(Goal.id))
        .order_by(col(Goal.area), col(Goal.created_at), col(Goal.id))
    )
    return [
        GoalProgress(
            goal_id=goal.id,
            area=goal.area,
            statement=decrypt(goal)["statement"],
            status=goal.status,
            actions_done=done,
            actions_open=waiting,
            actions_overdue=overdue,
        )
        for goal, done, waiting, overdue in await session.execute(query)
    ]


async def _list_service_referrals(
    session: AsyncSession, review: Review, since: datetime | None
) -> list[ServiceReferralProgress]:
    """Return the service referrals that moved since, or still wait for something; drafts are nobody's yet."""
    asked = col(ServiceReferral.status)
    query = (
        select(ServiceReferral)
        .where(col(ServiceReferral.case_id) == review.case_id, asked != "draft")
        .order_by(col(ServiceReferral.sent_at), col(ServiceReferral.id))
    )
    if since is not None:
        query = query.where(asked.in_(("sent", "accepted")) | (col(ServiceReferral.updated_at) > since))
    return [
        ServiceReferralProgress(
            service_referral_id=found.id,
            service=found.service,
            area=found.area,
            status=found.status,
            outcome=found.outcome,
        )
        for found in await session.scalars(query)
    ]
