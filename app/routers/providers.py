"""The directory of providers."""

from typing import Annotated
from uuid import UUID

from fastapi import Query

from app.http.permissions import ProviderManager, ProviderReader
from app.http.route import Router
from app.http.session import ExpectedVersion, Session
from app.schemas.providers import Provider, ProviderCreate, ProviderFilters, ProviderUpdate
from app.schemas.wire import Page
from app.services.support import providers

router = Router(prefix="/providers", tags=["providers"])


@router.post("", status_code=201)
async def create_provider(
    _caller: ProviderManager,
    session: Session,
    payload: ProviderCreate,
) -> Provider:
    """Add a provider to the directory."""
    return await providers.create_provider(session, payload)


@router.get("")
async def list_providers(
    _caller: ProviderReader,
    session: Session,
    filters: Annotated[ProviderFilters, Query()],
) -> Page[Provider]:
    """List the providers, newest first."""
    return await providers.list_providers(session, filters)


@router.get("/{provider_id}")
async def get_provider(
    _caller: ProviderReader,
    session: Session,
    provider_id: UUID,
) -> Provider:
    """Read one provider."""
    return await providers.get_provider(session, provider_id)


@router.patch("/{provider_id}")
async def update_provider(
    _caller: ProviderManager,
    session: Session,
    provider_id: UUID,
    expected_version: ExpectedVersion,
    payload: ProviderUpdate,
) -> Provider:
    """Change a provider: services, contacts, the child-safeguarding check."""
    return await providers.update_provider(session, provider_id, expected_version, payload)
