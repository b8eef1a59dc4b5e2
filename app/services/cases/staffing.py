"""Staffing of a case: lead worker, co-workers and team."""

from uuid import UUID

from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.caller import Caller
from app.access.log import refresh_context
from app.errors import Fault
from app.kit.entered_in_error import is_valid
from app.kit.records import get_version_for_update
from app.kit.state_machine import raise_if_unmet
from app.models import Case, CaseWorker, Referral, SupportSession, Team, TeamMember
from app.models.record import utc_now
from app.schemas.cases import Case as CaseSchema
from app.schemas.cases import CaseAssignment, CaseTransfer
from app.services.cases import history as case_history
from app.services.cases.cases import load_case_schema
from app.services.cases.staffing_checks import (
    check_conflict_wall,
    check_supervises_case,
    check_workers_eligible,
)
from app.services.cases.states import check_case_open


async def assign_case(
    session: AsyncSession, caller: Caller, case_id: UUID, expected_version: int, payload: CaseAssignment
) -> CaseSchema:
    """Assign the lead worker and the co-workers of a case.

    Without `co_worker_ids`, the co-workers who are still eligible remain.

    Raises:
        GateRefused: The case is closed, the caller does not supervise the case's team, or a worker is not eligible or
            is excluded by a conflict wall.
    """
    case = await get_version_for_update(session, Case, case_id, expected_version)
    co_worker_ids = payload.co_worker_ids
    if co_worker_ids is None:
        co_worker_ids = await _list_eligible_co_workers(session, case)
    worker_ids = [payload.lead_worker_id, *co_worker_ids]
    raise_if_unmet(
        [
            *check_case_open(case),
            *check_supervises_case(caller, case),
            *await check_workers_eligible(session, case.team_id, worker_ids),
            *await check_conflict_wall(session, case.child_id, worker_ids),
        ]
    )
    previous_lead_id = case.lead_worker_id
    case.lead_worker_id = payload.lead_worker_id
    await _set_co_workers(session, case, set(co_worker_ids) - {payload.lead_worker_id})
    case.updated_at = utc_now()
    detail = {"from_lead": str(previous_lead_id), "to_lead": str(case.lead_worker_id)}
    case_history.record_case_history(session, case, "lead_assigned", caller, case, detail)
    await session.flush()  # the queries of the context and the response run without autoflush
    await refresh_context(session)  # the caller can be one of the co-workers
    return await load_case_schema(session, case)


async def _list_eligible_co_workers(session: AsyncSession, case: Case) -> list[UUID]:
    co_workers = await session.scalars(
        select(col(CaseWorker.user_id)).where(col(CaseWorker.case_id) == case.id)
    )
    return [
        user_id
        for user_id in co_workers.all()
        if not await check_workers_eligible(session, case.team_id, [user_id])
    ]


async def transfer_case(
    session: AsyncSession, caller: Caller, case_id: UUID, expected_version: int, payload: CaseTransfer
) -> CaseSchema:
    """Transfer a case to another team and a lead worker of that team. The co-workers are removed.

    Raises:
        GateRefused: The team is not active, the worker is not eligible, or a conflict wall excludes the worker.
    """
    case = await get_version_for_update(session, Case, case_id, expected_version)
    team = await session.get(Team, payload.team_id)
    raise_if_unmet(
        [
            *check_case_open(case),
            *_check_team_active(team),
            *await check_workers_eligible(session, payload.team_id, [payload.lead_worker_id]),
            *await check_conflict_wall(session, case.child_id, [payload.lead_worker_id]),
        ]
    )
    detail = {"from_team": str(case.team_id), "to_team": str(payload.team_id), "reason": payload.reason}
    case.team_id, case.lead_worker_id = payload.team_id, payload.lead_worker_id
    await _set_co_workers(session, case, set())
    await _transfer_referrals(session, case)
    case.updated_at = utc_now()
    case_history.record_case_history(session, case, "case_transferred", caller, case, detail)
    await session.flush()  # the queries of the context and the response run without autoflush
    await refresh_context(session)  # the caller can be one of the co-workers
    return await load_case_schema(session, case)


async def _transfer_referrals(session: AsyncSession, case: Case) -> None:
    """Set the team of the referrals of a case to the team of the case, because the list of referrals selects by team."""
    statement = update(Referral).where(col(Referral.case_id) == case.id)
    values = {"team_id": case.team_id, "version": Referral.version + 1, "updated_at": utc_now()}
    await session.execute(statement.values(values).execution_options(synchronize_session=False))


def _check_team_active(team: Team | None) -> list[Fault]:
    if team is not None and team.is_active:
        return []
    return [Fault("/team_id", "team_unknown", "The team does not exist or is not active.")]


async def _set_co_workers(session: AsyncSession, case: Case, user_ids: set[UUID]) -> None:
    await session.execute(delete(CaseWorker).where(col(CaseWorker.case_id) == case.id))
    session.add_all(
        CaseWorker(case_id=case.id, child_id=case.child_id, user_id=user_id) for user_id in user_ids
    )
    await _reassign_planned_sessions(session, case, {case.lead_worker_id, *user_ids})


async def _reassign_planned_sessions(session: AsyncSession, case: Case, worker_ids: set[UUID]) -> None:
    """Assign the planned sessions of workers who cannot see the case to the lead worker."""
    supervisor_ids = select(col(TeamMember.user_id)).where(
        col(TeamMember.team_id) == case.team_id, col(TeamMember.is_supervisor)
    )
    statement = update(SupportSession).where(
        col(SupportSession.case_id) == case.id,
        col(SupportSession.status) == "planned",
        is_valid(SupportSession),
        col(SupportSession.worker_id).not_in(worker_ids),
        col(SupportSession.worker_id).not_in(supervisor_ids),
    )
    values = {
        "worker_id": case.lead_worker_id,
        "version": SupportSession.version + 1,
        "updated_at": utc_now(),
    }
    await session.execute(statement.values(values).execution_options(synchronize_session=False))
