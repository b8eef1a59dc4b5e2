"""Authentication of API clients at the OAuth endpoints: by secret (RFC 6749) or by client assertion (RFC 7523)."""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import ClassVar
from urllib.parse import unquote_plus
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access import tokens
from app.access.acts import Act
from app.access.passwords import verify_secret
from app.config import get_settings
from app.database.errors import translate_database_errors
from app.errors import FirstStepError, Unauthenticated
from app.models import Agency, ApiClient, ApiClientSecret, UsedClientAssertion
from app.models.record import utc_now
from app.services.accounts.sign_in_audit import SignInContext, record_authentication_failure

CLIENT_ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


class OAuthError(FirstStepError):
    """An error response of the OAuth endpoints (RFC 6749, section 5.2). `code` is the value of `error`."""

    status: ClassVar = 400
    kind = "grant-refused"

    def __init__(self, code: str = "invalid_request", detail: str | None = None) -> None:
        super().__init__(detail)
        self.code = code


@dataclass(frozen=True, slots=True)
class ClientCredentials:
    """Credentials of an API client: its id, and either a secret or an assertion."""

    client_id: UUID | None
    secret: str | None
    assertion: str | None


async def authenticate_client(
    context: SignInContext, form: Mapping[str, str], basic: str | None, action: Act
) -> ApiClient:
    """Return the authenticated API client.

    Raises:
        OAuthError: the credentials are missing or wrong. Every wrong credential gives the same error.
    """
    try:
        credentials = _parse_credentials(form, basic)
    except OAuthError:
        await record_authentication_failure(context, action)
        raise
    with translate_database_errors():
        async with context.database.session_factory() as session:
            client, is_active = await _find_client(session, credentials.client_id)
            is_authenticated = (
                client is not None and is_active and await _verify_credentials(session, client, credentials)
            )
            if is_authenticated and client is not None:
                client.last_used_at = utc_now()
            await session.commit()
    if client is None or not is_authenticated:
        await record_authentication_failure(context, action, "client", client.id if client else None)
        raise OAuthError("invalid_client", "The client is unknown or its credentials are wrong.")
    return client


async def _find_client(session: AsyncSession, client_id: UUID | None) -> tuple[ApiClient | None, bool]:
    """Return the API client with this id, and whether it and its agency are active."""
    client = await session.get(ApiClient, client_id) if client_id else None
    agency = await session.get(Agency, client.agency_id) if client else None
    return client, bool(client and client.is_active and agency and agency.is_active)


async def _verify_credentials(
    session: AsyncSession, client: ApiClient, credentials: ClientCredentials
) -> bool:
    if credentials.assertion is not None:
        return await _verify_client_assertion(session, client, credentials.assertion)
    secret = credentials.secret or ""
    query = select(col(ApiClientSecret.digest)).where(
        col(ApiClientSecret.client_id) == client.id, col(ApiClientSecret.revoked_at).is_(None)
    )
    # The list makes every comparison run, so that the time does not depend on which secret matches.
    return any([verify_secret(secret, digest) for digest in await session.scalars(query)])  # noqa: C419


async def _verify_client_assertion(session: AsyncSession, client: ApiClient, assertion: str) -> bool:
    """Return whether a client assertion is valid and was not used yet.

    The database stores its `jti` until an hour after it expires, so that all workers and machines reject it, even if their
    clocks differ.
    """
    if client.public_key is None:
        return False
    try:
        jti, expires_at = tokens.verify_client_assertion(
            assertion, json.loads(client.public_key), str(client.id), get_settings().issuer
        )
    except Unauthenticated:
        return False
    insert_if_new = (
        insert(UsedClientAssertion)
        .values(client_id=client.id, jti=jti, expires_at=datetime.fromtimestamp(expires_at, UTC))
        .on_conflict_do_nothing()
        .returning(col(UsedClientAssertion.jti))
    )
    return await session.scalar(insert_if_new) is not None


def _parse_credentials(form: Mapping[str, str], basic: str | None) -> ClientCredentials:
    """Parse the credentials of a request, which must use exactly one method (RFC 6749, section 2.3)."""
    methods = [basic, form.get("client_secret"), form.get("client_assertion")]
    if sum(value is not None for value in methods) > 1:
        raise OAuthError("invalid_request", "Use only one method of client authentication.")
    if basic is not None:
        return _parse_basic_credentials(basic, form.get("client_id"))
    if "client_assertion" in form:
        return _parse_assertion_credentials(form)
    if "client_secret" not in form:
        raise OAuthError("invalid_client", "Client authentication is required.")
    return ClientCredentials(_parse_uuid(form.get("client_id")), form["client_secret"], None)


def _parse_basic_credentials(basic: str, form_client_id: str | None) -> ClientCredentials:
    try:
        decoded = base64.b64decode(basic, validate=True).decode("utf-8")
    except ValueError:
        decoded = ""
    client_id, colon, secret = decoded.partition(":")
    client_id, secret = unquote_plus(client_id), unquote_plus(secret)
    if not colon or form_client_id not in {None, client_id}:
        raise OAuthError(
            "invalid_client",
            "The HTTP Basic credentials are malformed, or name another client_id than the form.",
        )
    return ClientCredentials(_parse_uuid(client_id), secret, None)


def _parse_assertion_credentials(form: Mapping[str, str]) -> ClientCredentials:
    if form.get("client_assertion_type") != CLIENT_ASSERTION_TYPE:
        raise OAuthError("invalid_request", f"client_assertion_type must be {CLIENT_ASSERTION_TYPE}.")
    assertion = form["client_assertion"]
    client_id = form.get("client_id") or _get_unverified_subject(assertion)
    return ClientCredentials(_parse_uuid(client_id), None, assertion)


def _get_unverified_subject(assertion: str) -> str | None:
    """Return the `sub` of an assertion that is not verified yet.

    It selects the API client whose key verifies the assertion.
    """
    try:
        encoded_payload = assertion[: tokens.MAX_TOKEN_LENGTH].split(".")[1]
        padding = "=" * (-len(encoded_payload) % 4)
        payload = json.loads(base64.urlsafe_b64decode(encoded_payload + padding))
        return str(payload["sub"])
    except (ValueError, LookupError, TypeError, RecursionError):
        return None


def _parse_uuid(text: str | None) -> UUID | None:
    try:
        return UUID(text or "")
    except ValueError:
        return None
