"""Endpoints of agencies."""

from typing import Annotated
from uuid import UUID

from fastapi import Query

from app.http.permissions import AgencyManager, AgencyReader
from app.http.route import Router
from app.http.session import ExpectedVersion, Reader, Session
from app.schemas.administration import Agency, AgencyCreate, AgencyFilters, AgencyList, AgencyUpdate
from app.services.accounts import agencies

router = Router(prefix="/agencies", tags=["administration"])


@router.post("", status_code=201)
async def create_agency(_caller: AgencyManager, session: Session, payload: AgencyCreate) -> Agency:
    """Create an agency.

    The kind of the agency decides whether its API clients can send referrals.
    """
    return await agencies.create_agency(session, payload)


@router.get("")
async def list_agencies(
    caller: AgencyReader, reader: Reader, filters: Annotated[AgencyFilters, Query()]
) -> AgencyList:
    """List agencies, newest first.

    The list includes inactive agencies unless `is_active` is `true`.
    """
    return await agencies.list_agencies(reader, caller, filters)


@router.get("/{agency_id}")
async def get_agency(_caller: AgencyReader, reader: Reader, agency_id: UUID) -> Agency:
    """Get an agency.

    The response does not contain the API clients of the agency; `GET /v1/api-clients?agency_id=` lists them.
    """
    return await agencies.get_agency(reader, agency_id)


@router.patch("/{agency_id}")
async def update_agency(
    _caller: AgencyManager,
    session: Session,
    agency_id: UUID,
    expected_version: ExpectedVersion,
    payload: AgencyUpdate,
) -> Agency:
    """Update an agency.

    If the agency is deactivated, every following request of its API clients is rejected. If an API client has the scope
    `referrals`, the kind must stay `fsc` or `partner`. An inactive agency cannot be activated while such a client is active:
    deactivate the client first. A second person confirms its activation.
    """
    return await agencies.update_agency(session, agency_id, expected_version, payload)
