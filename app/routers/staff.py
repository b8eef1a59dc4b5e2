"""Endpoint of the staff directory."""

from typing import Annotated

from fastapi import Query

from app.http.permissions import StaffReader
from app.http.route import Router
from app.http.session import Reader
from app.schemas.staff import StaffFilters, StaffList
from app.services.accounts import staff

router = Router(prefix="/staff", tags=["administration"])


@router.get("")
async def list_staff(
    caller: StaffReader, reader: Reader, filters: Annotated[StaffFilters, Query()]
) -> StaffList:
    """List colleagues, sorted by name.

    Every member of staff can read the directory, to show the names of colleagues and to choose a worker. It includes
    deactivated users unless `is_active` is `true`. With `ids`, all of these people are on one page.
    """
    return await staff.list_staff(reader, caller, filters)
