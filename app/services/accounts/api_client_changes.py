"""Changes of API clients that need the confirmation of a second person, because the scope `referrals` shows children."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.session_records import record_change
from app.errors import Fault, NotFound
from app.kit.pending_changes import ChangeKind, request_change
from app.kit.records import get_record
from app.models import ApiClient, ApiClientSecret, PendingChange
from app.services.accounts.agencies import check_referring_agency

MAX_ACTIVE_SECRETS = 2
"""Two active secrets allow a system to switch from the old one to the new one without an interruption."""


@dataclass(frozen=True, slots=True)
class ApiAccess:
    """Access of an API client: its scopes, its public key and whether it is active."""

    scopes: list[str]
    public_key: str | None
    is_active: bool


async def request_access(
    session: AsyncSession, client_id: UUID, current: ApiAccess, requested: ApiAccess
) -> None:
    """Request access for an API client, in place of an earlier pending change of the client."""
    payload = {**asdict(requested), "current": asdict(current)}
    await request_change(session, API_CLIENT.name, payload, record_id=client_id)


async def check_secret_count(session: AsyncSession, client: ApiClient) -> list[Fault]:
    """Return a fault if the API client cannot have another secret. The client must be locked."""
    active_secrets = select(func.count()).where(
        col(ApiClientSecret.client_id) == client.id, col(ApiClientSecret.revoked_at).is_(None)
    )
    if (await session.scalar(active_secrets) or 0) < MAX_ACTIVE_SECRETS:
        return []
    detail = "The API client has two active secrets. Delete one of them first."
    return [Fault("/secrets", "two_alive", detail)]


async def _check_access(session: AsyncSession, change: PendingChange) -> list[Fault]:
    client = await _get_client(session, change)
    content = change.payload
    unmet = await check_referring_agency(session, client.agency_id, content["scopes"])
    current = ApiAccess(client.scopes, client.public_key, client.is_active)
    if current != ApiAccess(**content["current"]):
        detail = "The access of the API client has changed since the request. Request the change again."
        unmet.append(Fault("/api_access", "replaced", detail))
    return unmet


async def _check_secret(session: AsyncSession, change: PendingChange) -> list[Fault]:
    return await check_secret_count(session, await _get_client(session, change))


async def _get_client(session: AsyncSession, change: PendingChange) -> ApiClient:
    if change.record_id is None:
        raise NotFound
    return await get_record(session, ApiClient, change.record_id)


async def _log_secret(session: AsyncSession, change: PendingChange) -> None:
    client = await _get_client(session, change)
    record_change(session, "api_client", client.id, {"secret_id": (None, change.payload["id"])})


def _describe_access(payload: Mapping[str, Any]) -> dict[str, Any]:
    access = {name: payload[name] for name in ("scopes", "is_active")}
    key_replaced = payload["public_key"] != payload["current"]["public_key"]
    return {"api_access": {**access, "secret_added": False, "key_replaced": key_replaced}}


def _describe_secret(payload: Mapping[str, Any]) -> dict[str, Any]:
    access = {name: payload[name] for name in ("scopes", "is_active")}
    return {"api_access": {**access, "secret_added": True, "key_replaced": False}}


API_CLIENT = ChangeKind("api_client", _check_access, _describe_access, target=ApiClient)
API_CLIENT_SECRET = ChangeKind(
    "api_client_secret", _check_secret, _describe_secret, target=ApiClient, complete=_log_secret
)
