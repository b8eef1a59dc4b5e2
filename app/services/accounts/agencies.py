"""Agencies: First Step itself, partners, providers, authorities and donors."""

from collections.abc import Collection
from typing import Any
from uuid import UUID

from sqlalchemy import any_, bindparam, exists, literal, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.caller import Caller
from app.access.reader import RecordReader
from app.errors import Fault
from app.kit.list_query import ListQuery
from app.kit.records import apply_patch, get_version_for_update
from app.kit.resources import Resource
from app.kit.state_machine import raise_if_unmet
from app.models import Agency, ApiClient
from app.models.record import new_id
from app.schemas.administration import Agency as AgencySchema
from app.schemas.administration import AgencyCreate, AgencyFilters, AgencyList, AgencySettings
from app.schemas.wire import Input
from app.text_folding import normalize_text

REFERRING_AGENCY_KINDS = frozenset({"fsc", "partner"})
"""Kinds of agency whose API clients can have the scope `referrals`, which permits sending referrals."""


COLUMN_FIELDS = [name for name in AgencySchema.model_fields if name in Agency.model_fields]


def _row_to_fields(row: Any) -> dict[str, Any]:
    return dict(zip(COLUMN_FIELDS, row, strict=False))


AGENCIES = Resource(
    ListQuery(
        "agencies",
        Agency,
        select(*(getattr(Agency, name) for name in COLUMN_FIELDS)),
        filters={
            "kind": col(Agency.kind) == bindparam("kind"),
            "is_active": col(Agency.is_active) == bindparam("is_active"),
        },
        sorts={"created_at": col(Agency.created_at)},
    ),
    AgencySchema,
    AgencyList,
    _row_to_fields,
)


async def create_agency(session: AsyncSession, payload: AgencyCreate) -> AgencySchema:
    """Create an agency.

    Raises:
        AlreadyExists: the name or the id is taken.
    """
    agency = Agency(id=payload.id or new_id(), name=normalize_text(payload.name), kind=payload.kind)
    return await AGENCIES.save(session, agency)


async def list_agencies(reader: RecordReader, caller: Caller, filters: AgencyFilters) -> AgencyList:
    """Return one page of the agencies, newest first."""
    return await AGENCIES.list_page(reader, caller, filters)


async def get_agency(reader: RecordReader, agency_id: UUID) -> AgencySchema:
    """Return one agency."""
    return await AGENCIES.get(reader, agency_id)


async def update_agency(
    session: AsyncSession, agency_id: UUID, expected_version: int, patch: Input
) -> AgencySchema:
    """Update an agency. Requests of the API clients of an inactive agency are rejected.

    Raises:
        AlreadyExists: another agency has the name.
        GateRefused: an API client has the scope `referrals`, which the new kind does not allow, or the agency becomes
            active while it has an active client with this scope.
    """
    agency = await get_version_for_update(session, Agency, agency_id, expected_version)
    document = {"name": agency.name, "kind": agency.kind, "is_active": agency.is_active}
    settings = apply_patch(AgencySettings, document, patch)
    raise_if_unmet(await _check_referral_clients(session, agency, settings))
    agency.name, agency.kind, agency.is_active = (
        normalize_text(settings.name),
        settings.kind,
        settings.is_active,
    )
    return await AGENCIES.save(session, agency)


async def check_referring_agency(
    session: AsyncSession, agency_id: UUID, scopes: Collection[str]
) -> list[Fault]:
    """Return a fault if the API clients of the agency cannot have one of the scopes, or if the agency does not exist."""
    agency = await session.get(Agency, agency_id)
    if agency is None:
        return [Fault("/agency_id", "unknown", "The agency does not exist.")]
    if "referrals" in scopes and agency.kind not in REFERRING_AGENCY_KINDS:
        detail = "The scope `referrals` requires an agency of kind `fsc` or `partner`."
        return [Fault("/scopes", "agency_kind", detail)]
    return []


async def _check_referral_clients(
    session: AsyncSession, agency: Agency, settings: AgencySettings
) -> list[Fault]:
    """Return the faults of a change of the agency that concerns its API clients with the scope `referrals`."""
    client = exists().where(
        col(ApiClient.agency_id) == agency.id, literal("referrals") == any_(col(ApiClient.scopes))
    )
    faults = []
    if settings.kind not in REFERRING_AGENCY_KINDS and await session.scalar(select(client)):
        detail = "Remove the scope `referrals` from the agency's API clients first."
        faults.append(Fault("/kind", "sends_referrals", detail))
    is_reactivated = settings.is_active and not agency.is_active
    if is_reactivated and await session.scalar(select(client.where(col(ApiClient.is_active)))):
        detail = "Deactivate the agency's API clients with the scope `referrals` first. A second person confirms their activation."
        faults.append(Fault("/is_active", "sends_referrals", detail))
    return faults
