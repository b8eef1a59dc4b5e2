"""The directory of providers: who serves children and families, where, and whether they were checked."""

from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, any_, func, literal, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.errors import Fault, InvalidInput
from app.kit.dates import add_months, check_not_in_future
from app.kit.pagination import Paginator
from app.kit.records import apply_patch, get_record, get_version_for_update
from app.models import Provider
from app.models.record import new_id
from app.schemas.providers import Provider as ProviderSchema
from app.schemas.providers import ProviderCreate, ProviderFilters, ProviderSettings, ProviderUpdate
from app.schemas.wire import Page
from app.services.persons import name_matching as names
from app.services.persons import phones, places

DETAIL_FIELDS = frozenset({"contacts", "places", "note"})
"""What is on the provider's own letterhead: no query asks for it."""
CHECK_VALIDITY_MONTHS = 24
"""Months for which a child-safeguarding check is valid, unless the check itself says otherwise."""
COLUMN_FIELDS = frozenset(ProviderSettings.model_fields) - DETAIL_FIELDS


async def create_provider(session: AsyncSession, payload: ProviderCreate) -> ProviderSchema:
    """Add a provider to the directory.

    Raises:
        InvalidInput: a phone that cannot be one, an unknown province, a check in the future.
        AlreadyExists: the id is taken.
    """
    provider = Provider(id=payload.id or new_id(), name=payload.name, kind=payload.kind)
    await _store_settings(session, provider, payload)
    session.add(provider)
    await session.flush()  # a conflict must surface before the answer leaves
    return _to_schema(provider)


async def list_providers(session: AsyncSession, filters: ProviderFilters) -> Page[ProviderSchema]:
    """List the directory, newest first."""
    wanted = filters.model_dump(exclude={"limit", "cursor"}, exclude_none=True)
    paging = Paginator("providers", filters.limit, filters.cursor, wanted)
    rows, cursor = await paging.fetch_records(
        session,
        select(Provider).where(*_filter_conditions(filters)),
        col(Provider.created_at),
        col(Provider.id),
    )
    return Page(items=[_to_schema(provider) for provider in rows], next_cursor=cursor)


def _filter_conditions(filters: ProviderFilters) -> list[ColumnElement[bool]]:
    plain = filters.model_dump(include={"kind", "is_active"}, exclude_none=True)
    found = [col(getattr(Provider, name)) == value for name, value in plain.items()]
    if filters.q is not None:
        found.append(col(Provider.name).icontains(names.normalize_text(filters.q), autoescape=True))
    if filters.service is not None:
        found.append(literal(filters.service) == any_(col(Provider.services)))
    if filters.province_code is not None:
        everywhere = func.cardinality(col(Provider.province_codes)) == 0
        found.append(or_(everywhere, literal(filters.province_code) == any_(col(Provider.province_codes))))
    return found


async def get_provider(session: AsyncSession, provider_id: UUID) -> ProviderSchema:
    """Read one provider."""
    return _to_schema(await get_record(session, Provider, provider_id))


async def update_provider(
    session: AsyncSession, provider_id: UUID, expected_version: int, patch: ProviderUpdate
) -> ProviderSchema:
    """Change what is known of a provider; one that is no longer active gets no more service referrals."""
    provider = await get_version_for_update(session, Provider, provider_id, expected_version)
    wanted = apply_patch(
        ProviderSettings, _to_schema(provider).model_dump(mode="json", include=_SETTINGS_FIELDS), patch
    )
    await _store_settings(session, provider, wanted)
    await session.flush()  # a reference to nothing must surface before the answer leaves
    return _to_schema(provider)


_SETTINGS_FIELDS = set(ProviderSettings.model_fields)


async def _store_settings(session: AsyncSession, provider: Provider, payload: ProviderSettings) -> None:
    document = payload.model_dump(mode="json", include=set(DETAIL_FIELDS))
    name = names.normalize_text(payload.name)
    faults = [
        *_normalize_contact_phones(document["contacts"]),
        *await _check_settings(session, payload, name),
    ]
    if faults:
        raise InvalidInput(faults)
    for field in COLUMN_FIELDS:
        setattr(provider, field, getattr(payload, field))
    provider.name, provider.details = name, document


def _normalize_contact_phones(contacts: list[dict[str, Any]]) -> list[Fault]:
    """Write every phone in E.164; return what cannot be one."""
    faults = []
    for place, contact in enumerate(contacts):
        try:
            contact["phone"] = contact["phone"] and phones.normalize_phone(contact["phone"])
        except ValueError:
            faults.append(
                Fault(f"/contacts/{place}/phone", "phone_invalid", "This cannot be a phone number.")
            )
    return faults


async def _check_settings(session: AsyncSession, payload: ProviderSettings, name: str) -> list[Fault]:
    known = await places.get_province_and_district_codes(session)
    faults = [
        Fault(f"/province_codes/{place}", "place_unknown", "No province has this code.")
        for place, code in enumerate(payload.province_codes)
        if code not in known
    ]
    if not name:
        faults.append(Fault("/name", "blank", "Must not be blank."))
    return [*faults, *check_not_in_future({"/safeguarding_checked_on": payload.safeguarding_checked_on})]


def get_safeguarding_expiry(provider: Provider) -> date | None:
    """Return the last day on which the provider's child-safeguarding check is valid; null if there is none."""
    if provider.safeguarding_checked_on is None:
        return None
    return provider.safeguarding_valid_until or add_months(
        provider.safeguarding_checked_on, CHECK_VALIDITY_MONTHS
    )


def _to_schema(provider: Provider) -> ProviderSchema:
    plain: dict[str, Any] = provider.model_dump(include=set(ProviderSchema.model_fields))
    return ProviderSchema(**plain, **{name: provider.details.get(name) for name in DETAIL_FIELDS})
