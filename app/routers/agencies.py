"""Administration: organisations we work with."""

from typing import Annotated
from uuid import UUID

from fastapi import Query

from app.http.permissions import AgencyManager, AgencyReader
from app.http.route import Router
from app.http.session import ExpectedVersion, Session
from app.schemas.administration import Agency, AgencyCreate, AgencyFilters, AgencyUpdate
from app.schemas.wire import Page
from app.services.accounts import agencies

router = Router(prefix="/agencies", tags=["administration"])


@router.post("", status_code=201)
async def create_agency(_caller: AgencyManager, session: Session, payload: AgencyCreate) -> Agency:
    """Add an organisation."""
    return await agencies.create_agency(session, payload)


@router.get("")
async def list_agencies(
    _caller: AgencyReader,
    session: Session,
    filters: Annotated[AgencyFilters, Query()],
) -> Page[Agency]:
    """List the organisations, newest first."""
    return await agencies.list_agencies(session, filters)


@router.get("/{agency_id}")
async def get_agency(_caller: AgencyReader, session: Session, agency_id: UUID) -> Agency:
    """Read one organisation."""
    return await agencies.get_agency(session, agency_id)


@router.patch("/{agency_id}")
async def update_agency(
    _caller: AgencyManager,
    session: Session,
    agency_id: UUID,
    expected_version: ExpectedVersion,
    payload: AgencyUpdate,
) -> Agency:
    """Change an organisation; a deactivated one's systems are refused from the next request on."""
    return await agencies.update_agency(session, agency_id, expected_version, payload)
