"""Sessions of people. A session begins with a sign-in and ends by expiry or revocation.

Three lifetimes apply:

    idle          `refresh_idle_seconds` without a refresh (12 hours)
    absolute      `session_seconds` after the sign-in, however often it is refreshed (7 days)
    access token  `access_token_seconds` (10 minutes); refused immediately when its session is revoked

The module `refresh_tokens` rotates the refresh tokens of a session.
"""

import time
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import and_, bindparam, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access import session_store
from app.access.caller import Caller
from app.access.reader import RecordReader
from app.access.refresh_token import RefreshToken
from app.access.session_records import record_change
from app.access.vault import get_vault
from app.config import get_settings
from app.errors import NotFound
from app.kit.list_query import ListQuery
from app.models import AuthSession, CalendarFeed, User
from app.models.record import new_id, utc_now
from app.schemas.sign_in import UserAccessToken, UserSession, UserSessionList
from app.schemas.wire import PageQuery
from app.services.accounts.sign_in_audit import SignInContext

FULL_SCOPE = "full"
ENROLLMENT_SCOPE = "enrol"
"""Scope of a token while the user must still choose a password or set up a second factor."""
MAX_USER_AGENT_LENGTH = 300


@dataclass(frozen=True, slots=True)
class SessionTokens:
    """The tokens that a sign-in or refresh issues: the response body, and the refresh token for the cookie."""

    response: UserAccessToken
    session_id: UUID
    refresh_token: str
    refresh_token_lifetime: int
    """Lifetime of the refresh token in seconds."""


COLUMN_FIELDS = [name for name in UserSession.model_fields if name in AuthSession.model_fields]
OWN_SESSIONS = ListQuery(
    "sessions",
    AuthSession,
    select(*(getattr(AuthSession, name) for name in COLUMN_FIELDS)),
    filters={
        "user_id": and_(
            col(AuthSession.user_id) == bindparam("user_id"),
            col(AuthSession.revoked_at).is_(None),
            col(AuthSession.idle_ends_at) > func.now(),
            col(AuthSession.ends_at) > func.now(),
        )
    },
    sorts={"created_at": col(AuthSession.created_at)},
)
"""The active sessions of a user."""


async def begin_user_session(session: AsyncSession, context: SignInContext, user: User) -> SessionTokens:
    """Begin a session of a user and return its first tokens. They are valid after the commit."""
    settings, session_id = get_settings(), new_id()
    refresh_token = RefreshToken.generate(session_id)
    new_session = session_store.NewSession(
        session_id,
        user_id=user.id,
        client_id=None,
        seconds=settings.session_seconds,
        idle_seconds=settings.refresh_idle_seconds,
        refresh_token=refresh_token,
        address=context.address,
        user_agent=(context.user_agent or "")[:MAX_USER_AGENT_LENGTH] or None,
    )
    await session_store.begin_session(session, new_session)
    idle_seconds = min(settings.refresh_idle_seconds, settings.session_seconds)
    begun = session_store.RefreshedSession("current", user.id, 0, idle_seconds, settings.session_seconds)
    return issue_session_tokens(user, refresh_token, begun)


def issue_session_tokens(
    user: User, refresh_token: RefreshToken, refreshed: session_store.RefreshedSession
) -> SessionTokens:
    """Return a new access token of a session, with the refresh token for the cookie."""
    has_initial_password = user.initial_password_expires_at is not None
    must_enroll = get_settings().is_mfa_required and user.totp_confirmed_at is None
    lifetime = max(1, min(get_settings().access_token_seconds, refreshed.remaining_seconds))
    access_token = get_vault().access_tokens.issue_access_token(
        user.id,
        kind="person",
        session_id=refresh_token.session_id,
        scope=ENROLLMENT_SCOPE if has_initial_password or must_enroll else FULL_SCOPE,
        lifetime=lifetime,
        # The age comes from the clock of the database, `iat` and this time from the clock of this process.
        auth_time=int(time.time()) - refreshed.age_seconds,
        amr=("pwd",) if user.totp_confirmed_at is None else ("pwd", "otp"),
    )
    response = UserAccessToken(
        access_token=access_token,
        token_type="Bearer",  # noqa: S106 - a kind of token, not one
        expires_in=lifetime,
        mfa_required=must_enroll,
        password_change_required=has_initial_password,
        activation_required=user.activation_digest is not None,
    )
    return SessionTokens(
        response, refresh_token.session_id, str(refresh_token), max(1, refreshed.idle_seconds)
    )


async def revoke_sessions(
    session: AsyncSession,
    user_id: UUID,
    reason: str,
    *,
    only_session_id: UUID | None = None,
    except_session_id: UUID | None = None,
) -> int:
    """Revoke the active sessions of a user and return their number.

    Revokes all of them, only `only_session_id`, or all except `except_session_id`. Unless a single session is revoked,
    the calendar feeds of the user are revoked too: an intruder may have created one.
    """
    if only_session_id is None:
        await _revoke_calendar_feeds(session, user_id)
    return await session_store.revoke_sessions_of(
        session,
        reason,
        user_id=user_id,
        only_session_id=only_session_id,
        except_session_id=except_session_id,
    )


async def _revoke_calendar_feeds(session: AsyncSession, user_id: UUID) -> None:
    await session.execute(
        update(CalendarFeed)
        .where(col(CalendarFeed.user_id) == user_id, col(CalendarFeed.revoked_at).is_(None))
        .values(revoked_at=utc_now(), version=CalendarFeed.version + 1)
        .execution_options(synchronize_session=False)
    )


async def list_own_sessions(reader: RecordReader, caller: Caller, page_query: PageQuery) -> UserSessionList:
    """Return one page of the caller's active sessions, newest first."""
    within = {"user_id": caller.id}
    page = await OWN_SESSIONS.fetch_page(reader, caller, page_query, within=within)
    current_id = str(caller.session_id)
    items = [
        {**dict(zip(COLUMN_FIELDS, row, strict=False)), "current": row.id == current_id} for row in page.rows
    ]
    return UserSessionList.from_trusted_items(items, **page.fields)


async def end_own_sessions(session: AsyncSession, caller: Caller) -> None:
    """Revoke all sessions of the caller. The access log records the number."""
    count = await revoke_sessions(session, caller.id, "ended_by_person")
    record_change(session, "user", caller.id, {"sessions": (count, 0)})


async def end_own_session(session: AsyncSession, caller: Caller, session_id: UUID) -> None:
    """Revoke one of the caller's sessions.

    Raises:
        NotFound: the session does not exist, belongs to another user, or is revoked already.
    """
    if not await revoke_sessions(session, caller.id, "ended_by_person", only_session_id=session_id):
        raise NotFound
    record_change(session, "user", caller.id, {"session_id": (session_id, None)})
