"""Conditions for changing a case and its records. Break-glass access is read-only.

The caller must be staff of the case: its lead worker, a co-worker, a supervisor of its team or a programme manager. Row
policies in alembic/sql enforce the same rule; these checks run first, so that the response lists the unmet condition.
"""

from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.errors import Fault
from app.models import Case
from app.services.cases.states import check_case_open


async def check_case_writable(session: AsyncSession, case: Case) -> list[Fault]:
    """Return a fault if the case is closed, and one if the caller is not staff of the case."""
    return [*check_case_open(case), *await check_works_on_case(session, case)]


async def check_works_on_case(session: AsyncSession, case: Case) -> list[Fault]:
    """Return a fault unless the caller is staff of the case."""
    return _check_is_case_staff(await session.scalar(select(func.access.is_case_staff(case.id))))


async def check_works_with_child(session: AsyncSession, child_id: UUID) -> list[Fault]:
    """Return a fault unless the caller is staff of one of the child's cases."""
    query = select(func.bool_or(func.access.is_case_staff(col(Case.id)))).where(
        col(Case.child_id) == child_id
    )
    return _check_is_case_staff(await session.scalar(query))


def _check_is_case_staff(is_case_staff: bool | None) -> list[Fault]:
    if is_case_staff:
        return []
    return [
        Fault(
            None,
            "not_on_case",
            "Only the staff of the case can do this: its workers, the supervisors of its team and programme managers.",
        )
    ]
