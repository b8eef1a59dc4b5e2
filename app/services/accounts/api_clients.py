"""API clients: systems of agencies, with secrets of ours or keys of theirs."""

import json
from collections import defaultdict
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.jwk import export_public_jwk, parse_public_jwk
from app.access.passwords import generate_client_secret, hash_secret
from app.errors import Fault, InvalidInput, NotFound
from app.kit.pagination import Paginator
from app.kit.records import apply_patch, get_record, get_version_for_update
from app.kit.state_machine import raise_if_unmet
from app.models import Agency, ApiClient, ApiClientSecret, AuthSession
from app.models.record import new_id, utc_now
from app.schemas.administration import (
    ApiClient as ApiClientSchema,
)
from app.schemas.administration import (
    ApiClientCreate,
    ApiClientFilters,
    ApiClientSettings,
    ApiClientWithSecret,
    NewApiClientSecret,
    PublicJwk,
)
from app.schemas.administration import (
    ApiClientSecret as ApiClientSecretSchema,
)
from app.schemas.wire import Input, Page
from app.services.accounts.agencies import REFERRING_AGENCY_KINDS

MAX_ACTIVE_SECRETS = 2
"""Alive at once: the old one and the new one, while a system is being switched over."""


async def create_api_client(session: AsyncSession, registering: ApiClientCreate) -> ApiClientWithSecret:
    """Add a system; it gets a secret, shown once, unless it proves itself by its own key.

    Raises:
        AlreadyExists: the id is taken.
        InvalidInput: the agency is not there or may not have a scope, or the key is no public P-256 key.
    """
    await _validate_scopes(session, registering.agency_id, registering.scopes)
    client = ApiClient(
        id=registering.id or new_id(),
        agency_id=registering.agency_id,
        name=registering.name,
        scopes=list(registering.scopes),
        public_key=_serialize_public_key(registering.public_key),
    )
    session.add(client)
    await session.flush()  # its secret refers to it
    secret = None if client.public_key else (await _create_secret(session, client)).client_secret
    shown = await _load_schema(session, client)
    return ApiClientWithSecret(**shown.model_dump(), client_secret=secret)


async def list_api_clients(session: AsyncSession, filters: ApiClientFilters) -> Page[ApiClientSchema]:
    """List the systems, newest first."""
    wanted = filters.model_dump(exclude={"limit", "cursor"}, exclude_none=True)
    paging = Paginator("api-clients", filters.limit, filters.cursor, wanted)
    rows, cursor = await paging.fetch_records(
        session, select(ApiClient).filter_by(**wanted), col(ApiClient.created_at), col(ApiClient.id)
    )
    return Page(items=await _load_schemas(session, rows), next_cursor=cursor)


async def get_api_client(session: AsyncSession, client_id: UUID) -> ApiClientSchema:
    """Read one system; its secrets cannot be read."""
    return await _load_schema(session, await get_record(session, ApiClient, client_id))


async def update_api_client(
    session: AsyncSession, client_id: UUID, expected_version: int, patch: Input
) -> ApiClientSchema:
    """Change a system; scopes taken away, and deactivation, hold from the next request on.

    Raises:
        InvalidInput: the agency may not have a scope, or the key is no public P-256 key.
    """
    client = await get_version_for_update(session, ApiClient, client_id, expected_version)
    wanted = apply_patch(ApiClientSettings, _to_settings_document(client), patch)
    await _validate_scopes(session, client.agency_id, wanted.scopes)
    client.name, client.scopes, client.is_active = wanted.name, list(wanted.scopes), wanted.is_active
    client.public_key = _serialize_public_key(wanted.public_key)
    if not client.is_active:
        await _revoke_tokens(session, client.id)
    await session.flush()  # a conflict must surface before the answer leaves
    return await _load_schema(session, client)


