"""API clients: systems of agencies. They authenticate by generated secrets or by their own keys."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, JSON, Text, bindparam, func, literal, select
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access import session_store
from app.access.caller import Caller
from app.access.jwk import export_public_jwk, parse_public_jwk
from app.access.passwords import generate_client_secret, hash_secret
from app.access.reader import RecordReader, session_reader
from app.access.session_records import record_change, record_function_changes, record_function_insert
from app.errors import Fault, InvalidInput, NotFound
from app.kit.list_query import ListQuery
from app.kit.pending_changes import (
    call_function,
    request_change,
    select_pending_changes,
    to_pending_changes,
    withdraw_pending_changes,
)
from app.kit.records import apply_patch, get_for_update, get_version_for_update
from app.kit.reference_names import agency_name, to_ref
from app.kit.resources import Resource
from app.kit.state_machine import raise_if_unmet
from app.models import ApiClient, ApiClientSecret, PendingChange
from app.models.record import new_id, utc_now
from app.schemas.api_clients import ApiClient as ApiClientSchema
from app.schemas.api_clients import (
    ApiClientCreate,
    ApiClientFilters,
    ApiClientList,
    ApiClientSettings,
    ApiClientWithSecret,
    NewApiClientSecret,
    PublicJwk,
)
from app.schemas.wire import Input
from app.services.accounts.agencies import check_referring_agency
from app.services.accounts.api_client_changes import (
    API_CLIENT,
    API_CLIENT_SECRET,
    ApiAccess,
    check_secret_count,
    request_access,
)

CONFIRMED_SCOPE = "referrals"
"""The scope that shows data of children. An API client gets it only when a second person confirms it."""


COLUMN_FIELDS = [name for name in ApiClientSchema.model_fields if name in ApiClient.model_fields]
SECRETS = (
    select(
        func.json_agg(
            aggregate_order_by(
                func.json_build_array(col(ApiClientSecret.id), col(ApiClientSecret.created_at)),
                col(ApiClientSecret.created_at),
            ),
            type_=JSON,
        )
    )
    .where(col(ApiClientSecret.client_id) == col(ApiClient.id), col(ApiClientSecret.revoked_at).is_(None))
    .scalar_subquery()
)
"""Id and time of creation of each active secret of an API client."""


def _row_to_fields(row: Any) -> dict[str, Any]:
    return {
        **dict(zip(COLUMN_FIELDS, row, strict=False)),
        "client_id": row.id,
        "agency": to_ref(row.agency_id, row.agency_name),
        "public_key": row.public_key and json.loads(row.public_key),
        "secrets": [
            {"id": secret_id, "created_at": datetime.fromisoformat(created_at).astimezone(UTC)}
            for secret_id, created_at in row.secrets or []
        ],
        "pending_changes": to_pending_changes(row.pending_changes),
    }


API_CLIENTS = Resource(
    ListQuery(
        "api-clients",
        ApiClient,
        select(
            *(getattr(ApiClient, name) for name in COLUMN_FIELDS),
            agency_name(col(ApiClient.agency_id)).label("agency_name"),
            SECRETS.label("secrets"),
            select_pending_changes(col(PendingChange.record_id) == col(ApiClient.id)).label(
                "pending_changes"
            ),
        ),
        filters={
            "agency_id": col(ApiClient.agency_id) == bindparam("agency_id"),
            "is_active": col(ApiClient.is_active) == bindparam("is_active"),
        },
        sorts={"created_at": col(ApiClient.created_at)},
    ),
    ApiClientSchema,
    ApiClientList,
    _row_to_fields,
)


async def create_api_client(session: AsyncSession, payload: ApiClientCreate) -> ApiClientWithSecret:
    """Create an API client. Without its own key, it gets a secret, which is shown once.

    The scope `referrals` waits for the confirmation of a second person.

    Raises:
        AlreadyExists: the id is taken.
        InvalidInput: the agency does not exist or cannot have a scope, or the key is not a public P-256 key.
    """
    await _validate_scopes(session, payload.agency_id, payload.scopes)
    client_id, key = payload.id or new_id(), _serialize_public_key(payload.public_key)
    scopes: list[str] = [scope for scope in payload.scopes if scope != CONFIRMED_SCOPE]
    call = func.access.insert_api_client(
        client_id, payload.agency_id, payload.name, literal(scopes, ARRAY(Text)), key
    )
    await call_function(session, call)
    await record_function_insert(session, ApiClient, client_id)
    secret = None if key else (await _create_secret(session, client_id)).client_secret
    if scopes != payload.scopes:
        access = ApiAccess(scopes, key, is_active=True)
        await request_access(session, client_id, access, replace(access, scopes=[*payload.scopes]))
    schema = await API_CLIENTS.get(session_reader(session), client_id)
    return ApiClientWithSecret(**schema.model_dump(), client_secret=secret)


async def list_api_clients(reader: RecordReader, caller: Caller, filters: ApiClientFilters) -> ApiClientList:
    """Return one page of the API clients, newest first."""
    return await API_CLIENTS.list_page(reader, caller, filters)


async def get_api_client(reader: RecordReader, client_id: UUID) -> ApiClientSchema:
    """Return one API client, without its secrets."""
    return await API_CLIENTS.get(reader, client_id)


async def update_api_client(
    session: AsyncSession, client_id: UUID, expected_version: int, patch: Input
) -> ApiClientSchema:
    """Update an API client. Removed scopes and a deactivation apply to the next request.

    The scope `referrals`, and another key or a reactivation of a client with this scope, wait for a confirmation. The
    other changes take effect immediately.

    Raises:
        InvalidInput: the agency cannot have a scope, or the key is not a public P-256 key.
    """
    client = await get_version_for_update(session, ApiClient, client_id, expected_version)
    settings = apply_patch(ApiClientSettings, _to_settings_document(client), patch)
    await _validate_scopes(session, client.agency_id, settings.scopes)
    await session.flush()  # the function changes the row too
    key = _serialize_public_key(settings.public_key)
    wanted = ApiAccess(list(settings.scopes), key, settings.is_active)
    access = _remove_unconfirmed_access(client, wanted)
    call = func.access.update_api_client(
        client.id, settings.name, literal(access.scopes, ARRAY(Text)), access.public_key, access.is_active
    )
    async with record_function_changes(session, client):
        await call_function(session, call)
    if access != wanted:
        await request_access(session, client.id, access, wanted)
    elif {"scopes", "public_key", "is_active"} & patch.model_fields_set:
        await withdraw_pending_changes(session, API_CLIENT.name, client.id)
    if not access.is_active:
        await _revoke_tokens(session, client.id)
    return await API_CLIENTS.get(session_reader(session), client.id)


def _remove_unconfirmed_access(client: ApiClient, wanted: ApiAccess) -> ApiAccess:
    """Return the part of the wanted access that takes effect without a confirmation."""
    if CONFIRMED_SCOPE not in wanted.scopes:
        return wanted
    if CONFIRMED_SCOPE not in client.scopes:
        return replace(wanted, scopes=[scope for scope in wanted.scopes if scope != CONFIRMED_SCOPE])
    key = None if wanted.public_key is None else client.public_key
    return replace(wanted, public_key=key, is_active=wanted.is_active and client.is_active)


async def create_api_client_secret(session: AsyncSession, client_id: UUID) -> NewApiClientSecret:
    """Create another secret, which is shown once. The previous secret stays valid until it is deleted.

    The secret of a client with the scope `referrals` is valid after the confirmation of a second person.

    Raises:
        GateRefused: the API client has two active secrets.
    """
    # The lock makes concurrent requests count each other's secret.
    client = await get_for_update(session, ApiClient, client_id)
    raise_if_unmet(await check_secret_count(session, client))
    if CONFIRMED_SCOPE in client.scopes:
        return await _request_secret(session, client)
    return await _create_secret(session, client.id)


async def delete_api_client_secret(session: AsyncSession, client_id: UUID, secret_id: UUID) -> None:
    """Revoke a secret and all access tokens of the API client.

    Raises:
        NotFound: the API client has no such active secret.
    """
    if not await call_function(session, func.access.revoke_api_client_secret(secret_id, client_id)):
        raise NotFound
    record_change(session, "api_client", client_id, {"secret_id": (secret_id, None)})
    await _revoke_tokens(session, client_id)


async def _create_secret(session: AsyncSession, client_id: UUID) -> NewApiClientSecret:
    secret_id, client_secret = new_id(), generate_client_secret()
    call = func.access.insert_api_client_secret(secret_id, client_id, hash_secret(client_secret))
    record_change(session, "api_client", client_id, {"secret_id": (None, secret_id)})
    return NewApiClientSecret(
        id=secret_id,
        created_at=await call_function(session, call),
        client_id=str(client_id),
        client_secret=client_secret,
        pending_changes=[],
    )


async def _request_secret(session: AsyncSession, client: ApiClient) -> NewApiClientSecret:
    secret_id, client_secret = new_id(), generate_client_secret()
    payload = {
        "id": str(secret_id),
        "digest": hash_secret(client_secret).hex(),
        "scopes": client.scopes,
        "is_active": client.is_active,
    }
    await request_change(session, API_CLIENT_SECRET.name, payload, record_id=client.id)
    row = (await API_CLIENTS.get(session_reader(session), client.id)).pending_changes
    return NewApiClientSecret(
        id=secret_id,
        created_at=utc_now(),
        client_id=str(client.id),
        client_secret=client_secret,
        pending_changes=[change for change in row if change.kind == API_CLIENT_SECRET.name],
    )


async def _revoke_tokens(session: AsyncSession, client_id: UUID) -> None:
    await session_store.revoke_sessions_of(session, "client_changed", client_id=client_id)


async def _validate_scopes(session: AsyncSession, agency_id: UUID, scopes: Sequence[str]) -> None:
    if faults := await check_referring_agency(session, agency_id, scopes):
        raise InvalidInput(faults)


def _serialize_public_key(key: PublicJwk | None) -> str | None:
    if key is None:
        return None
    try:
        return json.dumps(export_public_jwk(parse_public_jwk(key.model_dump())))
    except ValueError:
        detail = "The key must be a public P-256 key: kty EC, crv P-256, and x and y of a point of the curve."
        raise InvalidInput([Fault("/public_key", "key_invalid", detail)]) from None


def _to_settings_document(client: ApiClient) -> dict[str, Any]:
    return {
        "name": client.name,
        "scopes": client.scopes,
        "is_active": client.is_active,
        "public_key": json.loads(client.public_key) if client.public_key else None,
    }
