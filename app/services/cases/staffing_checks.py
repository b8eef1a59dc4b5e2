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


def check_supervises_case(caller: Caller, case: Case) -> list[Fault]:
    """Return a fault unless the caller is a supervisor of the case's team or a programme manager.

    A supervisor of another team with break-glass access can read the case but cannot assign its workers.
    """
    if caller.supervises_team(case.team_id):
        return []
    return [
        Fault(
            None, "not_your_team", "Only a supervisor of the case's team or a programme manager can do this."
        )
    ]


async def check_workers_eligible(session: AsyncSession, team_id: UUID, worker_ids: list[UUID]) -> list[Fault]:
    """Return a fault unless every worker is eligible for cases of the team."""
    ineligible = [
        worker_id for worker_id in worker_ids if not await can_lead_case(session, worker_id, team_id)
    ]
    detail = "Each worker of a case must be an active social worker or supervisor of its team."
    return [Fault(None, "worker_unfit", detail)] if ineligible else []


async def can_lead_case(session: AsyncSession, worker_id: UUID, team_id: UUID | None) -> bool:
    """Return whether a user can be lead worker of a team's case: active, in the team, and with a role for case work."""
    worker = await session.scalar(
        select(User)
        .join(TeamMember, col(TeamMember.user_id) == col(User.id))
        .where(col(User.id) == worker_id, col(TeamMember.team_id) == team_id)
    )
    return worker is not None and worker.is_active and not set(LEAD_WORKER_ROLES).isdisjoint(worker.roles)


async def check_conflict_wall(session: AsyncSession, child_id: UUID, worker_ids: list[UUID]) -> list[Fault]:
    """Return a fault if a conflict wall excludes one of the workers from the child's cases."""
    if await session.scalar(CONFLICT_WALL_SQL, {"child": child_id, "workers": worker_ids}):
        return [Fault(None, "wall", "A conflict wall excludes a worker from this case.")]
    return []


async def check_shared_worker(session: AsyncSession, case: Case, other_case: Case) -> list[Fault]:
    """Return a fault if the cases of both children have a worker in common."""
    if await session.scalar(SHARED_WORKER_SQL, {"child": case.child_id, "other": other_case.child_id}):
        return [
            Fault(
                None,
                "shared_worker",
                "A worker works with both children. Assign another worker to one of the cases first.",
            )
        ]
    return []
