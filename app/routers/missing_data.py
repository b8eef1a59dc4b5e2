"""Endpoint of the list of missing data."""

from typing import Annotated

from fastapi import Query

from app.http.permissions import MissingDataReader
from app.http.route import Router
from app.http.session import Reader
from app.schemas.missing_data import MissingDataFilters, MissingDataList
from app.services.supervision import missing_data

router = Router(tags=["supervision"])


@router.get("/missing-data")
async def list_missing_data(
    caller: MissingDataReader,
    reader: Reader,
    filters: Annotated[MissingDataFilters, Query()],
) -> MissingDataList:
    """List the missing data of open cases, by case number.

    The list contains the cases that the caller works with or supervises, and all cases for programme managers. Each entry
    names the field, the record to complete, and the worker who completes it.
    """
    return await missing_data.list_missing_data(reader, caller, filters)
