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

from app.access.actor import Actor
from app.access.passwords import fingerprint, matches, new_secret
from app.access.permissions import CHILD_FACING
from app.access.vault import vault
from app.config import settings
from app.database.errors import translated
from app.errors import NotFound, Unauthenticated
from app.kit.pagination import Paging
from app.models import CalendarFeed, SignIn, User
from app.models.record import new_id, now
from app.schemas.sign_in import SignedIn, SignInOut
from app.schemas.wire import Page, PageQuery
from app.services.accounts import initial_passwords
from app.services.accounts.sign_in_audit import Visit, let_in, turn_away

FULL = "full"
ENROL = "enrol"
"""A token's scope while something is left to set up: a password of one's own, a second factor."""

REFRESH = "account.refresh"
REUSE = "account.refresh_reuse"
SIGN_OUT = "account.sign_out"
LONGEST_COOKIE = 200
LONGEST_USER_AGENT = 300


@dataclass(frozen=True, slots=True)
class Tokens:
    """What a sign-in or refresh gives: the answer, and the refresh token for the cookie."""

    answer: SignedIn
    refresh_token: str
    lives: int
    """Seconds the refresh token lives."""


@dataclass(frozen=True, slots=True)
class RefreshToken:
    """A refresh token, read."""

    session_id: UUID
    secret: str


def read_refresh_token(text: str | None) -> RefreshToken | None:
    """Return the parts of a refresh token, or None where the text cannot be one."""
    session_id, _, secret = (text or "")[:LONGEST_COOKIE].partition(".")
    try:
        return RefreshToken(UUID(session_id), secret) if secret else None
    except ValueError:
        return None


def needs_second_factor(user: User) -> bool:
    """Whether the person's roles need a second factor here."""
    return settings().mfa_required and not CHILD_FACING.isdisjoint(user.roles)


def begin(visit: Visit, user: User) -> tuple[SignIn, str]:
    """Return a new session of a person and its first refresh secret."""
    begun, secret = now(), new_secret()
    ends_at = begun + timedelta(seconds=settings().session_seconds)
    record = SignIn(
        id=new_id(),
        user_id=user.id,
        refresh_digest=fingerprint(secret),
        created_at=begun,
        refreshed_at=begun,
        idle_ends_at=min(begun + timedelta(seconds=settings().refresh_idle_seconds), ends_at),
        ends_at=ends_at,
        address=visit.address,
        user_agent=(visit.user_agent or "")[:LONGEST_USER_AGENT] or None,
    )
    return record, secret


def tokens_for(user: User, record: SignIn, secret: str) -> Tokens:
    """Return the access token of a session, and its refresh token."""
    initial = initial_passwords.read(user.password_hash).is_initial
    enrolling = needs_second_factor(user) and user.totp_confirmed_at is None
    lifetime = min(settings().access_token_seconds, _seconds_until(record.ends_at))
    token = vault().tokens.issue(
        user.id,
        kind="person",
        session_id=record.id,
        scope=ENROL if initial or enrolling else FULL,
        lifetime=lifetime,
        auth_time=int(record.created_at.timestamp()),
        amr=("pwd",) if user.totp_confirmed_at is None else ("pwd", "otp"),
    )
    answer = SignedIn(
        access_token=token,
        token_type="Bearer",  # noqa: S106 - a kind of token, not one
        expires_in=lifetime,
        mfa_required=enrolling,
        password_change_required=initial,
    )
    return Tokens(answer, f"{record.id}.{secret}", _seconds_until(record.idle_ends_at))


async def refresh(visit: Visit, cookie: str | None) -> Tokens:
    """Give the next access token, and the next refresh token for the one presented.

    Raises:
        Unauthenticated: the session is over, or the token was used before; then the whole family ends.
    """
    presented = read_refresh_token(cookie)
    if presented is None:
        await turn_away(visit, REFRESH)
        raise Unauthenticated("There is no refresh token; please sign in.")
    secret = new_secret()
    with translated():
        async with visit.database.sessions() as session:
            record = await _rotated(session, presented, secret)
            user = await session.get(User, record.user_id) if record else None
            await session.commit()
    if record is None or user is None:
        await _refuse_refresh(visit, presented)
        raise Unauthenticated("The session is over; please sign in again.")
    await let_in(visit, REFRESH, "person", user.id, record.id)
    return tokens_for(user, record, secret)


async def _rotated(session: AsyncSession, presented: RefreshToken, secret: str) -> SignIn | None:
    """Put a new secret in the place of the presented one: of any number at once, one finds it there."""
    moment = now()
    idle_end = moment + timedelta(seconds=settings().refresh_idle_seconds)
    active = exists().where(col(User.id) == col(SignIn.user_id), col(User.is_active))
    statement = (
        update(SignIn)
        .where(
            col(SignIn.id) == presented.session_id,
            col(SignIn.refresh_digest) == fingerprint(presented.secret),
            col(SignIn.revoked_at).is_(None),
            col(SignIn.idle_ends_at) > moment,
            # A token needs a whole second to live.
            col(SignIn.ends_at) > moment + timedelta(seconds=1),
            active,
        )
        .values(
            refresh_digest=fingerprint(secret),
            refreshed_at=moment,
            idle_ends_at=func.least(idle_end, col(SignIn.ends_at)),
        )
        .returning(SignIn)
        .execution_options(synchronize_session=False)
    )
    return (await session.scalars(statement)).one_or_none()


