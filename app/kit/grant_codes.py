"""Validate the code of a grant to which a case or a fund is attributed."""

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.errors import Fault, InvalidInput
from app.models import DonorGrant


async def validate_grant_exists(session: AsyncSession, grant_code: str | None) -> None:
    """Check that a grant code belongs to a grant, which can be inactive.

    Raises:
        InvalidInput: there is no such grant.
    """
    if grant_code is None:
        return
    if await session.scalar(select(col(DonorGrant.id)).where(col(DonorGrant.code) == grant_code)) is None:
        raise InvalidInput([Fault("/grant_code", "reference_unknown", "There is no grant with this code.")])


async def validate_grant_code(session: AsyncSession, grant_code: str | None, previous: str | None) -> None:
    """Check that a new grant code belongs to an active grant. The previous code is not checked again.

    Raises:
        InvalidInput: there is no such grant, or it is not active.
    """
    if grant_code is None or grant_code == previous:
        return
    query = select(col(DonorGrant.id)).where(col(DonorGrant.code) == grant_code, col(DonorGrant.is_active))
    if await session.scalar(query) is None:
        detail = "There is no active grant with this code."
        raise InvalidInput([Fault("/grant_code", "reference_unknown", detail)])
