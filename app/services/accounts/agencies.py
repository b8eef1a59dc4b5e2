"""Agencies: First Step itself, partners, providers, authorities, donors."""

from uuid import UUID

from sqlalchemy import any_, exists, literal, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.errors import Fault
from app.kit.pagination import Paginator
from app.kit.records import apply_patch, get_record, get_version_for_update
from app.kit.state_machine import raise_if_unmet
from app.models import Agency, ApiClient
from app.models.record import new_id
from app.schemas.administration import Agency as AgencySchema
from app.schemas.administration import AgencyCreate, AgencyFilters, AgencySettings
from app.schemas.wire import Input, Page

REFERRING_AGENCY_KINDS = frozenset({"fsc", "partner"})
"""Kinds of agency whose systems may send referrals."""


async def create_agency(session: AsyncSession, registering: AgencyCreate) -> AgencySchema:
    """Add an agency.

    Raises:
        AlreadyExists: the name or the id is taken.
    """
    agency = Agency(id=registering.id or new_id(), name=registering.name, kind=registering.kind)
    session.add(agency)
    await session.flush()  # a conflict must surface before the answer leaves
    return _to_schema(agency)


async def list_agencies(session: AsyncSession, filters: AgencyFilters) -> Page[AgencySchema]:
    """List the agencies, newest first."""
    wanted = filters.model_dump(exclude={"limit", "cursor"}, exclude_none=True)
    paging = Paginator("agencies", filters.limit, filters.cursor, wanted)
    rows, cursor = await paging.fetch_records(
        session, select(Agency).filter_by(**wanted), col(Agency.created_at), col(Agency.id)
    )
    return Page(items=[_to_schema(row) for row in rows], next_cursor=cursor)


async def get_agency(session: AsyncSession, agency_id: UUID) -> AgencySchema:
    """Read one agency."""
    return _to_schema(await get_record(session, Agency, agency_id))


async def update_agency(
    session: AsyncSession, agency_id: UUID, expected_version: int, patch: Input
) -> AgencySchema:
    """Change an agency; where it is deactivated, its systems' tokens are refused from the next request on.

    Raises:
        AlreadyExists: another agency has the name.
        GateRefused: its systems send referrals, and agencies of the new kind send none.
    """
    agency = await get_version_for_update(session, Agency, agency_id, expected_version)
    present = {"name": agency.name, "kind": agency.kind, "is_active": agency.is_active}
    wanted = apply_patch(AgencySettings, present, patch)
    if wanted.kind not in REFERRING_AGENCY_KINDS and await _has_referral_client(session, agency):
        raise_if_unmet(
            [Fault("/kind", "sends_referrals", "First take the scope referrals from its API clients.")]
        )
    agency.name, agency.kind, agency.is_active = wanted.name, wanted.kind, wanted.is_active
    await session.flush()  # a conflict must surface before the answer leaves
    return _to_schema(agency)


async def _has_referral_client(session: AsyncSession, agency: Agency) -> bool:
    clients = exists().where(
        col(ApiClient.agency_id) == agency.id, literal("referrals") == any_(col(ApiClient.scopes))
    )
    return bool(await session.scalar(select(clients)))


def _to_schema(agency: Agency) -> AgencySchema:
    return AgencySchema(
        id=agency.id,
        version=agency.version,
        name=agency.name,
        kind=agency.kind,
        is_active=agency.is_active,
        created_at=agency.created_at,
    )
