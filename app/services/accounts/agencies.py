"""Agencies: First Step itself, partners, providers, authorities, donors."""

from uuid import UUID

from sqlalchemy import any_, exists, literal, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.errors import Fault
from app.kit.pagination import Paging
from app.kit.records import find, find_for_change, patched
from app.kit.state_machine import refuse
from app.models import Agency, ApiClient
from app.models.record import new_id
from app.schemas.administration import AgencyFilters, AgencyIn, AgencyOut, AgencySettings
from app.schemas.wire import Input, Page

REFERRING = frozenset({"fsc", "partner"})
"""Kinds of agency whose systems may send referrals."""


async def register(session: AsyncSession, registering: AgencyIn) -> AgencyOut:
    """Add an agency.

    Raises:
        AlreadyExists: the name or the id is taken.
    """
    agency = Agency(id=registering.id or new_id(), name=registering.name, kind=registering.kind)
    session.add(agency)
    await session.flush()  # a conflict must surface before the answer leaves
    return _shown(agency)


async def listed(session: AsyncSession, filters: AgencyFilters) -> Page[AgencyOut]:
    """List the agencies, newest first."""
    wanted = filters.model_dump(exclude={"limit", "cursor"}, exclude_none=True)
    paging = Paging("agencies", filters.limit, filters.cursor, wanted)
    rows, cursor = await paging.records(
        session, select(Agency).filter_by(**wanted), col(Agency.created_at), col(Agency.id)
    )
    return Page(items=[_shown(row) for row in rows], next_cursor=cursor)


async def read(session: AsyncSession, agency_id: UUID) -> AgencyOut:
    """Read one agency."""
    return _shown(await find(session, Agency, agency_id))


async def change(session: AsyncSession, agency_id: UUID, seen: int, patch: Input) -> AgencyOut:
    """Change an agency; where it is deactivated, its systems' tokens are refused from the next request on.

    Raises:
        AlreadyExists: another agency has the name.
        GateRefused: its systems send referrals, and agencies of the new kind send none.
    """
    agency = await find_for_change(session, Agency, agency_id, seen)
    present = {"name": agency.name, "kind": agency.kind, "is_active": agency.is_active}
    wanted = patched(AgencySettings, present, patch)
    if wanted.kind not in REFERRING and await _sends_referrals(session, agency):
        refuse([Fault("/kind", "sends_referrals", "First take the scope referrals from its API clients.")])
    agency.name, agency.kind, agency.is_active = wanted.name, wanted.kind, wanted.is_active
    await session.flush()  # a conflict must surface before the answer leaves
    return _shown(agency)


async def _sends_referrals(session: AsyncSession, agency: Agency) -> bool:
    clients = exists().where(
        col(ApiClient.agency_id) == agency.id, literal("referrals") == any_(col(ApiClient.scopes))
    )
    return bool(await session.scalar(select(clients)))


def _shown(agency: Agency) -> AgencyOut:
    return AgencyOut(
        id=agency.id,
        version=agency.version,
        name=agency.name,
        kind=agency.kind,
        is_active=agency.is_active,
        created_at=agency.created_at,
    )