async def _refuse_refresh(visit: Visit, presented: RefreshToken) -> None:
    """End the family a used token belongs to, and log whose token was refused."""
    with translated():
        async with visit.database.sessions() as session:
            found = await session.get(SignIn, presented.session_id)
            subject = found.user_id if found else None
            reused = bool(found and not matches(presented.secret, found.refresh_digest or b""))
            if found and subject:
                await end(session, subject, "reused" if reused else "idle", only=found.id)
            await session.commit()
    await turn_away(visit, REUSE if reused and subject else REFRESH, "person", subject, presented.session_id)


async def sign_out(visit: Visit, bearer: str | None, cookie: str | None) -> None:
    """End the sessions that an access token and a refresh token belong to; one that is over is no error.

    Raises:
        Unauthenticated: the access token is not ours, and no refresh token came with it.
    """
    presented = read_refresh_token(cookie)
    if presented is not None:
        await _sign_out(visit, presented.session_id, presented)
    if bearer is None:
        return
    try:
        session_id = vault().tokens.verify(bearer).session_id
    except Unauthenticated:
        if presented is None:
            raise
        return
    await _sign_out(visit, session_id, None)


async def _sign_out(visit: Visit, session_id: UUID, presented: RefreshToken | None) -> None:
    with translated():
        async with visit.database.sessions() as session:
            found = await session.get(SignIn, session_id)
    if found is None or found.user_id is None or found.revoked_at is not None:
        return
    if presented and not matches(presented.secret, found.refresh_digest or b""):
        await _refuse_refresh(visit, presented)
        return
    await let_in(visit, SIGN_OUT, "person", found.user_id, found.id, status=204)
    with translated():
        async with visit.database.sessions() as session:
            await end(session, found.user_id, "signed_out", only=found.id)
            await session.commit()


async def end_presented(session: AsyncSession, cookie: str | None, because: str) -> None:
    """End the family of the refresh token a browser still holds, if it is the family's present one."""
    presented = read_refresh_token(cookie)
    found = await session.get(SignIn, presented.session_id) if presented else None
    if presented and found and found.user_id and matches(presented.secret, found.refresh_digest or b""):
        await end(session, found.user_id, because, only=found.id)


async def end(
    session: AsyncSession, user_id: UUID, because: str, *, only: UUID | None = None, keep: UUID | None = None
) -> int:
    """End a person's sessions: every one, `only` one, or all but the one to `keep`. Return how many ended.

    Where it is more than one, their calendar feeds end too: whoever had got in may have made one.
    """
    chosen = [col(SignIn.user_id) == user_id, col(SignIn.revoked_at).is_(None)]
    if only is not None:
        chosen.append(col(SignIn.id) == only)
    if keep is not None:
        chosen.append(col(SignIn.id) != keep)
    if only is None:
        feeds = update(CalendarFeed).where(
            col(CalendarFeed.user_id) == user_id, col(CalendarFeed.revoked_at).is_(None)
        )
        await session.execute(
            feeds.values(revoked_at=now(), version=CalendarFeed.version + 1).execution_options(
                synchronize_session=False
            )
        )
    values = {"revoked_at": now(), "revoked_because": because}
    ended = await session.scalars(
        update(SignIn)
        .where(*chosen)
        .values(values)
        .returning(col(SignIn.id))
        .execution_options(synchronize_session=False)
    )
    return len(ended.all())


async def listed(session: AsyncSession, actor: Actor, page: PageQuery) -> Page[SignInOut]:
    """List the person's own sign-ins that are alive, newest first."""
    moment = now()
    paging = Paging("sessions", page.limit, page.cursor, {"of": actor.id})
    alive = select(SignIn).where(
        col(SignIn.user_id) == actor.id,
        col(SignIn.revoked_at).is_(None),
        col(SignIn.idle_ends_at) > moment,
        col(SignIn.ends_at) > moment,
    )
    rows, cursor = await paging.records(session, alive, col(SignIn.created_at), col(SignIn.id))
    return Page(items=[_shown(row, actor) for row in rows], next_cursor=cursor)


async def end_own(session: AsyncSession, actor: Actor, session_id: UUID) -> None:
    """End one of the person's own sign-ins.

    Raises:
        NotFound: there is none, or it is somebody else's, or it has ended.
    """
    if not await end(session, actor.id, "ended_by_person", only=session_id):
        raise NotFound


def _shown(record: SignIn, actor: Actor) -> SignInOut:
    return SignInOut(
        id=record.id,
        created_at=record.created_at,
        refreshed_at=record.refreshed_at,
        ends_at=record.ends_at,
        address=record.address,
        user_agent=record.user_agent,
        current=record.id == actor.session_id,
    )


def _seconds_until(moment: datetime) -> int:
    return max(1, int((moment - now()).total_seconds()))
