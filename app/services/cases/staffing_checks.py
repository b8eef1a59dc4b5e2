"""Conditions on the workers of a case: team, role and the conflict wall."""

from uuid import UUID

from sqlalchemy import ARRAY, Uuid, bindparam, select, text
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.caller import Caller
from app.access.permissions import Role
from app.errors import Fault
from app.models import Case, TeamMember, User

LEAD_WORKER_ROLES = (Role.social_worker, Role.supervisor)
CONFLICT_WALL_SQL = text("SELECT access.violates_conflict_wall(:child, :workers)").bindparams(
    bindparam("child", type_=Uuid), bindparam("workers", type_=ARRAY(Uuid))
)
SHARED_WORKER_SQL = text("SELECT access.children_share_worker(:child, :other)").bindparams(
    bindparam("child", type_=Uuid), bindparam("other", type_=Uuid)
)


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


async def can_lead_case(session: AsyncSession, worker_id: UUID, team_id: UUID | None) -> bool:
    """Whether somebody may carry a case of a team: active, a worker by role, a member of it."""
    worker = await session.scalar(
        select(User)
        .join(TeamMember, col(TeamMember.user_id) == col(User.id))
        .where(col(User.id) == worker_id, col(TeamMember.team_id) == team_id)
    )
    return worker is not None and worker.is_active and not set(LEAD_WORKER_ROLES).isdisjoint(worker.roles)


async def check_conflict_wall(session: AsyncSession, child_id: UUID, workers: list[UUID]) -> list[Fault]:
    """Return the unmet condition that one of these people works behind the wall of a child, or none."""
    if await session.scalar(CONFLICT_WALL_SQL, {"child": child_id, "workers": workers}):
        return [Fault(None, "wall", "One of them works on a case that must stay apart from this one.")]
    return []


async def check_shared_worker(session: AsyncSession, one: Case, two: Case) -> list[Fault]:
    """Return the unmet condition that two children share a worker whom a wall would shut out of a case, or none."""
    if await session.scalar(SHARED_WORKER_SQL, {"child": one.child_id, "other": two.child_id}):
        return [Fault(None, "shared_worker", "Somebody works with both: assign another worker first.")]
    return []
