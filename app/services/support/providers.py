"""The directory of service providers, with their services, provinces and child-safeguarding checks."""

from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import Integer, Text, bindparam, func, literal, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.caller import Caller
from app.access.reader import ReadQuery, RecordReader, session_reader
from app.errors import Fault, InvalidInput
from app.kit.dates import add_months, check_not_in_future
from app.kit.list_query import RELEVANCE, ListQuery, is_one_of, overlaps
from app.kit.records import apply_patch, get_version_for_update
from app.kit.reference_names import agency_name, place_refs, to_ref
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
SCHEMA_COLUMN_FIELDS = [name for name in ProviderSchema.model_fields if name in Provider.model_fields]
PROVIDER_COLUMNS = select(
    *(getattr(Provider, name) for name in SCHEMA_COLUMN_FIELDS),
    agency_name(col(Provider.agency_id)).label("agency_name"),
    place_refs(col(Provider.province_codes)).label("provinces"),
    col(Provider.details),
)
PROVIDER_QUERY = ReadQuery(PROVIDER_COLUMNS.where(col(Provider.id) == bindparam("provider_id")))
NAME_PART_POSITION = func.strpos(
    func.lower(col(Provider.name)), func.lower(bindparam("name_part", type_=Text)), type_=Integer
)
PROVIDERS = ListQuery(
    "providers",
    Provider,
    PROVIDER_COLUMNS,
    filters={
        "q": literal(0) < NAME_PART_POSITION,
        "kind": is_one_of(col(Provider.kind), "kind"),
        "is_active": col(Provider.is_active) == bindparam("is_active"),
        "service": overlaps(col(Provider.services), "service"),
        "province_code": or_(
            func.cardinality(col(Provider.province_codes)) == 0,
            overlaps(col(Provider.province_codes), "province_code"),
        ),
    },
    sorts={
        "created_at": col(Provider.created_at),
        "name": col(Provider.name),
        RELEVANCE: NAME_PART_POSITION,
    },
)
"""The directory has at most a few hundred rows, so no index is needed."""


async def create_provider(session: AsyncSession, payload: ProviderCreate) -> ProviderSchema:
    """Add a provider to the directory.

    Raises:
        InvalidInput: a phone number is not valid, a province code is unknown, or the check is dated in the future.
        AlreadyExists: the id is taken.
    """
    provider = Provider(id=payload.id or new_id(), name=payload.name, kind=payload.kind)
    await _store_settings(session, provider, payload)
    session.add(provider)
    await session.flush()  # the query of the response bypasses the session
    return await get_provider(session_reader(session), provider.id)


async def list_providers(reader: RecordReader, caller: Caller, filters: ProviderFilters) -> ProviderList:
    """List the providers that match the filters."""
    name_part = names.normalize_text(filters.q or "")
    page = await PROVIDERS.fetch_page(reader, caller, filters, name_part=name_part)
    return ProviderList.from_trusted_items([*map(_row_to_fields, page.rows)], **page.fields)


async def get_provider(reader: RecordReader, provider_id: UUID) -> ProviderSchema:
    """Return one provider.

    Raises:
        NotFound: the provider does not exist.
    """
    row = await reader.fetch_required(PROVIDER_QUERY, provider_id=provider_id)
    return ProviderSchema(**_row_to_fields(row))


async def update_provider(
    session: AsyncSession, provider_id: UUID, expected_version: int, patch: ProviderUpdate
) -> ProviderSchema:
    """Update a provider. Service referrals cannot be sent to an inactive provider.

    Raises:
        InvalidInput: the result of the patch is not valid.
        StaleVersion: the provider was changed since the caller read it.
    """
    provider = await get_version_for_update(session, Provider, provider_id, expected_version)
    document = {**provider.model_dump(mode="json", include=COLUMN_FIELDS), **provider.details}
    await _store_settings(session, provider, apply_patch(ProviderSettings, document, patch))
    await session.flush()  # the query of the response bypasses the session
    return await get_provider(session_reader(session), provider.id)


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


def _row_to_fields(row: Any) -> dict[str, Any]:
    return {
        **dict(zip(SCHEMA_COLUMN_FIELDS, row, strict=False)),
        **{name: row.details.get(name) for name in DETAIL_FIELDS},
        "agency": to_ref(row.agency_id, row.agency_name),
        "provinces": row.provinces or [],
    }
