"""Administration: organisations we work with."""

from typing import Annotated
from uuid import UUID

from fastapi import Query

from app.http.permissions import AgencyManager, AgencyReader
from app.http.route import Router
from app.http.session import ExpectedVersion, Session
from app.schemas.administration import AgencyFilters, AgencyIn, AgencyOut, AgencyPatch
from app.schemas.wire import Page
from app.services.accounts import agencies

router = Router(prefix="/agencies", tags=["administration"])


@router.post("", status_code=201)
async def register(_caller: AgencyManager, session: Session, payload: AgencyIn) -> AgencyOut:
    """Add an organisation."""
    return await agencies.create_agency(session, payload)


@router.get("")
async def listed(
    _caller: AgencyReader,
    session: Session,
    filters: Annotated[AgencyFilters, Query()],
) -> Page[AgencyOut]:
    """List the organisations, newest first."""
    return await agencies.list_agencies(session, filters)


@router.get("/{agency_id}")
async def read(_caller: AgencyReader, session: Session, agency_id: UUID) -> AgencyOut:
    """Read one organisation."""
    return await agencies.get_agency(session, agency_id)


@router.patch("/{agency_id}")
async def change(
    _caller: AgencyManager,
    session: Session,
    agency_id: UUID,
    expected_version: ExpectedVersion,
    payload: AgencyPatch,
) -> AgencyOut:
    """Change an organisation; a deactivated one's systems are refused from the next request on."""
    return await agencies.update_agency(session, agency_id, expected_version, payload)
