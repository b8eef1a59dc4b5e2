"""Endpoints of API clients."""

from typing import Annotated
from uuid import UUID

from fastapi import Query

from app.http.permissions import ApiClientManager, ApiClientReader
from app.http.route import Router
from app.http.session import ExpectedVersion, Reader, Session
from app.schemas.api_clients import (
    ApiClient,
    ApiClientCreate,
    ApiClientFilters,
    ApiClientList,
    ApiClientUpdate,
    ApiClientWithSecret,
    NewApiClientSecret,
)
from app.services.accounts import api_clients

router = Router(prefix="/api-clients", tags=["administration"])


@router.post("", status_code=201)
async def create_api_client(
    _caller: ApiClientManager, session: Session, payload: ApiClientCreate
) -> ApiClientWithSecret:
    """Create an API client.

    The response contains the secret, which is not shown again. An API client with its own public key has no secret.
    """
    return await api_clients.create_api_client(session, payload)


@router.get("")
async def list_api_clients(
    caller: ApiClientReader, reader: Reader, filters: Annotated[ApiClientFilters, Query()]
) -> ApiClientList:
    """List API clients, newest first.

    The list contains the ids of the secrets, but not the secrets themselves.
    """
    return await api_clients.list_api_clients(reader, caller, filters)


@router.get("/{client_id}")
async def get_api_client(_caller: ApiClientReader, reader: Reader, client_id: UUID) -> ApiClient:
    """Get an API client.

    The API client contains its scopes, the time of its last authentication, and the ids of its secrets.
    """
    return await api_clients.get_api_client(reader, client_id)


@router.patch("/{client_id}")
async def update_api_client(
    _caller: ApiClientManager,
    session: Session,
    client_id: UUID,
    expected_version: ExpectedVersion,
    payload: ApiClientUpdate,
) -> ApiClient:
    """Update an API client.

    A removed scope is rejected from the next request on. Deactivation revokes every access token of the API client.
    """
    return await api_clients.update_api_client(session, client_id, expected_version, payload)


@router.post("/{client_id}/secrets", status_code=201)
async def create_api_client_secret(
    _caller: ApiClientManager, session: Session, client_id: UUID
) -> NewApiClientSecret:
    """Create a secret of an API client.

    The response contains the secret, which is not shown again. An API client can have two active secrets, so that it
    can switch from the old to the new one without interruption.
    """
    return await api_clients.create_api_client_secret(session, client_id)


@router.delete("/{client_id}/secrets/{secret_id}", status_code=204)
async def delete_api_client_secret(
    _caller: ApiClientManager, session: Session, client_id: UUID, secret_id: UUID
) -> None:
    """Revoke a secret of an API client.

    Every access token of the API client is revoked too.
    """
    await api_clients.delete_api_client_secret(session, client_id, secret_id)
