"""Machines sign in: the client credentials grant (RFC 6749), by secret or by key (RFC 7523), and revocation (RFC 7009)."""

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import ClassVar
from urllib.parse import unquote_plus
from uuid import UUID

from sqlalchemy import delete, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access import tokens
from app.access.passwords import verify_secret
from app.access.vault import get_vault
from app.config import get_settings
from app.database.errors import translate_database_errors
from app.errors import FirstStepError, Unauthenticated
from app.models import Agency, ApiClient, ApiClientSecret, AuthSession, UsedClientAssertion
from app.models.record import new_id, utc_now
from app.schemas.sign_in import ClientAccessToken
from app.services.accounts.sign_in_audit import (
    SignInContext,
    record_authenticated_access,
    record_authentication_failure,
)

GRANT_TYPE = "client_credentials"
CLIENT_ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
CLIENT_SIGN_IN_ACTION = "client.sign_in"
CLIENT_REVOKE_TOKEN_ACTION = "client.revoke_token"  # noqa: S105 - an act of the access log


class OAuthError(FirstStepError):
    """A refusal as RFC 6749, section 5.2 words it: `code` is its `error`."""

    status: ClassVar = 400
    kind = "grant-refused"

    def __init__(self, code: str = "invalid_request", detail: str | None = None) -> None:
        super().__init__(detail)
        self.code = code


@dataclass(frozen=True, slots=True)
class ClientCredentials:
    """What a client sent to say who it is."""

    client_id: UUID | None
    secret: str | None
    assertion: str | None


async def issue_access_token(
    visit: SignInContext, form: Mapping[str, str], basic: str | None
) -> ClientAccessToken:
    """Give a machine an access token, for all of its scopes or for the fewer it asks for.

    Raises:
        GrantRefused: the request, the client, the grant type or the scope is not right.
    """
    if "grant_type" not in form:
        raise OAuthError("invalid_request", "grant_type is missing.")
    if form["grant_type"] != GRANT_TYPE:
        raise OAuthError("unsupported_grant_type", f"Only {GRANT_TYPE} is offered.")
    client = await _authenticate_client(visit, form, basic, CLIENT_SIGN_IN_ACTION)
    scope = _resolve_scope(client, form.get("scope"))
    record = await _create_session(visit, client)
    await record_authenticated_access(visit, CLIENT_SIGN_IN_ACTION, "client", client.id, record.id)
    lifetime = get_settings().access_token_seconds
    token = get_vault().access_tokens.issue_access_token(
        client.id, kind="client", session_id=record.id, scope=scope, lifetime=lifetime, auth_time=None, amr=()
    )
    return ClientAccessToken(access_token=token, token_type="Bearer", expires_in=lifetime, scope=scope)  # noqa: S106


async def revoke_access_token(visit: SignInContext, form: Mapping[str, str], basic: str | None) -> None:
    """End the grant a token came from, if it is the client's own; anything else is no error.

    Raises:
        GrantRefused: the client is not known, or names no token.
    """
    if "token" not in form:
        raise OAuthError("invalid_request", "token is missing.")
    client = await _authenticate_client(visit, form, basic, CLIENT_REVOKE_TOKEN_ACTION)
    try:
        claims = get_vault().access_tokens.verify_access_token(form["token"])
    except Unauthenticated:
        return
    if claims.subject != client.id:
        return
    await record_authenticated_access(
        visit, CLIENT_REVOKE_TOKEN_ACTION, "client", client.id, claims.session_id
    )
    ending = update(AuthSession).where(
        col(AuthSession.id) == claims.session_id,
        col(AuthSession.client_id) == client.id,
        col(AuthSession.revoked_at).is_(None),
    )
    with translate_database_errors():
        async with visit.database.session_factory() as session:
            await session.execute(ending.values(revoked_at=utc_now(), revoked_because="revoked_by_client"))
            await session.commit()


async def _authenticate_client(
    visit: SignInContext, form: Mapping[str, str], basic: str | None, act: str
) -> ApiClient:
    """Return the client that proved to be one. Whatever is wrong with the proof, the answer is the same."""
    try:
        credentials = _parse_credentials(form, basic)
    except OAuthError:
        await record_authentication_failure(visit, act)
        raise
    with translate_database_errors():
        async with visit.database.session_factory() as session:
            client, is_active = await _find_client(session, credentials.client_id)
            proven = (
                client is not None and is_active and await _verify_credentials(session, client, credentials)
            )
            if proven and client is not None:
                client.last_used_at = utc_now()
            await session.commit()
    if client is None or not proven:
        await record_authentication_failure(visit, act, "client", client.id if client else None)
        raise OAuthError("invalid_client", "The client is not known, or its proof is wrong.")
    return client


