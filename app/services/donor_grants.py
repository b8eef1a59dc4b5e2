"""Grants of donors: a list of codes with names, to which cases and funds are attributed."""

from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.caller import Caller
from app.access.reader import RecordReader
from app.kit.list_query import ListQuery
from app.kit.records import apply_patch, get_version_for_update
from app.kit.resources import Resource
from app.models import DonorGrant
from app.models.record import new_id
from app.schemas.donor_grants import DonorGrant as DonorGrantSchema
from app.schemas.donor_grants import (
    DonorGrantCreate,
    DonorGrantFilters,
    DonorGrantList,
    DonorGrantSettings,
    DonorGrantUpdate,
)
from app.text_folding import normalize_text

COLUMN_FIELDS = [name for name in DonorGrantSchema.model_fields if name in DonorGrant.model_fields]


def _row_to_fields(row: Any) -> dict[str, Any]:
    return dict(zip(COLUMN_FIELDS, row, strict=False))


DONOR_GRANTS = Resource(
    ListQuery(
        "donor_grants",
        DonorGrant,
        select(*(getattr(DonorGrant, name) for name in COLUMN_FIELDS)),
        filters={"is_active": col(DonorGrant.is_active) == bindparam("is_active")},
        sorts={"created_at": col(DonorGrant.created_at), "code": col(DonorGrant.code)},
    ),
    DonorGrantSchema,
    DonorGrantList,
    _row_to_fields,
)
"""The list has at most a few hundred rows, so no index is needed."""


async def create_donor_grant(session: AsyncSession, payload: DonorGrantCreate) -> DonorGrantSchema:
    """Add a grant.

    Raises:
        AlreadyExists: the code or the id is taken.
    """
    grant = DonorGrant(id=payload.id or new_id(), code=payload.code, name="", donor="")
    _store_settings(grant, payload)
    return await DONOR_GRANTS.save(session, grant)


async def list_donor_grants(
    reader: RecordReader, caller: Caller, filters: DonorGrantFilters
) -> DonorGrantList:
    """Return one page of the grants, newest first unless `sort` is given."""
    return await DONOR_GRANTS.list_page(reader, caller, filters)


async def get_donor_grant(reader: RecordReader, grant_id: UUID) -> DonorGrantSchema:
    """Return one grant.

    Raises:
        NotFound: the grant does not exist.
    """
    return await DONOR_GRANTS.get(reader, grant_id)


async def update_donor_grant(
    session: AsyncSession, grant_id: UUID, expected_version: int, patch: DonorGrantUpdate
) -> DonorGrantSchema:
    """Rename a grant, or activate or deactivate it. Cases and funds stay attributed to it.

    Raises:
        StaleVersion: the grant was changed since the caller read it.
    """
    grant = await get_version_for_update(session, DonorGrant, grant_id, expected_version)
    document = grant.model_dump(include=set(DonorGrantSettings.model_fields))
    _store_settings(grant, apply_patch(DonorGrantSettings, document, patch))
    return await DONOR_GRANTS.save(session, grant)


def _store_settings(grant: DonorGrant, settings: DonorGrantSettings) -> None:
    grant.name, grant.donor = normalize_text(settings.name), normalize_text(settings.donor)
    grant.is_active = settings.is_active
