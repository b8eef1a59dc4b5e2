"""Who writes on a case: those who work on it and those who decide for it. Broken glass shows it, and no more.

The database holds the same line (alembic/sql/tables), and is asked here before it has to refuse a row.
"""

from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.errors import Fault
from app.models import Case
from app.services.cases.states import unmet_open


async def unmet_writing(session: AsyncSession, case: Case) -> list[Fault]:
    """Return what speaks against the actor writing on a case: it is closed, or they only look at it."""
    return [*unmet_open(case), *await unmet_working(session, case)]


async def unmet_working(session: AsyncSession, case: Case) -> list[Fault]:
    """Return the unmet condition that the actor neither works on a case nor decides for it, or none."""
    return _unmet(await session.scalar(select(func.access.works_on(case.id))))


async def unmet_working_with(session: AsyncSession, child_id: UUID) -> list[Fault]:
    """Return the unmet condition that the actor works on none of a child's cases, or none."""
    mine = select(func.bool_or(func.access.works_on(col(Case.id)))).where(col(Case.child_id) == child_id)
    return _unmet(await session.scalar(mine))


def _unmet(works: bool | None) -> list[Fault]:
    if works:
        return []
    return [
        Fault(None, "not_on_case", "Somebody who works on the case, or its team's supervisor, does this.")
    ]
