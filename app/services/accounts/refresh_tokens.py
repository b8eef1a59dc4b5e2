"""Refresh tokens of sessions: rotation at every refresh, reuse detection, sign-out.

A refresh token is "<session id>.<secret>". The database stores only the SHA-256 digest of the secret. One atomic
update replaces the digest. A secret that was replaced before proves that two parties hold tokens of the session, so
the session is revoked (RFC 9700, section 4.14.2).
"""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import exists, func, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.passwords import generate_client_secret, hash_secret, verify_secret
from app.access.vault import get_vault
from app.config import get_settings
from app.database.errors import translate_database_errors
from app.errors import Unauthenticated
from app.models import AuthSession, User
from app.models.record import utc_now
from app.services.accounts.sessions import SessionTokens, issue_session_tokens, revoke_sessions
from app.services.accounts.sign_in_audit import (
    SignInContext,
    record_authenticated_access,
    record_authentication_failure,
)

REFRESH_ACTION = "account.refresh"
REFRESH_REUSE_ACTION = "account.refresh_reuse"
SIGN_OUT_ACTION = "account.sign_out"
MAX_COOKIE_LENGTH = 200


@dataclass(frozen=True, slots=True)
class RefreshToken:
    """A refresh token, read."""

    session_id: UUID
    secret: str


def parse_refresh_token(text: str | None) -> RefreshToken | None:
    """Return the parts of a refresh token, or None where the text cannot be one."""
    session_id, _, secret = (text or "")[:MAX_COOKIE_LENGTH].partition(".")
    try:
        return RefreshToken(UUID(session_id), secret) if secret else None
    except ValueError:
        return None


async def refresh_session(visit: SignInContext, cookie: str | None) -> SessionTokens:
    """Give the next access token, and the next refresh token for the one presented.

    Raises:
        Unauthenticated: the session is over, or the token was used before; then the whole family ends.
    """
    presented = parse_refresh_token(cookie)
    if presented is None:
        await record_authentication_failure(visit, REFRESH_ACTION)
        raise Unauthenticated("There is no refresh token; please sign in.")
    secret = generate_client_secret()
    with translate_database_errors():
        async with visit.database.session_factory() as session:
            record = await _rotate_refresh_token(session, presented, secret)
            user = await session.get(User, record.user_id) if record else None
            await session.commit()
    if record is None or user is None:
        await _reject_refresh(visit, presented)
        raise Unauthenticated("The session is over; please sign in again.")
    await record_authenticated_access(visit, REFRESH_ACTION, "person", user.id, record.id)
    return issue_session_tokens(user, record, secret)


async def _rotate_refresh_token(
    session: AsyncSession, presented: RefreshToken, secret: str
) -> AuthSession | None:
    """Put a new secret in the place of the presented one: of any number at once, one finds it there."""
    moment = utc_now()
    idle_end = moment + timedelta(seconds=get_settings().refresh_idle_seconds)
    active = exists().where(col(User.id) == col(AuthSession.user_id), col(User.is_active))
    statement = (
        update(AuthSession)
        .where(
            col(AuthSession.id) == presented.session_id,
            col(AuthSession.refresh_digest) == hash_secret(presented.secret),
            col(AuthSession.revoked_at).is_(None),
            col(AuthSession.idle_ends_at) > moment,
            # A token needs a whole second to live.
            col(AuthSession.ends_at) > moment + timedelta(seconds=1),
            active,
        )
        .values(
            refresh_digest=hash_secret(secret),
            refreshed_at=moment,
            idle_ends_at=func.least(idle_end, col(AuthSession.ends_at)),
        )
        .returning(AuthSession)
        .execution_options(synchronize_session=False)
    )
    return (await session.scalars(statement)).one_or_none()


async def _reject_refresh(visit: SignInContext, presented: RefreshToken) -> None:
    """End the family a used token belongs to, and log whose token was refused."""
    with translate_database_errors():
        async with visit.database.session_factory() as session:
            found = await session.get(AuthSession, presented.session_id)
            subject = found.user_id if found else None
            reused = bool(found and not verify_secret(presented.secret, found.refresh_digest or b""))
            if found and subject:
                await revoke_sessions(
                    session, subject, "reused" if reused else "idle", only_session_id=found.id
                )
            await session.commit()
    await record_authentication_failure(
        visit,
        REFRESH_REUSE_ACTION if reused and subject else REFRESH_ACTION,
        "person",
        subject,
        presented.session_id,
    )


async def sign_out(visit: SignInContext, bearer: str | None, cookie: str | None) -> None:
    """End the sessions that an access token and a refresh token belong to; one that is over is no error.

    Raises:
        Unauthenticated: the access token is not ours, and no refresh token came with it.
    """
    presented = parse_refresh_token(cookie)
    if presented is not None:
        await _end_session(visit, presented.session_id, presented)
    if bearer is None:
        return
    try:
        session_id = get_vault().access_tokens.verify_access_token(bearer).session_id
    except Unauthenticated:
        if presented is None:
            raise
        return
    await _end_session(visit, session_id, None)


async def _end_session(visit: SignInContext, session_id: UUID, presented: RefreshToken | None) -> None:
    with translate_database_errors():
        async with visit.database.session_factory() as session:
            found = await session.get(AuthSession, session_id)
    if found is None or found.user_id is None or found.revoked_at is not None:
        return
    if presented and not verify_secret(presented.secret, found.refresh_digest or b""):
        await _reject_refresh(visit, presented)
        return
    await record_authenticated_access(visit, SIGN_OUT_ACTION, "person", found.user_id, found.id, status=204)
    with translate_database_errors():
        async with visit.database.session_factory() as session:
            await revoke_sessions(session, found.user_id, "signed_out", only_session_id=found.id)
            await session.commit()


async def revoke_session_of_refresh_token(session: AsyncSession, cookie: str | None, because: str) -> None:
    """End the family of the refresh token a browser still holds, if it is the family's present one."""
    presented = parse_refresh_token(cookie)
    found = await session.get(AuthSession, presented.session_id) if presented else None
    if presented and found and found.user_id and verify_secret(presented.secret, found.refresh_digest or b""):
        await revoke_sessions(session, found.user_id, because, only_session_id=found.id)
