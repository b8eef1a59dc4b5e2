"""Endpoints of the grants of donors."""

from typing import Annotated
from uuid import UUID

from fastapi import Query

from app.http.permissions import DonorGrantManager, DonorGrantReader
from app.http.route import Router
from app.http.session import ExpectedVersion, Reader, Session
from app.schemas.donor_grants import (
    DonorGrant,
    DonorGrantCreate,
    DonorGrantFilters,
    DonorGrantList,
    DonorGrantUpdate,
)
from app.services import donor_grants

router = Router(prefix="/donor-grants", tags=["funds"])


@router.post("", status_code=201)
async def create_donor_grant(
    _caller: DonorGrantManager, session: Session, payload: DonorGrantCreate
) -> DonorGrant:
    """Add a grant of a donor.

    Cases and funds can then be attributed to its code.
    """
    return await donor_grants.create_donor_grant(session, payload)


@router.get("")
async def list_donor_grants(
    caller: DonorGrantReader, reader: Reader, filters: Annotated[DonorGrantFilters, Query()]
) -> DonorGrantList:
    """List the grants of donors, newest first by default.

    Inactive grants are included, because cases and funds stay attributed to them.
    """
    return await donor_grants.list_donor_grants(reader, caller, filters)


@router.get("/{grant_id}")
async def get_donor_grant(_caller: DonorGrantReader, reader: Reader, grant_id: UUID) -> DonorGrant:
    """Get a grant of a donor.

    The response does not contain the cases and funds that are attributed to it.
    """
    return await donor_grants.get_donor_grant(reader, grant_id)


@router.patch("/{grant_id}")
async def update_donor_grant(
    _caller: DonorGrantManager,
    session: Session,
    grant_id: UUID,
    expected_version: ExpectedVersion,
    payload: DonorGrantUpdate,
) -> DonorGrant:
    """Update a grant of a donor.

    Renames, activates or deactivates the grant. The code cannot be changed, because cases and funds contain it.
    """
    return await donor_grants.update_donor_grant(session, grant_id, expected_version, payload)
