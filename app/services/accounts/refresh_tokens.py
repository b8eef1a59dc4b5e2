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

from app.access.acts import ActWithoutPermission
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

MAX_COOKIE_LENGTH = 200


@dataclass(frozen=True, slots=True)
class RefreshToken:
    """The parts of a refresh token."""

    session_id: UUID
    secret: str

    def matches(self, auth_session: AuthSession) -> bool:
        """Return whether this is the current refresh token of a session."""
        return verify_secret(self.secret, auth_session.refresh_digest or b"")


def parse_refresh_token(text: str | None) -> RefreshToken | None:
    """Return the parts of a refresh token, or None if the text is not one."""
    session_id, _, secret = (text or "")[:MAX_COOKIE_LENGTH].partition(".")
    try:
        return RefreshToken(UUID(session_id), secret) if secret else None
    except ValueError:
        return None


async def refresh_session(context: SignInContext, cookie: str | None) -> SessionTokens:
    """Return the next access token of a session, and a new refresh token that replaces the one in the cookie.

    Raises:
        Unauthenticated: the session has ended, or the token was used before. In both cases the session is revoked.
    """
    token = parse_refresh_token(cookie)
    if token is None:
        await record_authentication_failure(context, ActWithoutPermission.account_refresh)
        raise Unauthenticated("The refresh token is missing. Please sign in.")
    new_secret = generate_client_secret()
    with translate_database_errors():
        async with context.database.session_factory() as session:
            auth_session = await _rotate_refresh_token(session, token, new_secret)
            user = await session.get(User, auth_session.user_id) if auth_session else None
            await session.commit()
    if auth_session is None or user is None:
        await _reject_refresh(context, token)
        raise Unauthenticated("The session has ended. Please sign in again.")
    await record_authenticated_access(
        context, ActWithoutPermission.account_refresh, "person", user.id, auth_session.id
    )
    return issue_session_tokens(user, auth_session, new_secret)


async def _rotate_refresh_token(
    session: AsyncSession, token: RefreshToken, new_secret: str
) -> AuthSession | None:
    """Replace the secret of an active session in one update, so that only one of several concurrent refreshes succeeds.

    Returns None if the token is not the current one of an active session.
    """
    now = utc_now()
    idle_ends_at = now + timedelta(seconds=get_settings().refresh_idle_seconds)
    user_is_active = exists().where(col(User.id) == col(AuthSession.user_id), col(User.is_active))
    statement = (
        update(AuthSession)
        .where(
            col(AuthSession.id) == token.session_id,
            col(AuthSession.refresh_digest) == hash_secret(token.secret),
            col(AuthSession.revoked_at).is_(None),
            col(AuthSession.idle_ends_at) > now,
            # The lifetime of an access token is at least one second.
            col(AuthSession.ends_at) > now + timedelta(seconds=1),
            user_is_active,
        )
        .values(
            refresh_digest=hash_secret(new_secret),
            refreshed_at=now,
            idle_ends_at=func.least(idle_ends_at, col(AuthSession.ends_at)),
        )
        .returning(AuthSession)
        .execution_options(synchronize_session=False)
    )
    return (await session.scalars(statement)).one_or_none()


async def _reject_refresh(context: SignInContext, token: RefreshToken) -> None:
    """Revoke the session of a rejected refresh token, and log the refusal with the session's user."""
    with translate_database_errors():
        async with context.database.session_factory() as session:
            auth_session = await session.get(AuthSession, token.session_id)
            user_id = auth_session.user_id if auth_session else None
            is_reused = bool(auth_session and not token.matches(auth_session))
            if auth_session and user_id:
                reason = "reused" if is_reused else "idle"
                await revoke_sessions(session, user_id, reason, only_session_id=auth_session.id)
            await session.commit()
    action = (
        ActWithoutPermission.account_refresh_reuse
        if is_reused and user_id
        else ActWithoutPermission.account_refresh
    )
    await record_authentication_failure(context, action, "person", user_id, token.session_id)


async def sign_out_user(context: SignInContext, access_token: str | None, cookie: str | None) -> None:
    """Revoke the sessions of an access token and of a refresh token. A session that has ended is not an error.

    Raises:
        Unauthenticated: the access token is invalid, and there is no refresh token.
    """
    refresh_token = parse_refresh_token(cookie)
    if refresh_token is not None:
        await _end_session(context, refresh_token.session_id, refresh_token)
    if access_token is None:
        return
    try:
        session_id = get_vault().access_tokens.verify_access_token(access_token).session_id
    except Unauthenticated:
        if refresh_token is None:
            raise
        return
    await _end_session(context, session_id, None)


async def _end_session(context: SignInContext, session_id: UUID, token: RefreshToken | None) -> None:
    with translate_database_errors():
        async with context.database.session_factory() as session:
            auth_session = await session.get(AuthSession, session_id)
    if auth_session is None or auth_session.user_id is None or auth_session.revoked_at is not None:
        return
    if token and not token.matches(auth_session):
        await _reject_refresh(context, token)
        return
    user_id = auth_session.user_id
    await record_authenticated_access(
        context, ActWithoutPermission.account_sign_out, "person", user_id, auth_session.id, status=204
    )
    with translate_database_errors():
        async with context.database.session_factory() as session:
            await revoke_sessions(session, user_id, "signed_out", only_session_id=auth_session.id)
            await session.commit()


async def revoke_session_of_refresh_token(session: AsyncSession, cookie: str | None, reason: str) -> None:
    """Revoke the session of the refresh token in a browser's cookie, if the token is the current one."""
    token = parse_refresh_token(cookie)
    auth_session = await session.get(AuthSession, token.session_id) if token else None
    if token and auth_session and auth_session.user_id and token.matches(auth_session):
        await revoke_sessions(session, auth_session.user_id, reason, only_session_id=auth_session.id)
