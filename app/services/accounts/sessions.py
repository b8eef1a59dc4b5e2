"""Sessions: a person's sign-in is a family of refresh tokens, each good once, until it ends or is ended.

    idle          `refresh_idle_seconds` without a refresh (12 hours)
    absolute      `session_seconds` after the sign-in, however often it is refreshed (7 days)
    access token  `access_token_seconds` (10 minutes), dead at once when its session is ended

A refresh token is "<session id>.<secret>"; only the secret's fingerprint is stored. One atomic update rotates it. A
secret that was good before and comes again means that two hold the family: it ends (RFC 9700, section 4.14.2).
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import exists, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.actor import Caller
from app.access.passwords import generate_client_secret, hash_secret, verify_secret
from app.access.permissions import CHILD_DATA_ROLES
from app.access.vault import get_vault
from app.config import get_settings
from app.database.errors import translate_database_errors
from app.errors import NotFound, Unauthenticated
from app.kit.pagination import Paginator
from app.models import AuthSession, CalendarFeed, User
from app.models.record import new_id, utc_now
from app.schemas.sign_in import UserAccessToken, UserSession
from app.schemas.wire import Page, PageQuery
from app.services.accounts import initial_passwords
from app.services.accounts.sign_in_audit import (
    SignInContext,
    record_authenticated_access,
    record_authentication_failure,
)

FULL_SCOPE = "full"
ENROLLMENT_SCOPE = "enrol"
"""A token's scope while something is left to set up: a password of one's own, a second factor."""

REFRESH_ACTION = "account.refresh"
REFRESH_REUSE_ACTION = "account.refresh_reuse"
SIGN_OUT_ACTION = "account.sign_out"
MAX_COOKIE_LENGTH = 200
MAX_USER_AGENT_LENGTH = 300


@dataclass(frozen=True, slots=True)
class SessionTokens:
    """What a sign-in or refresh gives: the answer, and the refresh token for the cookie."""

    response: UserAccessToken
    refresh_token: str
    refresh_token_lifetime: int
    """Seconds the refresh token lives."""


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
