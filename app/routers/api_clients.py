"""Administration: systems of agencies."""

from typing import Annotated
from uuid import UUID

from fastapi import Query

from app.http.permissions import ApiClientManager, ApiClientReader
from app.http.route import Router
from app.http.session import ExpectedVersion, Session
from app.schemas.administration import (
    ApiClient,
    ApiClientCreate,
    ApiClientFilters,
    ApiClientUpdate,
    ApiClientWithSecret,
    NewApiClientSecret,
)
from app.schemas.wire import Page
from app.services.accounts import api_clients

router = Router(prefix="/api-clients", tags=["administration"])


@router.post("", status_code=201)
async def create_api_client(
    _caller: ApiClientManager,
    session: Session,
    payload: ApiClientCreate,
) -> ApiClientWithSecret:
    """Add a system; its secret is shown once, and it has none where it brings its own key."""
    return await api_clients.create_api_client(session, payload)


@router.get("")
async def list_api_clients(
    _caller: ApiClientReader,
    session: Session,
    filters: Annotated[ApiClientFilters, Query()],
) -> Page[ApiClient]:
    """List the systems, newest first."""
    return await api_clients.list_api_clients(session, filters)


@router.get("/{client_id}")
async def get_api_client(_caller: ApiClientReader, session: Session, client_id: UUID) -> ApiClient:
    """Read one system: what it may do, when it was last used; never its secrets."""
    return await api_clients.get_api_client(session, client_id)


@router.patch("/{client_id}")
async def update_api_client(
    _caller: ApiClientManager,
    session: Session,
    client_id: UUID,
    expected_version: ExpectedVersion,
    payload: ApiClientUpdate,
) -> ApiClient:
    """Change a system; scopes taken away hold from the next request on."""
    return await api_clients.update_api_client(session, client_id, expected_version, payload)


@router.post("/{client_id}/secrets", status_code=201)
async def create_api_client_secret(
    _caller: ApiClientManager,
    session: Session,
    client_id: UUID,
) -> NewApiClientSecret:
    """Give a system another secret, shown once; at most two are alive."""
    return await api_clients.create_api_client_secret(session, client_id)


@router.delete("/{client_id}/secrets/{secret_id}", status_code=204)
async def delete_api_client_secret(
    _caller: ApiClientManager,
    session: Session,
    client_id: UUID,
    secret_id: UUID,
) -> None:
    """Take a secret away, and every token the system holds."""
    await api_clients.delete_api_client_secret(session, client_id, secret_id)
