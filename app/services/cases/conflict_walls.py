"""The wall around linked children: whoever works with one of them never works with the other."""

from uuid import UUID

from sqlalchemy import ARRAY, Uuid, bindparam, text
from sqlalchemy.ext.asyncio import AsyncSession

from app.errors import Fault
from app.models import Case

CONFLICT_WALL_SQL = text("SELECT access.violates_conflict_wall(:child, :workers)").bindparams(
    bindparam("child", type_=Uuid), bindparam("workers", type_=ARRAY(Uuid))
)
SHARED_WORKER_SQL = text("SELECT access.children_share_worker(:child, :other)").bindparams(
    bindparam("child", type_=Uuid), bindparam("other", type_=Uuid)
)


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
