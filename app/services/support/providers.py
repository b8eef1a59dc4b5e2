"""The directory of service providers, with their services, provinces and child-safeguarding checks."""

from collections.abc import Sequence
from datetime import date
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
from app.schemas.providers import (
    ProviderContact,
    ProviderCreate,
    ProviderFilters,
    ProviderList,
    ProviderSettings,
    ProviderUpdate,
)
from app.services.persons import name_matching as names
from app.services.persons import phone_numbers, places

DETAIL_FIELDS = frozenset({"contacts", "places", "note"})
"""Fields that are stored as one JSON document, because no query filters by them."""
CHECK_VALIDITY_MONTHS = 24
"""Validity of a child-safeguarding check without an end date of its own."""
SETTINGS_FIELDS = set(ProviderSettings.model_fields)
COLUMN_FIELDS = SETTINGS_FIELDS - DETAIL_FIELDS
SCHEMA_COLUMN_FIELDS = set(ProviderSchema.model_fields) & set(Provider.model_fields)


async def create_provider(session: AsyncSession, payload: ProviderCreate) -> ProviderSchema:
    """Add a provider to the directory.

    Raises:
        InvalidInput: a phone number is not valid, a province code is unknown, or the check is dated in the future.
        AlreadyExists: the id is taken.
    """
    provider = Provider(id=payload.id or new_id(), name=payload.name, kind=payload.kind)
    await _store_settings(session, provider, payload)
    session.add(provider)
    await session.flush()  # report a database error before the response is built
    return _to_schema(provider)


async def list_providers(session: AsyncSession, filters: ProviderFilters) -> ProviderList:
    """List the providers that match the filters, newest first."""
    applied_filters = filters.model_dump(exclude={"limit", "cursor"}, exclude_none=True)
    paginator = Paginator("providers", filters.limit, filters.cursor, applied_filters)
    providers, cursor = await paginator.fetch_records(
        session,
        select(Provider).where(*_filter_conditions(filters)),
        col(Provider.created_at),
        col(Provider.id),
    )
    return ProviderList(items=[_to_schema(provider) for provider in providers], next_cursor=cursor)


def _filter_conditions(filters: ProviderFilters) -> list[ColumnElement[bool]]:
    equal_filters = filters.model_dump(include={"kind", "is_active"}, exclude_none=True)
    conditions = [col(getattr(Provider, name)) == value for name, value in equal_filters.items()]
    if filters.q is not None:
        conditions.append(col(Provider.name).icontains(names.normalize_text(filters.q), autoescape=True))
    if filters.service is not None:
        conditions.append(literal(filters.service) == any_(col(Provider.services)))
    if filters.province_code is not None:
        serves_all_provinces = func.cardinality(col(Provider.province_codes)) == 0
        conditions.append(
            or_(serves_all_provinces, literal(filters.province_code) == any_(col(Provider.province_codes)))
        )
    return conditions


async def get_provider(session: AsyncSession, provider_id: UUID) -> ProviderSchema:
    """Return one provider.

    Raises:
        NotFound: the provider does not exist.
    """
    return _to_schema(await get_record(session, Provider, provider_id))


async def update_provider(
    session: AsyncSession, provider_id: UUID, expected_version: int, patch: ProviderUpdate
) -> ProviderSchema:
    """Update a provider. Service referrals cannot be sent to an inactive provider.

    Raises:
        InvalidInput: the result of the patch is not valid.
        StaleVersion: the provider was changed since the caller read it.
    """
    provider = await get_version_for_update(session, Provider, provider_id, expected_version)
    document = _to_schema(provider).model_dump(mode="json", include=SETTINGS_FIELDS)
    await _store_settings(session, provider, apply_patch(ProviderSettings, document, patch))
    await session.flush()  # report a database error before the response is built
    return _to_schema(provider)


async def _store_settings(session: AsyncSession, provider: Provider, payload: ProviderSettings) -> None:
    """Validate the settings of a provider and set its columns.

    Raises:
        InvalidInput: with one fault for each invalid field.
    """
    contacts, phone_faults = _normalize_contact_phones(payload.contacts)
    name = names.normalize_text(payload.name)
    faults = [*phone_faults, *await _check_settings(session, payload, name)]
    if faults:
        raise InvalidInput(faults)
    for field in COLUMN_FIELDS:
        setattr(provider, field, getattr(payload, field))
    settings = payload.model_copy(update={"contacts": contacts})
    provider.name, provider.details = name, settings.model_dump(mode="json", include=set(DETAIL_FIELDS))


def _normalize_contact_phones(
    contacts: Sequence[ProviderContact],
) -> tuple[list[ProviderContact], list[Fault]]:
    """Return the contacts with phone numbers in E.164, and one fault for each phone number that is not valid."""
    normalized, faults = [], []
    for index, contact in enumerate(contacts):
        try:
            phone = phone_numbers.normalize_phone(contact.phone) if contact.phone else None
        except ValueError:
            faults.append(Fault(f"/contacts/{index}/phone", "phone_invalid", "Must be a valid phone number."))
        else:
            normalized.append(contact.model_copy(update={"phone": phone}))
    return normalized, faults


async def _check_settings(session: AsyncSession, payload: ProviderSettings, name: str) -> list[Fault]:
    known_codes = await places.get_province_and_district_codes(session)
    faults = [
        Fault(f"/province_codes/{index}", "place_unknown", "No province has this code.")
        for index, code in enumerate(payload.province_codes)
        if code not in known_codes
    ]
    if not name:
        faults.append(Fault("/name", "blank", "Must not be blank."))
    return [*faults, *check_not_in_future({"/safeguarding_checked_on": payload.safeguarding_checked_on})]


def get_safeguarding_expiry(provider: Provider) -> date | None:
    """Return the last day on which the child-safeguarding check of a provider is valid, or None without a check."""
    if provider.safeguarding_checked_on is None:
        return None
    return provider.safeguarding_valid_until or add_months(
        provider.safeguarding_checked_on, CHECK_VALIDITY_MONTHS
    )


def _to_schema(provider: Provider) -> ProviderSchema:
    columns = provider.model_dump(include=SCHEMA_COLUMN_FIELDS)
    return ProviderSchema(**columns, **{name: provider.details.get(name) for name in DETAIL_FIELDS})
