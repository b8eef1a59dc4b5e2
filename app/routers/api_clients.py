"""Administration: systems of agencies."""

from typing import Annotated
from uuid import UUID

from fastapi import Query

from app.http.permissions import ApiClientManager, ApiClientReader
from app.http.route import Router
from app.http.session import ExpectedVersion, Session
from app.schemas.administration import (
    ApiClientFilters,
    ApiClientIn,
    ApiClientOut,
    ApiClientPatch,
    ApiClientWithSecret,
    NewSecret,
)
from app.schemas.wire import Page
from app.services.accounts import api_clients

router = Router(prefix="/api-clients", tags=["administration"])


@router.post("", status_code=201)
async def register(
    _caller: ApiClientManager,
    session: Session,
    payload: ApiClientIn,
) -> ApiClientWithSecret:
    """Add a system; its secret is shown once, and it has none where it brings its own key."""
    return await api_clients.create_api_client(session, payload)


@router.get("")
async def listed(
    _caller: ApiClientReader,
    session: Session,
    filters: Annotated[ApiClientFilters, Query()],
) -> Page[ApiClientOut]:
    """List the systems, newest first."""
    return await api_clients.list_api_clients(session, filters)


@router.get("/{client_id}")
async def read(_caller: ApiClientReader, session: Session, client_id: UUID) -> ApiClientOut:
    """Read one system: what it may do, when it was last used; never its secrets."""
    return await api_clients.get_api_client(session, client_id)


@router.patch("/{client_id}")
async def change(
    _caller: ApiClientManager,
    session: Session,
    client_id: UUID,
    expected_version: ExpectedVersion,
    payload: ApiClientPatch,
) -> ApiClientOut:
    """Change a system; scopes taken away hold from the next request on."""
    return await api_clients.update_api_client(session, client_id, expected_version, payload)


@router.post("/{client_id}/secrets", status_code=201)
async def add_secret(
    _caller: ApiClientManager,
    session: Session,
    client_id: UUID,
) -> NewSecret:
    """Give a system another secret, shown once; at most two are alive."""
    return await api_clients.create_api_client_secret(session, client_id)


@router.delete("/{client_id}/secrets/{secret_id}", status_code=204)
async def remove_secret(
    _caller: ApiClientManager,
    session: Session,
    client_id: UUID,
    secret_id: UUID,
) -> None:
    """Take a secret away, and every token the system holds."""
    await api_clients.delete_api_client_secret(session, client_id, secret_id)
