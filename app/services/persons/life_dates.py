"""Dates of records that must not be before the birth of the child."""

from collections.abc import Mapping
from datetime import date, datetime
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
    row = await session_reader(session).fetch_required(IDENTITY_QUERY, child_id=child_id)
    birth = BirthRange.from_known_details(Child.identity.decrypt(child_id, row.identity_encrypted)["birth"])
    if birth is None:
        return
    detail = "Must not be before the birth of the child."
    faults = [
        Fault(pointer, "date_before_birth", detail)
        for pointer, moment in moments.items()
        if moment is not None and _to_local_day(moment) < birth.earliest
    ]
    if faults:
        raise InvalidInput(faults)


def _to_local_day(moment: date | datetime) -> date:
    return moment.astimezone(CAMBODIA_TIMEZONE).date() if isinstance(moment, datetime) else moment
