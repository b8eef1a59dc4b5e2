"""Who writes on a case: those who work on it and those who decide for it. Broken glass shows it, and no more.

The database holds the same line (alembic/sql/tables), and is asked here before it has to refuse a row.
"""

from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.errors import Fault
from app.models import Case
from app.services.cases.states import check_case_open


async def check_case_writable(session: AsyncSession, case: Case) -> list[Fault]:
    """Return what speaks against the actor writing on a case: it is closed, or they only look at it."""
    return [*check_case_open(case), *await check_works_on_case(session, case)]


async def check_works_on_case(session: AsyncSession, case: Case) -> list[Fault]:
    """Return the unmet condition that the actor neither works on a case nor decides for it, or none."""
    return _check_is_case_staff(await session.scalar(select(func.access.is_case_staff(case.id))))


async def check_works_with_child(session: AsyncSession, child_id: UUID) -> list[Fault]:
    """Return the unmet condition that the actor works on none of a child's cases, or none."""
    mine = select(func.bool_or(func.access.is_case_staff(col(Case.id)))).where(col(Case.child_id) == child_id)
    return _check_is_case_staff(await session.scalar(mine))


def _check_is_case_staff(works: bool | None) -> list[Fault]:
    if works:
        return []
    return [
        Fault(None, "not_on_case", "Somebody who works on the case, or its team's supervisor, does this.")
    ]
