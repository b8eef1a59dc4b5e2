"""Sessions of people. A session begins with a sign-in and ends by expiry or revocation.

Three lifetimes apply:

    idle          `refresh_idle_seconds` without a refresh (12 hours)
    absolute      `session_seconds` after the sign-in, however often it is refreshed (7 days)
    access token  `access_token_seconds` (10 minutes); refused at once when its session is revoked

The module `refresh_tokens` rotates the refresh tokens of a session.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import DateTime, and_, bindparam, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.caller import Caller
from app.access.passwords import generate_client_secret, hash_secret, parse_stored_password
from app.access.permissions import CHILD_DATA_ROLES
from app.access.reader import RecordReader
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
    refresh_token: str
    refresh_token_lifetime: int
    """Lifetime of the refresh token in seconds."""


COLUMN_FIELDS = [name for name in UserSession.model_fields if name in AuthSession.model_fields]
NOW = bindparam("now", type_=DateTime(timezone=True))
OWN_SESSIONS = ListQuery(
    "sessions",
    AuthSession,
    select(*(getattr(AuthSession, name) for name in COLUMN_FIELDS)),
    filters={
        "user_id": and_(
            col(AuthSession.user_id) == bindparam("user_id"),
            col(AuthSession.revoked_at).is_(None),
            col(AuthSession.idle_ends_at) > NOW,
            col(AuthSession.ends_at) > NOW,
        )
    },
    sorts={"created_at": col(AuthSession.created_at)},
)
"""The active sessions of a user."""


def needs_second_factor(roles: Iterable[str]) -> bool:
    """Return whether the roles of a user require a second factor in this installation."""
    return get_settings().is_mfa_required and not CHILD_DATA_ROLES.isdisjoint(roles)


def create_user_session(context: SignInContext, user: User) -> tuple[AuthSession, str]:
    """Return a new session of a user, not yet stored, and the secret of its first refresh token."""
    now, secret = utc_now(), generate_client_secret()
    ends_at = now + timedelta(seconds=get_settings().session_seconds)
    auth_session = AuthSession(
        id=new_id(),
        user_id=user.id,
        refresh_digest=hash_secret(secret),
        created_at=now,
        refreshed_at=now,
        idle_ends_at=min(now + timedelta(seconds=get_settings().refresh_idle_seconds), ends_at),
        ends_at=ends_at,
        address=context.address,
        user_agent=(context.user_agent or "")[:MAX_USER_AGENT_LENGTH] or None,
    )
    return auth_session, secret


def issue_session_tokens(user: User, auth_session: AuthSession, secret: str) -> SessionTokens:
    """Return a new access token of a session, with the refresh token for `secret`."""
    has_initial_password = parse_stored_password(user.password_hash).is_initial
    must_enroll = needs_second_factor(user.roles) and user.totp_confirmed_at is None
    lifetime = min(get_settings().access_token_seconds, _seconds_until(auth_session.ends_at))
    access_token = get_vault().access_tokens.issue_access_token(
        user.id,
        kind="person",
        session_id=auth_session.id,
        scope=ENROLLMENT_SCOPE if has_initial_password or must_enroll else FULL_SCOPE,
        lifetime=lifetime,
        auth_time=int(auth_session.created_at.timestamp()),
        amr=("pwd",) if user.totp_confirmed_at is None else ("pwd", "otp"),
    )
    response = UserAccessToken(
        access_token=access_token,
        token_type="Bearer",  # noqa: S106 - a kind of token, not one
        expires_in=lifetime,
        mfa_required=must_enroll,
        password_change_required=has_initial_password,
    )
    return SessionTokens(response, f"{auth_session.id}.{secret}", _seconds_until(auth_session.idle_ends_at))


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
    conditions = [col(AuthSession.user_id) == user_id, col(AuthSession.revoked_at).is_(None)]
    if only_session_id is None:
        await _revoke_calendar_feeds(session, user_id)
    else:
        conditions.append(col(AuthSession.id) == only_session_id)
    if except_session_id is not None:
        conditions.append(col(AuthSession.id) != except_session_id)
    revoked_ids = await session.scalars(
        update(AuthSession)
        .where(*conditions)
        .values({"revoked_at": utc_now(), "revoked_because": reason})
        .returning(col(AuthSession.id))
        .execution_options(synchronize_session=False)
    )
    return len(revoked_ids.all())


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
    page = await OWN_SESSIONS.fetch_page(reader, caller, page_query, within=within, now=utc_now())
    current_id = str(caller.session_id)
    items = [
        {**dict(zip(COLUMN_FIELDS, row, strict=False)), "current": row.id == current_id} for row in page.rows
    ]
    return UserSessionList.from_trusted_items(items, **page.fields)


async def end_own_session(session: AsyncSession, caller: Caller, session_id: UUID) -> None:
    """Revoke one of the caller's sessions.

    Raises:
        NotFound: the session does not exist, belongs to another user, or is revoked already.
    """
    if not await revoke_sessions(session, caller.id, "ended_by_person", only_session_id=session_id):
        raise NotFound


def _seconds_until(end: datetime) -> int:
    return max(1, int((end - utc_now()).total_seconds()))
