"""Who works on a case: assigning, transferring, breaking the glass, and the wall between linked cases."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Uuid, bindparam, delete, select, text, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.caller import Caller
from app.access.permissions import Role
from app.access.vault import decrypt, encrypt
from app.database.errors import get_violated_constraint
from app.errors import Fault, InvalidInput, NotFound
from app.kit.pagination import Paginator
from app.kit.records import ensure_exists, get_record, get_version_for_update
from app.kit.state_machine import raise_if_unmet
from app.models import BreakGlassGrant, Case, CaseLink, CaseWorker, SupportSession, Team, TeamMember, User
from app.models.record import utc_now
from app.schemas.cases import BreakGlassGrant as BreakGlassGrantSchema
from app.schemas.cases import BreakGlassRequest, CaseAssignment, CaseLinkCreate, CaseTransfer
from app.schemas.cases import Case as CaseSchema
from app.schemas.cases import CaseLink as CaseLinkSchema
from app.schemas.wire import Page, PageQuery
from app.services.cases import history as case_history
from app.services.cases.cases import load_case_schema
from app.services.cases.conflict_walls import check_conflict_wall, check_shared_worker
from app.services.cases.states import check_case_open
from app.services.cases.write_access import check_works_on_case

BREAK_GLASS_DURATION = timedelta(hours=4)
LEAD_WORKER_ROLES = (Role.social_worker, Role.supervisor)
HAS_OPEN_CASE_SQL = text("SELECT access.has_open_case(:child)").bindparams(bindparam("child", type_=Uuid))


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


def check_leads_case(caller: Caller, case: Case) -> list[Fault]:
    """Return what speaks against this actor deciding who works on a case.

    Broken glass lets a supervisor of another team look, and not decide who works on the case.
    """
    if caller.leads_team(case.team_id):
        return []
    return [Fault(None, "not_your_team", "A supervisor of the case's team assigns it.")]


async def check_workers_eligible(session: AsyncSession, team_id: UUID, workers: list[UUID]) -> list[Fault]:
    """Return what speaks against these people working on a case of a team."""
    unfit = [worker for worker in workers if not await can_lead_case(session, worker, team_id)]
    detail = "Everybody on a case is an active social worker or supervisor of its team."
    return [Fault(None, "worker_unfit", detail)] if unfit else []


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


async def break_glass(
    session: AsyncSession, caller: Caller, case_id: UUID, breaking: BreakGlassRequest
) -> BreakGlassGrantSchema:
    """Open one case outside the actor's scope for four hours, for a typed reason that others see at once.

    Raises:
        NotFound: no such case, or one behind the wall: no reason opens that.
    """
    at = utc_now()
    grant = BreakGlassGrant(
        case_id=case_id, user_id=caller.id, opened_at=at, expires_at=at + BREAK_GLASS_DURATION
    )
    encrypt(grant, "reason_sealed", breaking.reason)
    session.add(grant)
    try:
        await session.flush()  # from here on the case can be seen, if it exists and no wall hides it
    except IntegrityError as error:
        if get_violated_constraint(error) == "fk_break_glass_case_id":
            raise NotFound from error
        raise
    case = await get_record(session, Case, case_id)
    grant.child_id = case.child_id
    case_history.record_case_history(session, case, "break_glass", caller, grant, {"reason": breaking.reason})
    await session.flush()  # the answer shows what was stored
    return _grant_to_schema(grant)


async def list_break_glass_grants(
    session: AsyncSession, caller: Caller, page: PageQuery
) -> Page[BreakGlassGrantSchema]:
    """List glass broken by those one answers for, or over children one answers for."""
    paging = Paginator("break_glass", page.limit, page.cursor, {"for": caller.id})
    rows, cursor = await paging.fetch_records(
        session, select(BreakGlassGrant), col(BreakGlassGrant.opened_at), col(BreakGlassGrant.id)
    )
    return Page(items=[_grant_to_schema(row) for row in rows], next_cursor=cursor)


def _grant_to_schema(grant: BreakGlassGrant) -> BreakGlassGrantSchema:
    plain: dict[str, Any] = grant.model_dump(include=set(BreakGlassGrantSchema.model_fields) - {"reason"})
    return BreakGlassGrantSchema(**plain, reason=decrypt(grant, "reason_sealed"))


async def create_case_link(
    session: AsyncSession, caller: Caller, case_id: UUID, linking: CaseLinkCreate
) -> CaseLinkSchema:
    """Link two cases (a survivor's and that of a child with HSB): from now on a wall stands between their workers.

    Raises:
        NotFound: the actor does not see both.
        GateRefused: they share a worker: assign another first; the actor decides for one of them, or for none.
    """
    case, other = (
        await get_record(session, Case, case_id),
        await get_record(session, Case, linking.linked_case_id),
    )
    if case.child_id == other.child_id:
        raise InvalidInput([Fault("/linked_case_id", "same_child", "These are cases of one child.")])
    one, two = sorted((case, other), key=lambda c: c.id.bytes)
    raise_if_unmet(await check_works_on_case(session, case) or await check_works_on_case(session, other))
    raise_if_unmet(await check_shared_worker(session, one, two))
    made = CaseLink(
        child_id=one.child_id,
        case_id=one.id,
        linked_child_id=two.child_id,
        linked_case_id=two.id,
        linked_by_id=caller.id,
    )
    encrypt(made, "reason_sealed", linking.reason)
    session.add(made)
    await session.flush()  # the answer shows what was stored
    return _link_to_schema(made)


async def list_case_links(
    session: AsyncSession, caller: Caller, case_id: UUID, page: PageQuery
) -> Page[CaseLinkSchema]:
    """List the links of a case's child; who works on one side of a wall does not learn of it."""
    await ensure_exists(session, Case, case_id)
    paging = Paginator("case_links", page.limit, page.cursor, {"case": case_id, "for": caller.id})
    child = select(col(Case.child_id)).where(col(Case.id) == case_id).scalar_subquery()
    here = (col(CaseLink.child_id) == child) | (col(CaseLink.linked_child_id) == child)
    rows, cursor = await paging.fetch_records(
        session, select(CaseLink).where(here), col(CaseLink.linked_at), col(CaseLink.id)
    )
    return Page(items=[_link_to_schema(row) for row in rows], next_cursor=cursor)


def _link_to_schema(made: CaseLink) -> CaseLinkSchema:
    plain: dict[str, Any] = made.model_dump(include=set(CaseLinkSchema.model_fields) - {"reason"})
    return CaseLinkSchema(**plain, reason=decrypt(made, "reason_sealed"))


async def can_lead_case(session: AsyncSession, worker_id: UUID, team_id: UUID | None) -> bool:
    """Whether somebody may carry a case of a team: active, a worker by role, a member of it."""
    worker = await session.scalar(
        select(User)
        .join(TeamMember, col(TeamMember.user_id) == col(User.id))
        .where(col(User.id) == worker_id, col(TeamMember.team_id) == team_id)
    )
    return worker is not None and worker.is_active and not set(LEAD_WORKER_ROLES).isdisjoint(worker.roles)
