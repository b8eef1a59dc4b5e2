"""Compute the recorded activity since the previous review. The number of queries is constant."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, DateTime, bindparam, func, or_, select
from sqlmodel import col

from app.access.reader import NoShownRecord, ReadQuery, RecordReader, ShownRecord
from app.kit.dates import today
from app.kit.entered_in_error import is_valid
from app.models import Action, Goal, Review, ServiceReferral, SupportSession
from app.models.record import utc_now
from app.schemas.reviews import GoalProgress, ReviewPeriodActivity, ServiceReferralProgress
from app.services.fund.case_closure import get_spending_since

SINCE = bindparam("since", type_=DateTime(timezone=True))
"""Completion of the previous review, or NULL for the first review."""


def _is_after_previous_review(column: Any, *alternatives: ColumnElement[bool]) -> ColumnElement[bool]:
    return or_(SINCE.is_(None), column > SINCE, *alternatives)


LAST_COMPLETION_QUERY = ReadQuery(
    select(func.max(col(Review.completed_at)).label("completed_at")).where(
        col(Review.case_id) == bindparam("case_id"), col(Review.status) == "completed"
    ),
    shows=NoShownRecord("the time is the beginning of the period of the review that the response shows"),
)
SESSION_COUNT_QUERY = ReadQuery(
    select(col(SupportSession.status), func.count().label("number"))
    .where(
        col(SupportSession.case_id) == bindparam("case_id"),
        is_valid(SupportSession),
        _is_after_previous_review(col(SupportSession.recorded_at)),
    )
    .group_by(col(SupportSession.status)),
    shows=NoShownRecord("the sessions are only counted"),
)
ACTION_STATUS = col(Action.status)
GOALS_QUERY = ReadQuery(
    select(
        col(Goal.id),
        col(Goal.child_id),
        col(Goal.case_id),
        col(Goal.area),
        col(Goal.status),
        col(Goal.content_encrypted),
        func.count().filter(ACTION_STATUS == "done").label("actions_done"),
        func.count().filter(ACTION_STATUS == "open").label("actions_open"),
        func.count()
        .filter(ACTION_STATUS == "open", col(Action.due_on) < bindparam("today"))
        .label("actions_overdue"),
    )
    .outerjoin(Action, col(Action.goal_id) == col(Goal.id))
    .where(col(Goal.plan_id) == bindparam("plan_id"))
    .group_by(col(Goal.id))
    .order_by(col(Goal.area), col(Goal.created_at), col(Goal.id)),
    shows=ShownRecord("goal"),
)
SERVICE_REFERRALS_QUERY = ReadQuery(
    select(
        col(ServiceReferral.id),
        col(ServiceReferral.child_id),
        col(ServiceReferral.case_id),
        col(ServiceReferral.service),
        col(ServiceReferral.area),
        col(ServiceReferral.status),
        col(ServiceReferral.outcome),
    )
    .where(
        col(ServiceReferral.case_id) == bindparam("case_id"),
        col(ServiceReferral.status) != "draft",
        _is_after_previous_review(
            col(ServiceReferral.updated_at), col(ServiceReferral.status).in_(("sent", "accepted"))
        ),
    )
    .order_by(col(ServiceReferral.sent_at), col(ServiceReferral.id)),
    shows=ShownRecord("service_referral"),
)


async def summarize_review_period(
    reader: RecordReader, case_id: UUID | str, plan_id: UUID | str
) -> ReviewPeriodActivity:
    """Return the activity that was recorded between the completion of the previous review and the current time.

    The activity counts by the time at which it was recorded, not by its own time. It therefore belongs to exactly one
    review.
    """
    since = (await reader.fetch_required(LAST_COMPLETION_QUERY, case_id=case_id)).completed_at
    sessions = await reader.fetch(SESSION_COUNT_QUERY, case_id=case_id, since=since)
    session_counts = {row.status: row.number for row in sessions}
    return ReviewPeriodActivity(
        since=since,
        until=utc_now(),
        sessions_held=session_counts.get("held", 0),
        sessions_missed=session_counts.get("missed", 0),
        goals=await _list_goals(reader, plan_id),
        service_referrals=await _list_service_referrals(reader, case_id, since),
        money_spent=await get_spending_since(reader, case_id, since),
    )


async def _list_goals(reader: RecordReader, plan_id: UUID | str) -> list[GoalProgress]:
    """Return the goals of the plan with their status and the number of their actions by state."""
    return [
        GoalProgress(
            goal_id=row.id,
            area=row.area,
            statement=Goal.content.decrypt(row.id, row.content_encrypted)["statement"],
            status=row.status,
            actions_done=row.actions_done,
            actions_open=row.actions_open,
            actions_overdue=row.actions_overdue,
        )
        for row in await reader.fetch(GOALS_QUERY, plan_id=plan_id, today=today())
    ]


async def _list_service_referrals(
    reader: RecordReader, case_id: UUID | str, since: datetime | None
) -> list[ServiceReferralProgress]:
    """Return the service referrals that changed in the period or still wait for a result. Excludes drafts."""
    return [
        ServiceReferralProgress(
            service_referral_id=row.id,
            service=row.service,
            area=row.area,
            status=row.status,
            outcome=row.outcome,
        )
        for row in await reader.fetch(SERVICE_REFERRALS_QUERY, case_id=case_id, since=since)
    ]
