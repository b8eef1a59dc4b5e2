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
from app.access.passwords import matches
from app.access.vault import vault
from app.config import settings
from app.database.errors import translated
from app.errors import FirstStepError, Unauthenticated
from app.models import Agency, ApiClient, ApiClientSecret, SignIn, UsedAssertion
from app.models.record import new_id, now
from app.schemas.sign_in import TokenGranted
from app.services.accounts.sign_in_audit import Visit, let_in, turn_away

GRANT = "client_credentials"
ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
TOKEN = "client.sign_in"  # noqa: S105 - an act, not a secret
REVOKE = "client.revoke_token"


class GrantRefused(FirstStepError):
    """A refusal as RFC 6749, section 5.2 words it: `code` is its `error`."""

    status: ClassVar = 400
    kind = "grant-refused"

    def __init__(self, code: str = "invalid_request", detail: str | None = None) -> None:
        super().__init__(detail)
        self.code = code


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a client sent to say who it is."""

    client_id: UUID | None
    secret: str | None
    assertion: str | None


async def grant(visit: Visit, form: Mapping[str, str], basic: str | None) -> TokenGranted:
    """Give a machine an access token, for all of its scopes or for the fewer it asks for.

    Raises:
        GrantRefused: the request, the client, the grant type or the scope is not right.
    """
    if "grant_type" not in form:
        raise GrantRefused("invalid_request", "grant_type is missing.")
    if form["grant_type"] != GRANT:
        raise GrantRefused("unsupported_grant_type", f"Only {GRANT} is offered.")
    client = await _authenticated(visit, form, basic, TOKEN)
    scope = _scope(client, form.get("scope"))
    record = await _granted(visit, client)
    await let_in(visit, TOKEN, "client", client.id, record.id)
    lifetime = settings().access_token_seconds
    token = vault().tokens.issue(
        client.id, kind="client", session_id=record.id, scope=scope, lifetime=lifetime, auth_time=None, amr=()
    )
    return TokenGranted(access_token=token, token_type="Bearer", expires_in=lifetime, scope=scope)  # noqa: S106


async def revoke(visit: Visit, form: Mapping[str, str], basic: str | None) -> None:
    """End the grant a token came from, if it is the client's own; anything else is no error.

    Raises:
        GrantRefused: the client is not known, or names no token.
    """
    if "token" not in form:
        raise GrantRefused("invalid_request", "token is missing.")
    client = await _authenticated(visit, form, basic, REVOKE)
    try:
        claims = vault().tokens.verify(form["token"])
    except Unauthenticated:
        return
    if claims.subject != client.id:
        return
    await let_in(visit, REVOKE, "client", client.id, claims.session_id)
    ending = update(SignIn).where(
        col(SignIn.id) == claims.session_id,
        col(SignIn.client_id) == client.id,
        col(SignIn.revoked_at).is_(None),
    )
    with translated():
        async with visit.database.sessions() as session:
            await session.execute(ending.values(revoked_at=now(), revoked_because="revoked_by_client"))
            await session.commit()


async def _authenticated(visit: Visit, form: Mapping[str, str], basic: str | None, act: str) -> ApiClient:
    """Return the client that proved to be one. Whatever is wrong with the proof, the answer is the same."""
    try:
        credentials = _credentials(form, basic)
    except GrantRefused:
        await turn_away(visit, act)
        raise
    with translated():
        async with visit.database.sessions() as session:
            client, is_active = await _known(session, credentials.client_id)
            proven = client is not None and is_active and await _proven(session, client, credentials)
            if proven and client is not None:
                client.last_used_at = now()
            await session.commit()
    if client is None or not proven:
        await turn_away(visit, act, "client", client.id if client else None)
        raise GrantRefused("invalid_client", "The client is not known, or its proof is wrong.")
    return client


async def _known(session: AsyncSession, client_id: UUID | None) -> tuple[ApiClient | None, bool]:
    """Return the client of this id, and whether it and its agency are active."""
    client = await session.get(ApiClient, client_id) if client_id else None
    agency = await session.get(Agency, client.agency_id) if client else None
    return client, bool(client and client.is_active and agency and agency.is_active)


async def _proven(session: AsyncSession, client: ApiClient, credentials: Credentials) -> bool:
    if credentials.assertion is not None:
        return await _proven_by_key(session, client, credentials.assertion)
    secret = credentials.secret or ""
    query = select(col(ApiClientSecret.digest)).where(
        col(ApiClientSecret.client_id) == client.id, col(ApiClientSecret.revoked_at).is_(None)
    )
    return any([matches(secret, digest) for digest in await session.scalars(query)])  # noqa: C419 - all compared


async def _proven_by_key(session: AsyncSession, client: ApiClient, assertion: str) -> bool:
    """Whether the assertion is right, and comes for the first time (its `jti` is remembered until it ends)."""
    if client.public_key is None:
        return False
    try:
        jti, ends_at = tokens.verify_client_assertion(
            assertion, json.loads(client.public_key), str(client.id), settings().issuer
        )
    except Unauthenticated:
        return False
    over = col(UsedAssertion.expires_at) < now() - timedelta(minutes=1)
    await session.execute(delete(UsedAssertion).where(col(UsedAssertion.client_id) == client.id, over))
    used = {"client_id": client.id, "jti": jti, "expires_at": datetime.fromtimestamp(ends_at, UTC)}
    first = insert(UsedAssertion).values(used).on_conflict_do_nothing().returning(col(UsedAssertion.jti))
    return await session.scalar(first) is not None


async def _granted(visit: Visit, client: ApiClient) -> SignIn:
    """Begin the session of one grant; it cannot be refreshed."""
    ends_at = now() + timedelta(seconds=settings().access_token_seconds)
    record = SignIn(
        id=new_id(), client_id=client.id, idle_ends_at=ends_at, ends_at=ends_at, address=visit.address
    )
    with translated():
        async with visit.database.sessions() as session:
            session.add(record)
            await session.commit()
    return record


def _scope(client: ApiClient, asked: str | None) -> str:
    granted = set(client.scopes)
    wanted = granted if asked is None else set(asked.split(" "))
    if not wanted or not wanted <= granted:
        raise GrantRefused("invalid_scope", "A scope is not known, or not granted to this client.")
    return " ".join(sorted(wanted))


def _credentials(form: Mapping[str, str], basic: str | None) -> Credentials:
    """Return what the client sent, by one method and no more (RFC 6749, section 2.3)."""
    used = [basic, form.get("client_secret"), form.get("client_assertion")]
    if sum(value is not None for value in used) > 1:
        raise GrantRefused("invalid_request", "Prove who you are by one method only.")
    if basic is not None:
        return _from_basic(basic, form.get("client_id"))
    if "client_assertion" in form:
        return _from_assertion(form)
    if "client_secret" not in form:
        raise GrantRefused("invalid_client", "Client authentication is needed.")
    return Credentials(_uuid(form.get("client_id")), form["client_secret"], None)


def _from_basic(basic: str, named: str | None) -> Credentials:
    try:
        decoded = base64.b64decode(basic, validate=True).decode("utf-8")
    except ValueError:
        decoded = ""
    client_id, colon, secret = decoded.partition(":")
    client_id, secret = unquote_plus(client_id), unquote_plus(secret)
    if not colon or named not in {None, client_id}:
        raise GrantRefused("invalid_client", "HTTP Basic does not name the client.")
    return Credentials(_uuid(client_id), secret, None)


def _from_assertion(form: Mapping[str, str]) -> Credentials:
    if form.get("client_assertion_type") != ASSERTION:
        raise GrantRefused("invalid_request", f"client_assertion_type must be {ASSERTION}.")
    assertion = form["client_assertion"]
    return Credentials(_uuid(form.get("client_id") or _subject(assertion)), None, assertion)


def _subject(assertion: str) -> str | None:
    """Return whom an assertion names. Nothing is proven by it: it says whose key to check with."""
    try:
        payload = assertion[: tokens.MAX_LENGTH].split(".")[1]
        said = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        return str(said["sub"])
    except (ValueError, LookupError, TypeError, RecursionError):
        return None


def _uuid(text: str | None) -> UUID | None:
    try:
        return UUID(text or "")
    except ValueError:
        return None
