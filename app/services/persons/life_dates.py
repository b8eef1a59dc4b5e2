"""Dates of records that must not be before the birth of the child."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.reader import NoShownRecord, ReadQuery, session_reader
from app.errors import Fault, InvalidInput
from app.kit.dates import CAMBODIA_TIMEZONE, BirthRange
from app.models import Child

IDENTITY_QUERY = ReadQuery(
    select(col(Child.identity_encrypted)).where(col(Child.id) == bindparam("child_id")),
    shows=NoShownRecord("only faults leave this module, in requests that name a record of the child"),
)


async def validate_after_birth(
    session: AsyncSession, child_id: UUID, moments: Mapping[str, date | datetime | None]
) -> None:
    """Reject dates and times before the earliest possible birth date of a child. The keys of the mapping are JSON pointers.

    Raises:
        InvalidInput: with one fault for each of them.
    """
    if not any(moments.values()):
        return
    row = await session_reader(session).fetch_required(IDENTITY_QUERY, child_id=child_id)
    birth = Child.identity.decrypt(child_id, row.identity_encrypted)["birth"]
    if faults := check_after_birth(birth, moments):
        raise InvalidInput(faults)


def check_after_birth(
    birth: Mapping[str, Any] | None, moments: Mapping[str, date | datetime | None]
) -> list[Fault]:
    """Return a fault for each date or time before the earliest possible day of a birth, or none if it is unknown."""
    birth_range = BirthRange.from_known_details(birth)
    if birth_range is None:
        return []
    detail = "Must not be before the birth of the child."
    return [
        Fault(pointer, "date_before_birth", detail)
        for pointer, moment in moments.items()
        if moment is not None and _to_local_day(moment) < birth_range.earliest
    ]


def _to_local_day(moment: date | datetime) -> date:
    return moment.astimezone(CAMBODIA_TIMEZONE).date() if isinstance(moment, datetime) else moment
