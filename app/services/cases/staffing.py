"""Staffing of a case: lead worker, co-workers and team."""

from uuid import UUID

from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.caller import Caller
from app.errors import Fault
from app.kit.records import get_version_for_update
from app.kit.state_machine import raise_if_unmet
from app.models import Case, CaseWorker, SupportSession, Team, TeamMember
from app.models.record import utc_now
from app.schemas.cases import Case as CaseSchema
from app.schemas.cases import CaseAssignment, CaseTransfer
from app.services.cases import history as case_history
from app.services.cases.cases import load_case_schema
from app.services.cases.staffing_checks import (
    check_conflict_wall,
    check_leads_case,
    check_workers_eligible,
)
from app.services.cases.states import check_case_open


async def assign_case(
    session: AsyncSession, caller: Caller, case_id: UUID, expected_version: int, assignment: CaseAssignment
) -> CaseSchema:
    """Name the lead worker and the co-workers of a case; where none are named at all, those stay who are still fit.

    Raises:
        GateRefused: the actor does not lead the case's team; somebody is no active worker of it, or works on the
            other side of a wall.
    """
    case = await get_version_for_update(session, Case, case_id, expected_version)
    beside = assignment.co_worker_ids
    if beside is None:
        here = await session.scalars(
            select(col(CaseWorker.user_id)).where(col(CaseWorker.case_id) == case.id)
        )
        beside = [
            worker
            for worker in here.all()
            if not await check_workers_eligible(session, case.team_id, [worker])
        ]
    workers = [assignment.lead_worker_id, *beside]
    raise_if_unmet(
        [
            *check_case_open(case),
            *check_leads_case(caller, case),
            *await check_workers_eligible(session, case.team_id, workers),
            *await check_conflict_wall(session, case.child_id, workers),
        ]
    )
    before = case.lead_worker_id
    case.lead_worker_id = assignment.lead_worker_id
    await _set_co_workers(session, case, set(beside) - {assignment.lead_worker_id})
    case.updated_at = utc_now()
    detail = {"from_lead": str(before), "to_lead": str(case.lead_worker_id)}
    case_history.record_case_history(session, case, "lead_assigned", caller, case, detail)
    await session.flush()  # the answer shows what was stored
    return await load_case_schema(session, case)


async def transfer_case(
    session: AsyncSession, caller: Caller, case_id: UUID, expected_version: int, move: CaseTransfer
) -> CaseSchema:
    """Give a case to another team and a lead worker there; co-workers of the old team leave it.

    Raises:
        GateRefused: the team is not active, the worker is none of its, or the wall stands.
    """
    case = await get_version_for_update(session, Case, case_id, expected_version)
    team = await session.get(Team, move.team_id)
    raise_if_unmet(
        [
            *check_case_open(case),
            *([] if team and team.is_active else [Fault("/team_id", "team_unknown", "No such active team.")]),
            *await check_workers_eligible(session, move.team_id, [move.lead_worker_id]),
            *await check_conflict_wall(session, case.child_id, [move.lead_worker_id]),
        ]
    )
    detail = {"from_team": str(case.team_id), "to_team": str(move.team_id), "reason": move.reason}
    case.team_id, case.lead_worker_id = move.team_id, move.lead_worker_id
    await _set_co_workers(session, case, set())
    case.updated_at = utc_now()
    case_history.record_case_history(session, case, "case_transferred", caller, case, detail)
    await session.flush()  # the answer shows what was stored
    return await load_case_schema(session, case)


async def _set_co_workers(session: AsyncSession, case: Case, wanted: set[UUID]) -> None:
    await session.execute(delete(CaseWorker).where(col(CaseWorker.case_id) == case.id))
    session.add_all(CaseWorker(case_id=case.id, child_id=case.child_id, user_id=worker) for worker in wanted)
    await _reassign_planned_sessions(session, case, {case.lead_worker_id, *wanted})


async def _reassign_planned_sessions(session: AsyncSession, case: Case, workers: set[UUID]) -> None:
    """Give the sessions that were planned to the lead worker, where who was to hold them no longer sees the case."""
    leading = select(col(TeamMember.user_id)).where(
        col(TeamMember.team_id) == case.team_id, col(TeamMember.is_supervisor)
    )
    orphaned = update(SupportSession).where(
        col(SupportSession.case_id) == case.id,
        col(SupportSession.status) == "planned",
        col(SupportSession.worker_id).not_in(workers),
        col(SupportSession.worker_id).not_in(leading),
    )
    new = {"worker_id": case.lead_worker_id, "version": SupportSession.version + 1, "updated_at": utc_now()}
    await session.execute(orphaned.values(new).execution_options(synchronize_session=False))
