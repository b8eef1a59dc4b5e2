"""API clients: systems of agencies. They authenticate by generated secrets or by keys of their own."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import JSON, bindparam, func, select, update
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.caller import Caller
from app.access.jwk import export_public_jwk, parse_public_jwk
from app.access.passwords import generate_client_secret, hash_secret
from app.access.reader import RecordReader, session_reader
from app.errors import Fault, InvalidInput, NotFound
from app.kit.list_query import ListQuery
from app.kit.records import apply_patch, get_for_update, get_version_for_update
from app.kit.reference_names import agency_name, to_ref
from app.kit.resources import Resource
from app.kit.state_machine import raise_if_unmet
from app.models import Agency, ApiClient, ApiClientSecret, AuthSession
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
from app.services.accounts.agencies import REFERRING_AGENCY_KINDS

MAX_ACTIVE_SECRETS = 2
"""Two active secrets allow a system to switch from the old one to the new one without an interruption."""


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
    }


API_CLIENTS = Resource(
    ListQuery(
        "api-clients",
        ApiClient,
        select(
            *(getattr(ApiClient, name) for name in COLUMN_FIELDS),
            agency_name(col(ApiClient.agency_id)).label("agency_name"),
            SECRETS.label("secrets"),
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
    """Create an API client. Without a key of its own it gets a secret, which is shown once.

    Raises:
        AlreadyExists: the id is taken.
        InvalidInput: the agency does not exist or cannot have a scope, or the key is not a public P-256 key.
    """
    await _validate_scopes(session, payload.agency_id, payload.scopes)
    client = ApiClient(
        id=payload.id or new_id(),
        agency_id=payload.agency_id,
        name=payload.name,
        scopes=list(payload.scopes),
        public_key=_serialize_public_key(payload.public_key),
    )
    session.add(client)
    await session.flush()  # the secret references the client
    secret = None if client.public_key else (await _create_secret(session, client)).client_secret
    schema = await API_CLIENTS.get(session_reader(session), client.id)
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

    Raises:
        InvalidInput: the agency cannot have a scope, or the key is not a public P-256 key.
    """
    client = await get_version_for_update(session, ApiClient, client_id, expected_version)
    settings = apply_patch(ApiClientSettings, _to_settings_document(client), patch)
    await _validate_scopes(session, client.agency_id, settings.scopes)
    client.name, client.scopes, client.is_active = settings.name, list(settings.scopes), settings.is_active
    client.public_key = _serialize_public_key(settings.public_key)
    if not client.is_active:
        await _revoke_tokens(session, client.id)
    return await API_CLIENTS.save(session, client)


async def create_api_client_secret(session: AsyncSession, client_id: UUID) -> NewApiClientSecret:
    """Create another secret, which is shown once. The previous secret stays valid until it is deleted.

    Raises:
        GateRefused: the API client has two active secrets.
    """
    # The lock makes concurrent requests count each other's secret.
    client = await get_for_update(session, ApiClient, client_id)
    if len((await API_CLIENTS.get(session_reader(session), client.id)).secrets) >= MAX_ACTIVE_SECRETS:
        detail = "The API client has two active secrets. Delete one of them first."
        raise_if_unmet([Fault("/secrets", "two_alive", detail)])
    return await _create_secret(session, client)


async def delete_api_client_secret(session: AsyncSession, client_id: UUID, secret_id: UUID) -> None:
    """Revoke a secret and all access tokens of the API client.

    Raises:
        NotFound: the API client has no such active secret.
    """
    statement = (
        update(ApiClientSecret)
        .where(
            col(ApiClientSecret.id) == secret_id,
            col(ApiClientSecret.client_id) == client_id,
            col(ApiClientSecret.revoked_at).is_(None),
        )
        .values(revoked_at=utc_now())
        .returning(col(ApiClientSecret.id))
    )
    if await session.scalar(statement) is None:
        raise NotFound
    await _revoke_tokens(session, client_id)


async def _create_secret(session: AsyncSession, client: ApiClient) -> NewApiClientSecret:
    client_secret = generate_client_secret()
    secret = ApiClientSecret(client_id=client.id, digest=hash_secret(client_secret))
    session.add(secret)
    await session.flush()  # sets created_at
    return NewApiClientSecret(
        id=secret.id, created_at=secret.created_at, client_id=str(client.id), client_secret=client_secret
    )


async def _revoke_tokens(session: AsyncSession, client_id: UUID) -> None:
    active_sessions = update(AuthSession).where(
        col(AuthSession.client_id) == client_id, col(AuthSession.ends_at) > utc_now()
    )
    await session.execute(active_sessions.values(revoked_at=utc_now(), revoked_because="client_changed"))


async def _validate_scopes(session: AsyncSession, agency_id: UUID, scopes: Sequence[str]) -> None:
    agency = await session.get(Agency, agency_id)
    if agency is None:
        raise InvalidInput([Fault("/agency_id", "unknown", "The agency does not exist.")])
    if "referrals" in scopes and agency.kind not in REFERRING_AGENCY_KINDS:
        detail = "The scope `referrals` requires an agency of kind `fsc` or `partner`."
        raise InvalidInput([Fault("/scopes", "agency_kind", detail)])


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
