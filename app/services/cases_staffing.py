"""Who works on a case: assigning, transferring, breaking the glass, and the wall between linked cases."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Uuid, bindparam, delete, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.actor import Actor
from app.access.vault import seal, unseal
from app.errors import Fault, InvalidInput, NotFound
from app.models import BreakGlass, Case, CaseLink, CaseWorker, Team
from app.models.record import now
from app.schemas.cases import Assignment, BrokenGlass, CaseLinkOut, CaseOut, GlassBreaking, Linking, Transfer
from app.schemas.wire import Page, PageQuery
from app.services import case_history
from app.services.case_steps import unmet_open
from app.services.cases import shown
from app.services.paging import Paging
from app.services.records import find, find_for_change, require
from app.services.referrals_accept import can_lead
from app.services.steps import refuse

GLASS_STAYS_OPEN = timedelta(hours=4)
WALL = text("SELECT access.wall_stands(:file, :workers)").bindparams(
    bindparam("file", type_=Uuid), bindparam("workers", type_=ARRAY(Uuid))
)


async def assign(
    session: AsyncSession, actor: Actor, case_id: UUID, seen: int, assignment: Assignment
) -> CaseOut:
    """Name the lead worker and the co-workers of a case.

    Raises:
        GateRefused: the actor does not lead the case's team; somebody is no active worker of it, or works on the
            other side of a wall.
    """
    case = await find_for_change(session, Case, case_id, seen)
    workers = [assignment.lead_worker_id, *assignment.co_worker_ids]
    refuse(
        [
            *unmet_open(case),
            *_unmet_leading(actor, case),
            *await _unmet_fitness(session, case.team_id, workers),
            *await _unmet_wall(session, case, workers),
        ]
    )
    before = case.lead_worker_id
    case.lead_worker_id = assignment.lead_worker_id
    await _set_co_workers(session, case, set(assignment.co_worker_ids) - {assignment.lead_worker_id})
    case.updated_at = now()
    detail = {"from_lead": str(before), "to_lead": str(case.lead_worker_id)}
    case_history.record(session, case, "lead_assigned", actor, case, detail)
    await session.flush()  # the answer shows what was stored
    return await shown(session, case)


async def transfer(session: AsyncSession, actor: Actor, case_id: UUID, seen: int, move: Transfer) -> CaseOut:
    """Give a case to another team and a lead worker there; co-workers of the old team leave it.

    Raises:
        GateRefused: the team is not active, the worker is none of its, or the wall stands.
    """
    case = await find_for_change(session, Case, case_id, seen)
    team = await session.get(Team, move.team_id)
    refuse(
        [
            *unmet_open(case),
            *([] if team and team.is_active else [Fault("/team_id", "team_unknown", "No such active team.")]),
            *await _unmet_fitness(session, move.team_id, [move.lead_worker_id]),
            *await _unmet_wall(session, case, [move.lead_worker_id]),
        ]
    )
    detail = {"from_team": str(case.team_id), "to_team": str(move.team_id), "reason": move.reason}
    case.team_id, case.lead_worker_id = move.team_id, move.lead_worker_id
    await _set_co_workers(session, case, set())
    case.updated_at = now()
    case_history.record(session, case, "case_transferred", actor, case, detail)
    await session.flush()  # the answer shows what was stored
    return await shown(session, case)


def _unmet_leading(actor: Actor, case: Case) -> list[Fault]:
    """Broken glass lets a supervisor of another team look, and not decide who works on the case."""
    if actor.leads(case.team_id):
        return []
    return [Fault(None, "not_your_team", "A supervisor of the case's team assigns it.")]


async def _unmet_fitness(session: AsyncSession, team_id: UUID, workers: list[UUID]) -> list[Fault]:
    unfit = [worker for worker in workers if not await can_lead(session, worker, team_id)]
    detail = "Everybody on a case is an active social worker or supervisor of its team."
    return [Fault(None, "worker_unfit", detail)] if unfit else []


async def _unmet_wall(session: AsyncSession, case: Case, workers: list[UUID]) -> list[Fault]:
    if await session.scalar(WALL, {"file": case.id, "workers": workers}):
        return [Fault(None, "wall", "One of them works on a case that must stay apart from this one.")]
    return []


async def _set_co_workers(session: AsyncSession, case: Case, wanted: set[UUID]) -> None:
    await session.execute(delete(CaseWorker).where(col(CaseWorker.case_id) == case.id))
    session.add_all(CaseWorker(case_id=case.id, child_id=case.child_id, user_id=worker) for worker in wanted)


async def break_glass(
    session: AsyncSession, actor: Actor, case_id: UUID, breaking: GlassBreaking
) -> BrokenGlass:
    """Open one case outside the actor's scope for four hours, for a typed reason that others see at once.

    Raises:
        NotFound: no such case, or one behind the wall: no reason opens that.
    """
    at = now()
    grant = BreakGlass(case_id=case_id, user_id=actor.id, opened_at=at, expires_at=at + GLASS_STAYS_OPEN)
    seal(grant, "reason_sealed", breaking.reason)
    session.add(grant)
    try:
        await session.flush()  # from here on the case can be seen, if it exists and no wall hides it
    except Exception as error:
        if "ForeignKeyViolation" in str(error):
            raise NotFound from error
        raise
    case = await find(session, Case, case_id)
    grant.child_id = case.child_id
    case_history.record(session, case, "break_glass", actor, grant, {"reason": breaking.reason})
    await session.flush()  # the answer shows what was stored
    return _glass(grant)


async def broken_glass(session: AsyncSession, actor: Actor, page: PageQuery) -> Page[BrokenGlass]:
    """List glass broken by those one answers for, or over children one answers for."""
    paging = Paging("break_glass", page.limit, page.cursor, {"for": actor.id})
    rows, cursor = await paging.records(
        session, select(BreakGlass), col(BreakGlass.opened_at), col(BreakGlass.id)
    )
    return Page(items=[_glass(row) for row in rows], next_cursor=cursor)


def _glass(grant: BreakGlass) -> BrokenGlass:
    plain: dict[str, Any] = grant.model_dump(include=set(BrokenGlass.model_fields) - {"reason"})
    return BrokenGlass(**plain, reason=unseal(grant, "reason_sealed"))


async def link(session: AsyncSession, actor: Actor, case_id: UUID, linking: Linking) -> CaseLinkOut:
    """Link two cases (a survivor's and that of a child with HSB): from now on a wall stands between their workers.

    Raises:
        NotFound: the actor does not see both.
        GateRefused: they share a worker: assign another first.
    """
    case, other = await find(session, Case, case_id), await find(session, Case, linking.linked_case_id)
    if case.child_id == other.child_id:
        raise InvalidInput([Fault("/linked_case_id", "same_child", "These are cases of one child.")])
    one, two = sorted((case, other), key=lambda c: c.id.bytes)
    workers = await _workers_of(session, one) & await _workers_of(session, two)
    refuse(
        [Fault(None, "shared_worker", "Somebody works on both: assign another worker first.")]
        if workers
        else []
    )
    made = CaseLink(
        child_id=one.child_id,
        case_id=one.id,
        linked_child_id=two.child_id,
        linked_case_id=two.id,
        linked_by_id=actor.id,
    )
    seal(made, "reason_sealed", linking.reason)
    session.add(made)
    await session.flush()  # the answer shows what was stored
    return _link(made)


async def _workers_of(session: AsyncSession, case: Case) -> set[UUID]:
    found = await session.scalars(select(col(CaseWorker.user_id)).where(col(CaseWorker.case_id) == case.id))
    return {case.lead_worker_id, *found}


async def links(session: AsyncSession, actor: Actor, case_id: UUID, page: PageQuery) -> Page[CaseLinkOut]:
    """List the links of a case; who works on one side of a wall does not learn of it."""
    await require(session, Case, case_id)
    paging = Paging("case_links", page.limit, page.cursor, {"case": case_id, "for": actor.id})
    here = (col(CaseLink.case_id) == case_id) | (col(CaseLink.linked_case_id) == case_id)
    rows, cursor = await paging.records(
        session, select(CaseLink).where(here), col(CaseLink.linked_at), col(CaseLink.id)
    )
    return Page(items=[_link(row) for row in rows], next_cursor=cursor)


def _link(made: CaseLink) -> CaseLinkOut:
    plain: dict[str, Any] = made.model_dump(include=set(CaseLinkOut.model_fields) - {"reason"})
    return CaseLinkOut(**plain, reason=unseal(made, "reason_sealed"))
