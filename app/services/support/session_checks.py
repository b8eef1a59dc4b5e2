"""Validation rules for support sessions: times, worker and goals."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import literal, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.caller import Caller
from app.errors import Fault, InvalidInput
from app.models import Case, CaseWorker, Goal, SupportSession, TeamMember
from app.models.record import utc_now
from app.schemas.support_sessions import SupportSessionContent, SupportSessionPlan
from app.services.cases.staffing_checks import can_lead_case
from app.services.cases.write_access import check_works_on_case
from app.services.support.session_states import INITIAL_STATUS


def validate_missed_session_time(content: SupportSessionContent) -> None:
    """Check that the planned time of a missed session is not in the future.

    Raises:
        InvalidInput: it is.
    """
    if content.status == "missed" and content.planned_at is not None and content.planned_at > utc_now():
        raise InvalidInput([Fault("/planned_at", "date_in_future", "Must not be in the future.")])


def get_session_times(content: SupportSessionContent) -> dict[str, datetime | None]:
    """Return the times of a session by their pointers."""
    return {"/planned_at": content.planned_at, "/held_at": content.held_at}


async def check_support_session_staffing(
    session: AsyncSession, caller: Caller, case: Case, plan: SupportSessionPlan, status: str
) -> list[Fault]:
    """Return the unmet conditions on the caller and the worker of a new session.

    A worker can record a session that they held on any case that is visible to them, even through break-glass access. To
    plan a session, or to record the session of another worker, both the caller and the worker must be staff of the case.
    """
    worker_id = plan.worker_id or caller.id
    if worker_id == caller.id:
        return [] if status != INITIAL_STATUS else await check_works_on_case(session, case)
    return [
        *await check_works_on_case(session, case),
        *await _check_worker_eligibility(session, case, worker_id),
    ]


async def _check_worker_eligibility(session: AsyncSession, case: Case, worker_id: UUID) -> list[Fault]:
    if await _is_case_staff(session, case, worker_id) and await can_lead_case(
        session, worker_id, case.team_id
    ):
        return []
    detail = "The worker must be active, and be lead worker, co-worker or supervisor of the case's team."
    return [Fault("/worker_id", "worker_unfit", detail)]


async def _is_case_staff(session: AsyncSession, case: Case, worker_id: UUID) -> bool:
    co_workers = select(col(CaseWorker.user_id)).where(col(CaseWorker.case_id) == case.id)
    supervisors = select(col(TeamMember.user_id)).where(
        col(TeamMember.team_id) == case.team_id, col(TeamMember.is_supervisor)
    )
    worker = literal(worker_id)
    query = select(literal(1)).where(worker.in_(co_workers) | worker.in_(supervisors))
    return worker_id == case.lead_worker_id or await session.scalar(query) is not None


async def check_support_session_worker_change(
    session: AsyncSession,
    caller: Caller,
    case: Case,
    support_session: SupportSession,
    content: SupportSessionContent,
) -> list[Fault]:
    """Return the unmet conditions for assigning a session to another worker.

    The worker of a recorded session cannot change, because only that worker can write its clinical note.
    """
    worker_id = content.worker_id or caller.id
    if worker_id == support_session.worker_id:
        return []
    if support_session.recorded_at is not None:
        return [Fault("/worker_id", "frozen", "The worker of a recorded session cannot be changed.")]
    return await _check_worker_eligibility(session, case, worker_id)


async def validate_case_goals(session: AsyncSession, case: Case, goal_ids: Sequence[UUID]) -> None:
    """Check that goals belong to a case.

    Raises:
        InvalidInput: with one fault for each goal that belongs to another case or does not exist.
    """
    if not goal_ids:
        return
    query = select(col(Goal.id)).where(col(Goal.case_id) == case.id, col(Goal.id).in_(goal_ids))
    case_goal_ids = set(await session.scalars(query))
    faults = [
        Fault(f"/goal_ids/{index}", "goal_unknown", "The case has no goal with this id.")
        for index, goal_id in enumerate(goal_ids)
        if goal_id not in case_goal_ids
    ]
    if faults:
        raise InvalidInput(faults)
