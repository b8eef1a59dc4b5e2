"""The date of the last contact in a case, which lists can filter and sort by."""

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.models import Case


async def update_last_contact(session: AsyncSession, case: Case) -> None:
    """Set the last contact of a case to the local date of its latest held session.

    Every act that changes which sessions are held, or when, calls this function. It must hold a lock on the case for an
    update, and flush its change of the session first.

    A function of the database updates the case, because the worker of a session need not be staff of the case. `case` is
    not refreshed.
    """
    await session.execute(select(func.access.update_last_contact(case.id)))
