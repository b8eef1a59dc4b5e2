"""The directory of providers."""

from typing import Annotated
from uuid import UUID

from fastapi import Query

from app.http.permissions import ProviderManager, ProviderReader
from app.http.route import Router
from app.http.session import ExpectedVersion, Session
from app.schemas.providers import ProviderFilters, ProviderIn, ProviderOut, ProviderPatch
from app.schemas.wire import Page
from app.services.support import providers

router = Router(prefix="/providers", tags=["providers"])


@router.post("", status_code=201)
async def register(
    _caller: ProviderManager,
    session: Session,
    payload: ProviderIn,
) -> ProviderOut:
    """Add a provider to the directory."""
    return await providers.create_provider(session, payload)


@router.get("")
async def listed(
    _caller: ProviderReader,
    session: Session,
    filters: Annotated[ProviderFilters, Query()],
) -> Page[ProviderOut]:
    """List the providers, newest first."""
    return await providers.list_providers(session, filters)


@router.get("/{provider_id}")
async def read(
    _caller: ProviderReader,
    session: Session,
    provider_id: UUID,
) -> ProviderOut:
    """Read one provider."""
    return await providers.get_provider(session, provider_id)


@router.patch("/{provider_id}")
async def change(
    _caller: ProviderManager,
    session: Session,
    provider_id: UUID,
    expected_version: ExpectedVersion,
    payload: ProviderPatch,
) -> ProviderOut:
    """Change a provider: services, contacts, the child-safeguarding check."""
    return await providers.update_provider(session, provider_id, expected_version, payload)