async def create_api_client_secret(session: AsyncSession, client_id: UUID) -> NewApiClientSecret:
    """Give a system another secret, shown once; the old one works until it is removed.

    Raises:
        GateRefused: two are alive already.
    """
    client = await _get_for_update(session, client_id)
    if len((await _load_secrets(session, [client.id]))[client.id]) >= MAX_ACTIVE_SECRETS:
        raise_if_unmet([Fault("/secrets", "two_alive", "Two secrets are alive: remove one of them first.")])
    return await _create_secret(session, client)


async def delete_api_client_secret(session: AsyncSession, client_id: UUID, secret_id: UUID) -> None:
    """Take a secret away, and every token that may have been got with it.

    Raises:
        NotFound: the system has no such secret, or it was removed before.
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


async def _get_for_update(session: AsyncSession, client_id: UUID) -> ApiClient:
    """Return a system, locked: two secrets added at once count each other."""
    client = await session.scalar(select(ApiClient).where(col(ApiClient.id) == client_id).with_for_update())
    if client is None:
        raise NotFound
    return client


async def _create_secret(session: AsyncSession, client: ApiClient) -> NewApiClientSecret:
    secret = generate_client_secret()
    record = ApiClientSecret(client_id=client.id, digest=hash_secret(secret))
    session.add(record)
    await session.flush()  # the answer shows what was stored
    return NewApiClientSecret(
        id=record.id, created_at=record.created_at, client_id=str(client.id), client_secret=secret
    )


async def _revoke_tokens(session: AsyncSession, client_id: UUID) -> None:
    grants = update(AuthSession).where(
        col(AuthSession.client_id) == client_id, col(AuthSession.ends_at) > utc_now()
    )
    await session.execute(grants.values(revoked_at=utc_now(), revoked_because="client_changed"))


async def _validate_scopes(session: AsyncSession, agency_id: UUID, scopes: Sequence[str]) -> None:
    agency = await session.get(Agency, agency_id)
    if agency is None:
        raise InvalidInput([Fault("/agency_id", "unknown", "There is no such agency.")])
    if "referrals" in scopes and agency.kind not in REFERRING_AGENCY_KINDS:
        detail = "Only systems of a partner, or of First Step itself, send referrals."
        raise InvalidInput([Fault("/scopes", "agency_kind", detail)])


def _serialize_public_key(key: PublicJwk | None) -> str | None:
    if key is None:
        return None
    try:
        return json.dumps(export_public_jwk(parse_public_jwk(key.model_dump())))
    except ValueError:
        detail = "A public P-256 key is needed: kty EC, crv P-256, and x and y of one of its points."
        raise InvalidInput([Fault("/public_key", "key_invalid", detail)]) from None


def _to_settings_document(client: ApiClient) -> dict[str, Any]:
    key = json.loads(client.public_key) if client.public_key else None
    return {
        "name": client.name, "scopes": client.scopes, "is_active": client.is_active, "public_key": key
    }  # fmt: skip


async def _load_secrets(
    session: AsyncSession, client_ids: Sequence[UUID]
) -> dict[UUID, list[ApiClientSecretSchema]]:
    query = (
        select(ApiClientSecret)
        .where(col(ApiClientSecret.client_id).in_(client_ids), col(ApiClientSecret.revoked_at).is_(None))
        .order_by(col(ApiClientSecret.created_at))
    )
    found: dict[UUID, list[ApiClientSecretSchema]] = defaultdict(list)
    for secret in await session.scalars(query):
        found[secret.client_id].append(ApiClientSecretSchema(id=secret.id, created_at=secret.created_at))
    return found


async def _load_schema(session: AsyncSession, client: ApiClient) -> ApiClientSchema:
    return (await _load_schemas(session, [client]))[0]


async def _load_schemas(session: AsyncSession, clients: Sequence[ApiClient]) -> list[ApiClientSchema]:
    secrets = await _load_secrets(session, [client.id for client in clients])
    return [
        ApiClientSchema(
            id=client.id,
            version=client.version,
            client_id=str(client.id),
            agency_id=client.agency_id,
            secrets=secrets[client.id],
            last_used_at=client.last_used_at,
            created_at=client.created_at,
            **_to_settings_document(client),
        )
        for client in clients
    ]
