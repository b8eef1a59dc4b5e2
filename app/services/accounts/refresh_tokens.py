"""Refresh and sign-out by refresh token. `alembic/sql/functions/sessions.sql` decides how a token matches its session.

A refresh replaces the token. Within 30 seconds the replaced token gets the same successor again, because a response can
be lost and several tabs can refresh at the same time. Any other use of a replaced token proves that two parties hold
tokens of the session, so the session is revoked (RFC 9700, section 4.14.2). A token that was never issued changes
nothing.
"""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.access import session_store
from app.access.acts import ActWithoutPermission
from app.access.refresh_token import RefreshToken
from app.access.vault import get_vault
from app.config import get_settings
from app.database.errors import translate_database_errors
from app.errors import Unauthenticated
from app.models import User
from app.services.accounts.sessions import SessionTokens, issue_session_tokens, revoke_sessions
from app.services.accounts.sign_in_audit import (
    SignInContext,
    record_authenticated_access,
    record_authentication_failure,
)


async def refresh_session(context: SignInContext, cookie: str | None) -> SessionTokens:
    """Return the next access token of a session, and the refresh token that replaces the one in the cookie.

    Raises:
        Unauthenticated: the session has ended, or the token was replaced before, which revokes the session.
    """
    token = RefreshToken.parse(cookie)
    if token is None:
        await record_authentication_failure(context, ActWithoutPermission.account_refresh)
        raise Unauthenticated("The refresh token is missing. Please sign in.")
    successor = token.derive_successor()
    with translate_database_errors():
        async with context.database.session_factory() as session:
            refreshed = await session_store.refresh_session(
                session, token, successor, get_settings().refresh_idle_seconds
            )
            is_accepted = refreshed.outcome in {"current", "previous"}
            user = await session.get(User, refreshed.user_id) if is_accepted else None
            await session.commit()
    if user is None:
        await _record_refusal(context, refreshed.outcome, refreshed.user_id, token)
        raise Unauthenticated("The session has ended. Please sign in again.")
    await record_authenticated_access(
        context, ActWithoutPermission.account_refresh, "person", user.id, token.session_id
    )
    return issue_session_tokens(user, successor, refreshed)


async def _record_refusal(
    context: SignInContext, outcome: session_store.TokenOutcome, user_id: UUID | None, token: RefreshToken
) -> None:
    """Log a rejected token. The entry contains the user only if the token was issued for the session."""
    is_reused = outcome == "reused"
    action = ActWithoutPermission.account_refresh_reuse if is_reused else ActWithoutPermission.account_refresh
    await record_authentication_failure(context, action, "person", user_id, token.session_id)


async def sign_out_user(context: SignInContext, access_token: str | None, cookie: str | None) -> None:
    """Revoke the sessions of an access token and of a refresh token. A session that has ended is not an error.

    Raises:
        Unauthenticated: the access token is invalid, and there is no refresh token.
    """
    refresh_token = RefreshToken.parse(cookie)
    if refresh_token is not None:
        await _end_session_of_token(context, refresh_token)
    if access_token is None:
        return
    try:
        claims = get_vault().access_tokens.verify_access_token(access_token)
    except Unauthenticated:
        if refresh_token is None:
            raise
        return
    if claims.kind == "person":
        await _end_session(context, claims.subject, claims.session_id)


async def _end_session_of_token(context: SignInContext, token: RefreshToken) -> None:
    """End the session of a refresh token, even of a replaced one, unless the token was never issued."""
    with translate_database_errors():
        async with context.database.session_factory() as session:
            found = await session_store.find_session_by_token(session, token)
            if found.outcome == "reused" and found.user_id:
                await revoke_sessions(session, found.user_id, "reused", only_session_id=token.session_id)
                await session.commit()
    if found.outcome == "reused":
        await _record_refusal(context, found.outcome, found.user_id, token)
    elif found.outcome in {"current", "previous"} and found.user_id:
        await _end_session(context, found.user_id, token.session_id)


async def _end_session(context: SignInContext, user_id: UUID, session_id: UUID) -> None:
    """Log the sign-out in the session, then revoke it. A session that has ended is logged as a failure."""
    await record_authenticated_access(
        context, ActWithoutPermission.account_sign_out, "person", user_id, session_id, status=204
    )
    with translate_database_errors():
        async with context.database.session_factory() as session:
            await revoke_sessions(session, user_id, "signed_out", only_session_id=session_id)
            await session.commit()


async def revoke_session_of_refresh_token(session: AsyncSession, cookie: str | None, reason: str) -> None:
    """Revoke the session of the refresh token in a browser's cookie, unless the token was never issued."""
    token = RefreshToken.parse(cookie)
    found = await session_store.find_session_by_token(session, token) if token else None
    if token and found and found.user_id:
        await revoke_sessions(session, found.user_id, reason, only_session_id=token.session_id)
