"""Sessions of people. A session begins with a sign-in and ends by expiry or revocation.

Three lifetimes apply:

    idle          `refresh_idle_seconds` without a refresh (12 hours)
    absolute      `session_seconds` after the sign-in, however often it is refreshed (7 days)
    access token  `access_token_seconds` (10 minutes); refused at once when its session is revoked

`refresh_tokens` rotates the refresh tokens of a session.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.caller import Caller
from app.access.passwords import generate_client_secret, hash_secret
from app.access.permissions import CHILD_DATA_ROLES
from app.access.vault import get_vault
from app.config import get_settings
from app.errors import NotFound
from app.kit.pagination import Paginator
from app.models import AuthSession, CalendarFeed, User
from app.models.record import new_id, utc_now
from app.schemas.sign_in import UserAccessToken, UserSession
from app.schemas.wire import Page, PageQuery
from app.services.accounts import initial_passwords
from app.services.accounts.sign_in_audit import SignInContext

FULL_SCOPE = "full"
ENROLLMENT_SCOPE = "enrol"
"""A token's scope while something is left to set up: a password of one's own, a second factor."""

MAX_USER_AGENT_LENGTH = 300


@dataclass(frozen=True, slots=True)
class SessionTokens:
    """What a sign-in or refresh gives: the answer, and the refresh token for the cookie."""

    response: UserAccessToken
    refresh_token: str
    refresh_token_lifetime: int
    """Seconds the refresh token lives."""


def needs_second_factor(user: User) -> bool:
    """Whether the person's roles need a second factor here."""
    return get_settings().is_mfa_required and not CHILD_DATA_ROLES.isdisjoint(user.roles)


def create_user_session(visit: SignInContext, user: User) -> tuple[AuthSession, str]:
    """Return a new session of a person and its first refresh secret."""
    begun, secret = utc_now(), generate_client_secret()
    ends_at = begun + timedelta(seconds=get_settings().session_seconds)
    record = AuthSession(
        id=new_id(),
        user_id=user.id,
        refresh_digest=hash_secret(secret),
        created_at=begun,
        refreshed_at=begun,
        idle_ends_at=min(begun + timedelta(seconds=get_settings().refresh_idle_seconds), ends_at),
        ends_at=ends_at,
        address=visit.address,
        user_agent=(visit.user_agent or "")[:MAX_USER_AGENT_LENGTH] or None,
    )
    return record, secret


def issue_session_tokens(user: User, record: AuthSession, secret: str) -> SessionTokens:
    """Return the access token of a session, and its refresh token."""
    initial = initial_passwords.parse_stored_password(user.password_hash).is_initial
    enrolling = needs_second_factor(user) and user.totp_confirmed_at is None
    lifetime = min(get_settings().access_token_seconds, _seconds_until(record.ends_at))
    token = get_vault().access_tokens.issue_access_token(
        user.id,
        kind="person",
        session_id=record.id,
        scope=ENROLLMENT_SCOPE if initial or enrolling else FULL_SCOPE,
        lifetime=lifetime,
        auth_time=int(record.created_at.timestamp()),
        amr=("pwd",) if user.totp_confirmed_at is None else ("pwd", "otp"),
    )
    answer = UserAccessToken(
        access_token=token,
        token_type="Bearer",  # noqa: S106 - a kind of token, not one
        expires_in=lifetime,
        mfa_required=enrolling,
        password_change_required=initial,
    )
    return SessionTokens(answer, f"{record.id}.{secret}", _seconds_until(record.idle_ends_at))


async def revoke_sessions(
    session: AsyncSession,
    user_id: UUID,
    because: str,
    *,
    only_session_id: UUID | None = None,
    except_session_id: UUID | None = None,
) -> int:
    """End a person's sessions: every one, `only` one, or all but the one to `keep`. Return how many ended.

    Where it is more than one, their calendar feeds end too: whoever had got in may have made one.
    """
    chosen = [col(AuthSession.user_id) == user_id, col(AuthSession.revoked_at).is_(None)]
    if only_session_id is not None:
        chosen.append(col(AuthSession.id) == only_session_id)
    if except_session_id is not None:
        chosen.append(col(AuthSession.id) != except_session_id)
    if only_session_id is None:
        feeds = update(CalendarFeed).where(
            col(CalendarFeed.user_id) == user_id, col(CalendarFeed.revoked_at).is_(None)
        )
        await session.execute(
            feeds.values(revoked_at=utc_now(), version=CalendarFeed.version + 1).execution_options(
                synchronize_session=False
            )
        )
    values = {"revoked_at": utc_now(), "revoked_because": because}
    ended = await session.scalars(
        update(AuthSession)
        .where(*chosen)
        .values(values)
        .returning(col(AuthSession.id))
        .execution_options(synchronize_session=False)
    )
    return len(ended.all())


async def list_own_sessions(session: AsyncSession, caller: Caller, page: PageQuery) -> Page[UserSession]:
    """List the person's own sign-ins that are alive, newest first."""
    moment = utc_now()
    paging = Paginator("sessions", page.limit, page.cursor, {"of": caller.id})
    alive = select(AuthSession).where(
        col(AuthSession.user_id) == caller.id,
        col(AuthSession.revoked_at).is_(None),
        col(AuthSession.idle_ends_at) > moment,
        col(AuthSession.ends_at) > moment,
    )
    rows, cursor = await paging.fetch_records(
        session, alive, col(AuthSession.created_at), col(AuthSession.id)
    )
    return Page(items=[_to_schema(row, caller) for row in rows], next_cursor=cursor)


async def end_own_session(session: AsyncSession, caller: Caller, session_id: UUID) -> None:
    """End one of the person's own sign-ins.

    Raises:
        NotFound: there is none, or it is somebody else's, or it has ended.
    """
    if not await revoke_sessions(session, caller.id, "ended_by_person", only_session_id=session_id):
        raise NotFound


def _to_schema(record: AuthSession, caller: Caller) -> UserSession:
    return UserSession(
        id=record.id,
        created_at=record.created_at,
        refreshed_at=record.refreshed_at,
        ends_at=record.ends_at,
        address=record.address,
        user_agent=record.user_agent,
        current=record.id == caller.session_id,
    )


def _seconds_until(moment: datetime) -> int:
    return max(1, int((moment - utc_now()).total_seconds()))
