"""The directory of service providers, with their services, provinces and child-safeguarding checks."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import Integer, Text, and_, bindparam, func, literal, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.caller import Caller
from app.access.reader import ReadQuery, RecordReader, open_response_reader
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
from app.schemas.warnings import build_warning, to_warnings
from app.services.persons import phone_numbers, places
from app.text_folding import fold_text, normalize_text

DETAIL_FIELDS = frozenset({"contacts", "places", "note"})
"""Fields that are stored as one JSON document, because no query filters by them."""
CHECK_VALIDITY_MONTHS = 24
"""Validity of a child-safeguarding check without its own end date."""
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
NAME_PART_POSITION = func.strpos(col(Provider.name_key), bindparam("name_part", type_=Text), type_=Integer)
PROVIDERS = ListQuery(
    "providers",
    Provider,
    PROVIDER_COLUMNS,
    filters={
        # A text without visible characters would match every name. With this condition it matches none.
        "q": and_(bindparam("name_part", type_=Text) != "", literal(0) < NAME_PART_POSITION),
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
        InvalidInput: a province code is unknown, or the check is dated in the future.
        AlreadyExists: the id is taken.
    """
    provider = Provider(id=payload.id or new_id(), name=payload.name, kind=payload.kind)
    await _store_settings(session, provider, payload)
    session.add(provider)
    return await get_provider(await open_response_reader(session), provider.id)


async def list_providers(reader: RecordReader, caller: Caller, filters: ProviderFilters) -> ProviderList:
    """List the providers that match the filters."""
    name_part = fold_text(filters.q or "")
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
    return await get_provider(await open_response_reader(session), provider.id)


async def _store_settings(session: AsyncSession, provider: Provider, payload: ProviderSettings) -> None:
    """Validate the settings of a provider and set its columns.

    Raises:
        InvalidInput: with one fault for each invalid field.
    """
    name = normalize_text(payload.name)
    if faults := await _check_settings(session, payload, name):
        raise InvalidInput(faults)
    for field in COLUMN_FIELDS:
        setattr(provider, field, getattr(payload, field))
    settings = payload.model_copy(update={"contacts": [*map(_normalize_contact, payload.contacts)]})
    provider.name, provider.details = name, settings.model_dump(mode="json", include=set(DETAIL_FIELDS))


def _normalize_contact(contact: ProviderContact) -> ProviderContact:
    """Return the contact with its phone in E.164, or as it was typed if it is not certainly valid."""
    e164 = contact.phone and phone_numbers.find_e164(contact.phone)
    return contact.model_copy(update={"phone": e164 or contact.phone, "phone_e164": e164})


def _check_contacts(contacts: Iterable[Mapping[str, Any]]) -> Iterator[Fault]:
    """Yield a warning for each phone that is not certainly valid."""
    for index, contact in enumerate(contacts):
        if contact["phone"] and contact["phone_e164"] is None:
            yield build_warning(f"/contacts/{index}/phone", "phone_invalid")


async def _check_settings(session: AsyncSession, payload: ProviderSettings, name: str) -> list[Fault]:
    known_codes = await places.get_place_codes(session)
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
        "warnings": to_warnings(_check_contacts(row.details["contacts"])),
    }