async def _find_client(session: AsyncSession, client_id: UUID | None) -> tuple[ApiClient | None, bool]:
    """Return the client of this id, and whether it and its agency are active."""
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
    return any([verify_secret(secret, digest) for digest in await session.scalars(query)])  # noqa: C419 - all compared


async def _verify_client_assertion(session: AsyncSession, client: ApiClient, assertion: str) -> bool:
    """Whether the assertion is right, and comes for the first time (its `jti` is remembered until it ends)."""
    if client.public_key is None:
        return False
    try:
        jti, ends_at = tokens.verify_client_assertion(
            assertion, json.loads(client.public_key), str(client.id), get_settings().issuer
        )
    except Unauthenticated:
        return False
    over = col(UsedClientAssertion.expires_at) < utc_now() - timedelta(minutes=1)
    await session.execute(
        delete(UsedClientAssertion).where(col(UsedClientAssertion.client_id) == client.id, over)
    )
    used = {"client_id": client.id, "jti": jti, "expires_at": datetime.fromtimestamp(ends_at, UTC)}
    first = (
        insert(UsedClientAssertion)
        .values(used)
        .on_conflict_do_nothing()
        .returning(col(UsedClientAssertion.jti))
    )
    return await session.scalar(first) is not None


async def _create_session(visit: SignInContext, client: ApiClient) -> AuthSession:
    """Begin the session of one grant; it cannot be refreshed."""
    ends_at = utc_now() + timedelta(seconds=get_settings().access_token_seconds)
    record = AuthSession(
        id=new_id(), client_id=client.id, idle_ends_at=ends_at, ends_at=ends_at, address=visit.address
    )
    with translate_database_errors():
        async with visit.database.session_factory() as session:
            session.add(record)
            await session.commit()
    return record


def _resolve_scope(client: ApiClient, asked: str | None) -> str:
    granted = set(client.scopes)
    wanted = granted if asked is None else set(asked.split(" "))
    if not wanted or not wanted <= granted:
        raise OAuthError("invalid_scope", "A scope is not known, or not granted to this client.")
    return " ".join(sorted(wanted))


def _parse_credentials(form: Mapping[str, str], basic: str | None) -> ClientCredentials:
    """Return what the client sent, by one method and no more (RFC 6749, section 2.3)."""
    used = [basic, form.get("client_secret"), form.get("client_assertion")]
    if sum(value is not None for value in used) > 1:
        raise OAuthError("invalid_request", "Prove who you are by one method only.")
    if basic is not None:
        return _parse_basic_credentials(basic, form.get("client_id"))
    if "client_assertion" in form:
        return _parse_assertion_credentials(form)
    if "client_secret" not in form:
        raise OAuthError("invalid_client", "Client authentication is needed.")
    return ClientCredentials(_parse_uuid(form.get("client_id")), form["client_secret"], None)


def _parse_basic_credentials(basic: str, named: str | None) -> ClientCredentials:
    try:
        decoded = base64.b64decode(basic, validate=True).decode("utf-8")
    except ValueError:
        decoded = ""
    client_id, colon, secret = decoded.partition(":")
    client_id, secret = unquote_plus(client_id), unquote_plus(secret)
    if not colon or named not in {None, client_id}:
        raise OAuthError("invalid_client", "HTTP Basic does not name the client.")
    return ClientCredentials(_parse_uuid(client_id), secret, None)


def _parse_assertion_credentials(form: Mapping[str, str]) -> ClientCredentials:
    if form.get("client_assertion_type") != CLIENT_ASSERTION_TYPE:
        raise OAuthError("invalid_request", f"client_assertion_type must be {CLIENT_ASSERTION_TYPE}.")
    assertion = form["client_assertion"]
    return ClientCredentials(
        _parse_uuid(form.get("client_id") or _unverified_subject(assertion)), None, assertion
    )


def _unverified_subject(assertion: str) -> str | None:
    """Return whom an assertion names. Nothing is proven by it: it says whose key to check with."""
    try:
        payload = assertion[: tokens.MAX_TOKEN_LENGTH].split(".")[1]
        said = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        return str(said["sub"])
    except (ValueError, LookupError, TypeError, RecursionError):
        return None


def _parse_uuid(text: str | None) -> UUID | None:
    try:
        return UUID(text or "")
    except ValueError:
        return None
