"""The directory of providers: who serves children and families, where, and whether they were checked."""

from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, any_, func, literal, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.errors import Fault, InvalidInput
from app.kit.dates import add_months, ahead
from app.kit.pagination import Paging
from app.kit.records import find, find_for_change, patched
from app.models import Provider
from app.models.record import new_id
from app.schemas.providers import ProviderFilters, ProviderIn, ProviderOut, ProviderPatch, ProviderSettings
from app.schemas.wire import Page
from app.services.persons import name_matching as names
from app.services.persons import phones, places

IN_DETAILS = frozenset({"contacts", "places", "note"})
"""What is on the provider's own letterhead: no query asks for it."""
CHECK_LASTS = 24
"""Months for which a child-safeguarding check is valid, unless the check itself says otherwise."""
PLAIN = frozenset(ProviderSettings.model_fields) - IN_DETAILS


async def register(session: AsyncSession, told: ProviderIn) -> ProviderOut:
    """Add a provider to the directory.

    Raises:
        InvalidInput: a phone that cannot be one, an unknown province, a check in the future.
        AlreadyExists: the id is taken.
    """
    provider = Provider(id=told.id or new_id(), name=told.name, kind=told.kind)
    await _write(session, provider, told)
    session.add(provider)
    await session.flush()  # a conflict must surface before the answer leaves
    return _shown(provider)


async def listed(session: AsyncSession, filters: ProviderFilters) -> Page[ProviderOut]:
    """List the directory, newest first."""
    wanted = filters.model_dump(exclude={"limit", "cursor"}, exclude_none=True)
    paging = Paging("providers", filters.limit, filters.cursor, wanted)
    rows, cursor = await paging.records(
        session,
        select(Provider).where(*_conditions(filters)),
        col(Provider.created_at),
        col(Provider.id),
    )
    return Page(items=[_shown(provider) for provider in rows], next_cursor=cursor)


def _conditions(filters: ProviderFilters) -> list[ColumnElement[bool]]:
    plain = filters.model_dump(include={"kind", "is_active"}, exclude_none=True)
    found = [col(getattr(Provider, name)) == value for name, value in plain.items()]
    if filters.q is not None:
        found.append(col(Provider.name).icontains(names.tidy(filters.q), autoescape=True))
    if filters.service is not None:
        found.append(literal(filters.service) == any_(col(Provider.services)))
    if filters.province_code is not None:
        everywhere = func.cardinality(col(Provider.province_codes)) == 0
        found.append(or_(everywhere, literal(filters.province_code) == any_(col(Provider.province_codes))))
    return found


async def read(session: AsyncSession, provider_id: UUID) -> ProviderOut:
    """Read one provider."""
    return _shown(await find(session, Provider, provider_id))


async def change(session: AsyncSession, provider_id: UUID, seen: int, patch: ProviderPatch) -> ProviderOut:
    """Change what is known of a provider; one that is no longer active gets no more service referrals."""
    provider = await find_for_change(session, Provider, provider_id, seen)
    wanted = patched(ProviderSettings, _shown(provider).model_dump(mode="json", include=_WRITTEN), patch)
    await _write(session, provider, wanted)
    await session.flush()  # a reference to nothing must surface before the answer leaves
    return _shown(provider)


_WRITTEN = set(ProviderSettings.model_fields)


async def _write(session: AsyncSession, provider: Provider, told: ProviderSettings) -> None:
    document = told.model_dump(mode="json", include=set(IN_DETAILS))
    name = names.tidy(told.name)
    faults = [*_put_in_order(document["contacts"]), *await _faults(session, told, name)]
    if faults:
        raise InvalidInput(faults)
    for field in PLAIN:
        setattr(provider, field, getattr(told, field))
    provider.name, provider.details = name, document


def _put_in_order(contacts: list[dict[str, Any]]) -> list[Fault]:
    """Write every phone in E.164; return what cannot be one."""
    faults = []
    for place, contact in enumerate(contacts):
        try:
            contact["phone"] = contact["phone"] and phones.normalise(contact["phone"])
        except ValueError:
            faults.append(
                Fault(f"/contacts/{place}/phone", "phone_invalid", "This cannot be a phone number.")
            )
    return faults


async def _faults(session: AsyncSession, told: ProviderSettings, name: str) -> list[Fault]:
    known = await places.provinces_and_districts(session)
    faults = [
        Fault(f"/province_codes/{place}", "place_unknown", "No province has this code.")
        for place, code in enumerate(told.province_codes)
        if code not in known
    ]
    if not name:
        faults.append(Fault("/name", "blank", "Must not be blank."))
    return [*faults, *ahead({"/safeguarding_checked_on": told.safeguarding_checked_on})]


def checked_until(provider: Provider) -> date | None:
    """Return the last day on which the provider's child-safeguarding check is valid; null if there is none."""
    if provider.safeguarding_checked_on is None:
        return None
    return provider.safeguarding_valid_until or add_months(provider.safeguarding_checked_on, CHECK_LASTS)


def _shown(provider: Provider) -> ProviderOut:
    plain: dict[str, Any] = provider.model_dump(include=set(ProviderOut.model_fields))
    return ProviderOut(**plain, **{name: provider.details.get(name) for name in IN_DETAILS})
