"""Compute the recorded activity since the previous review. The number of queries is constant."""

from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.kit.dates import today
from app.models import Action, Goal, Review, ServiceReferral, SupportSession
from app.models.record import utc_now
from app.schemas.reviews import GoalProgress, ReviewPeriodActivity, ServiceReferralProgress
from app.services.fund.case_closure import get_spending_since


async def summarize_review_period(session: AsyncSession, review: Review) -> ReviewPeriodActivity:
    """Return the activity that was recorded between the completion of the previous review and the current time.

    The activity counts by the time at which it was recorded, not by its own time. It therefore belongs to exactly one
    review.
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
    completed_at: datetime | None = await session.scalar(query)
    return completed_at


async def _count_sessions(session: AsyncSession, review: Review, since: datetime | None) -> dict[str, int]:
    """Return the number of support sessions recorded in the period, by status."""
    query = (
        select(col(SupportSession.status), func.count())
        .where(col(SupportSession.case_id) == review.case_id)
        .group_by(col(SupportSession.status))
    )
    if since is not None:
        query = query.where(col(SupportSession.recorded_at) > since)
    return {row[0]: row[1] for row in await session.execute(query)}


async def _list_goals(session: AsyncSession, review: Review) -> list[GoalProgress]:
    """Return the goals of the plan with their status and the number of their actions by state."""
    action_status = col(Action.status)
    query = (
        select(
            Goal,
            func.count().filter(action_status == "done"),
            func.count().filter(action_status == "open"),
            func.count().filter(action_status == "open", col(Action.due_on) < today()),
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
            statement=goal.content["statement"],
            status=goal.status,
            actions_done=done,
            actions_open=open_,
            actions_overdue=overdue,
        )
        for goal, done, open_, overdue in await session.execute(query)
    ]


async def _list_service_referrals(
    session: AsyncSession, review: Review, since: datetime | None
) -> list[ServiceReferralProgress]:
    """Return the service referrals that changed in the period or still wait for a result. Excludes drafts."""
    status = col(ServiceReferral.status)
    query = (
        select(ServiceReferral)
        .where(col(ServiceReferral.case_id) == review.case_id, status != "draft")
        .order_by(col(ServiceReferral.sent_at), col(ServiceReferral.id))
    )
    if since is not None:
        query = query.where(status.in_(("sent", "accepted")) | (col(ServiceReferral.updated_at) > since))
    return [
        ServiceReferralProgress(
            service_referral_id=service_referral.id,
            service=service_referral.service,
            area=service_referral.area,
            status=service_referral.status,
            outcome=service_referral.outcome,
        )
        for service_referral in await session.scalars(query)
    ]
