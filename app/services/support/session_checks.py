"""What speaks against a support session: who is to hold it, when, and for which goals."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
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

EARLIEST_SESSION_TIME = datetime(1900, 1, 1, tzinfo=UTC)
PLANNING_HORIZON = timedelta(days=5 * 366)
"""How far ahead anything is planned: far beyond the longest support."""


def validate_support_session_times(content: SupportSessionContent) -> None:
    """Refuse what was held tomorrow, missed before its time, or lies out of all reach.

    Raises:
        InvalidInput: with each moment that cannot be.
    """
    moments = {"/planned_at": content.planned_at, "/held_at": content.held_at}
    faults = [
        fault for pointer, at in moments.items() if at for fault in check_support_session_time(pointer, at)
    ]
    pointer = "/planned_at" if content.status == "missed" else "/held_at"
    over = moments[pointer]
    if over is not None and over > utc_now():
        faults = [Fault(pointer, "date_in_future", "Lies in the future.")]
    if faults:
        raise InvalidInput(faults)


def check_support_session_time(pointer: str, moment: datetime) -> list[Fault]:
    """Return what is wrong with a moment that no session has."""
    if moment < EARLIEST_SESSION_TIME:
        return [Fault(pointer, "date_too_early", "Lies before 1900.")]
    if moment > utc_now() + PLANNING_HORIZON:
        return [Fault(pointer, "date_too_late", "Lies more than five years ahead.")]
    return []


async def check_support_session_staffing(
    session: AsyncSession, caller: Caller, case: Case, plan: SupportSessionPlan, status: str
) -> list[Fault]:
    """Return what speaks against this actor writing down a session of who is to hold it.

    Who held one writes it down, whatever opened the case to them; plans are made by and for who works on the case.
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
    detail = "Who holds a session works on the case: its lead or a co-worker, or a supervisor of its team."
    return [Fault("/worker_id", "worker_unfit", detail)]


async def _is_case_staff(session: AsyncSession, case: Case, worker_id: UUID) -> bool:
    beside = select(col(CaseWorker.user_id)).where(col(CaseWorker.case_id) == case.id)
    above = select(col(TeamMember.user_id)).where(
        col(TeamMember.team_id) == case.team_id, col(TeamMember.is_supervisor)
    )
    worker = literal(worker_id)
    found = select(literal(1)).where(worker.in_(beside) | worker.in_(above))
    return worker_id == case.lead_worker_id or await session.scalar(found) is not None


async def check_support_session_worker_change(
    session: AsyncSession, caller: Caller, case: Case, contact: SupportSession, content: SupportSessionContent
) -> list[Fault]:
    """Who held a session stays who held it: the clinical note is theirs."""
    worker_id = content.worker_id or caller.id
    if worker_id == contact.worker_id:
        return []
    if contact.recorded_at is not None:
        return [Fault("/worker_id", "frozen", "Who held it, or was to, stays as it was recorded.")]
    return await _check_worker_eligibility(session, case, worker_id)


async def validate_case_goals(session: AsyncSession, case: Case, goal_ids: Sequence[UUID]) -> None:
    """Refuse goals that are not this case's.

    Raises:
        InvalidInput: with each of them.
    """
    if not goal_ids:
        return
    query = select(col(Goal.id)).where(col(Goal.case_id) == case.id, col(Goal.id).in_(goal_ids))
    known = set(await session.scalars(query))
    detail = "No such goal in this case."
    faults = [
        Fault(f"/goal_ids/{n}", "goal_unknown", detail)
        for n, goal in enumerate(goal_ids)
        if goal not in known
    ]
    if faults:
        raise InvalidInput(faults)
