"""Endpoints of the directory of service providers."""

from typing import Annotated
from uuid import UUID

from fastapi import Query

from app.http.permissions import ProviderManager, ProviderReader
from app.http.route import Router
from app.http.session import ExpectedVersion, Reader, Session
from app.schemas.providers import (
    Provider,
    ProviderCreate,
    ProviderFilters,
    ProviderList,
    ProviderUpdate,
)
from app.services.support import providers

router = Router(prefix="/providers", tags=["providers"])


@router.post("", status_code=201)
async def create_provider(
    _caller: ProviderManager,
    session: Session,
    payload: ProviderCreate,
) -> Provider:
    """Add a provider to the directory.

    Phone numbers are stored in E.164 format. The directory contains no data about children.
    """
    return await providers.create_provider(session, payload)


@router.get("")
async def list_providers(
    caller: ProviderReader,
    reader: Reader,
    filters: Annotated[ProviderFilters, Query()],
) -> ProviderList:
    """List the providers, newest first by default.

    `q` searches names: names that begin with the text come first. `province_code` also selects the providers that serve all of Cambodia.
    """
    return await providers.list_providers(reader, caller, filters)


@router.get("/{provider_id}")
async def get_provider(
    _caller: ProviderReader,
    reader: Reader,
    provider_id: UUID,
) -> Provider:
    """Get a provider.

    The response contains the services, the contacts and the child-safeguarding check.
    """
    return await providers.get_provider(reader, provider_id)


@router.patch("/{provider_id}")
async def update_provider(
    _caller: ProviderManager,
    session: Session,
    provider_id: UUID,
    expected_version: ExpectedVersion,
    payload: ProviderUpdate,
) -> Provider:
    """Update a provider.

    An inactive provider, or one without a valid child-safeguarding check, cannot receive service referrals.
    """
    return await providers.update_provider(session, provider_id, expected_version, payload)
