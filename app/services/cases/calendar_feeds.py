"""Calendar feeds: one's agenda on one's phone, behind an address that can be revoked.

The address is the only proof, and a calendar is seen by whoever sees the phone. So a feed says when somebody is busy
and in one neutral word with what; never with whom, nor what for. Two kinds that a stranger must not tell apart, a
therapy session and a day in court, have the same word.
"""

from datetime import timedelta
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access import log
from app.access.caller import Caller
from app.access.passwords import generate_client_secret, hash_secret
from app.access.permissions import Permission, has_permission
from app.access.vault import get_vault
from app.config import get_settings
from app.database.errors import translate_database_errors
from app.errors import Fault, NotFound, TooManyRequests
from app.kit.dates import today
from app.kit.pagination import Paginator
from app.kit.state_machine import raise_if_unmet
from app.models import CalendarFeed, User
from app.models.record import new_id, utc_now
from app.rendering import icalendar
from app.rendering.icalendar import CalendarEvent
from app.schemas.agenda import CalendarFeed as CalendarFeedSchema
from app.schemas.agenda import CalendarFeedCreate, CalendarFeedWithUrl
from app.schemas.wire import Page, PageQuery
from app.services.accounts import sign_in_throttle as sign_in_attempts
from app.services.accounts.sign_in_audit import SignInContext, record_throttled_attempt
from app.services.cases import agenda

FEED_ACCESS_ACTION = "agenda.feed"
OPEN_FEED_SQL = "SELECT (opened).*, (feed).id AS feed_id, (feed).user_id, (feed).language FROM access.open_calendar_feed($1, $2, $3)"

MAX_ACTIVE_FEEDS = 10
"""Alive at once, of one person."""
FEED_HORIZON = timedelta(days=120)
"""How far a feed looks: beyond the next three-monthly review."""
MAX_EVENTS = 1000
REFRESH_INTERVAL = timedelta(hours=1)

CALENDAR_NAMES = {"en": "Agenda", "km": "កិច្ចការ"}
EVENT_TITLES: dict[str, dict[str, str]] = {
    "en": {
        "review": "Review",
        "session": "Appointment",
        "action": "Task",
        "follow_up": "Call back",
        "milestone": "Reminder",
        "approval": "To read",
        "returned": "To revise",
        "legal_step": "Appointment",
        "service_referral": "Call back",
        "referral": "To read",
        "exit": "Reminder",
    },
    "km": {
        "review": "ពិនិត្យ",
        "session": "ការណាត់ជួប",
        "action": "កិច្ចការ",
        "follow_up": "ទូរស័ព្ទទៅវិញ",
        "milestone": "រំលឹក",
        "approval": "ត្រូវអាន",
        "returned": "ត្រូវកែសម្រួល",
        "legal_step": "ការណាត់ជួប",
        "service_referral": "ទូរស័ព្ទទៅវិញ",
        "referral": "ត្រូវអាន",
        "exit": "រំលឹក",
    },
}
"""What a calendar shows for each kind of entry, by the feed's language."""


class FeedOwner(NamedTuple):
    """Whose feed was asked for, as they are today, and in which language they want it."""

    caller: Caller
    language: str


async def create_calendar_feed(
    session: AsyncSession, caller: Caller, wanted: CalendarFeedCreate
) -> CalendarFeedWithUrl:
    """Open a feed of one's agenda; its address is shown once, and only a digest of it is kept.

    Raises:
        AlreadyExists: the id is taken.
        GateRefused: as many feeds as somebody may have are alive.
    """
    await _raise_if_too_many_feeds(session, caller)
    token = generate_client_secret()
    feed = CalendarFeed(
        id=wanted.id or new_id(),
        user_id=caller.id,
        token_digest=hash_secret(token),
        name=wanted.name,
        language=wanted.language,
    )
    session.add(feed)
    await session.flush()  # a taken id must surface before the answer leaves
    return CalendarFeedWithUrl(
        **_to_schema(feed).model_dump(), url=f"{get_settings().issuer}/v1/calendar/{token}.ics"
    )


async def list_calendar_feeds(
    session: AsyncSession, caller: Caller, page: PageQuery
) -> Page[CalendarFeedSchema]:
    """List the person's own feeds that are alive, newest first."""
    paging = Paginator("calendar-feeds", page.limit, page.cursor, {"of": caller.id})
    alive = select(CalendarFeed).where(
        col(CalendarFeed.user_id) == caller.id, col(CalendarFeed.revoked_at).is_(None)
    )
    rows, cursor = await paging.fetch_records(
        session, alive, col(CalendarFeed.created_at), col(CalendarFeed.id)
    )
    return Page(items=[_to_schema(row) for row in rows], next_cursor=cursor)


async def revoke_calendar_feed(session: AsyncSession, caller: Caller, feed_id: UUID) -> None:
    """Close one of the person's own feeds: its address answers nothing from the next request on.

    Raises:
        NotFound: there is none, or it is somebody else's, or it was revoked before.
    """
    statement = (
        update(CalendarFeed)
        .where(
            col(CalendarFeed.id) == feed_id,
            col(CalendarFeed.user_id) == caller.id,
            col(CalendarFeed.revoked_at).is_(None),
        )
        .values(revoked_at=utc_now())
        .returning(col(CalendarFeed.id))
    )
    if await session.scalar(statement) is None:
        raise NotFound


async def open_feed_access(visit: SignInContext, token: str) -> FeedOwner:
    """Open the access of whose feed this is, by what a calendar knows: the token in the address.

    Nobody guesses 256 bits; slowing down who tries spares the log, which keeps every attempt. Only the token's digest
    is looked up, in an index: how long that takes says nothing about any token.

    Raises:
        NotFound: no feed has this token, or it was revoked, or its owner has left or may have no feed any more.
        TooManyRequests: too many attempts from this network failed.
    """
    limit = sign_in_attempts.calendar_feed_limit(visit.network)
    try:
        await sign_in_attempts.count_attempt(visit.database, limit)
    except TooManyRequests:
        await record_throttled_attempt(visit, FEED_ACCESS_ACTION)
        raise
    with translate_database_errors():
        found = await visit.database.access_pool.fetchrow(
            OPEN_FEED_SQL, hash_secret(token), visit.request_id, visit.address
        )
    if found["event_id"] is None:
        raise NotFound
    await sign_in_attempts.undo_attempt(visit.database, limit)
    actor = _to_caller(found)
    if not has_permission(actor.roles, Permission.agenda_feed_manage):
        await log.conclude_access_event(visit.database, actor.event_id, "forbidden", 404)
        raise NotFound
    return FeedOwner(actor, found["language"])


async def render_calendar_feed(session: AsyncSession, reader: FeedOwner) -> str:
    """Return the owner's agenda as a calendar.

    It is read as ids, days and codes, by the agenda's own statement, and nothing of a case or child is loaded: what the
    calendar shows tells of none of them, not even an id. So the log holds that the feed was read, by whom and when, and
    no entries of children: an entry says that somebody was shown something of a child, and thousands a day that nobody
    was shown would bury the ones that count.
    """
    until = today() + FEED_HORIZON
    query = (
        agenda.build_agenda_query(reader.caller, until, until)
        .order_by(*agenda.AGENDA_SORT_ORDER)
        .limit(MAX_EVENTS)
    )
    rows = (await session.execute(query)).all()
    events = [_to_event(reader, row) for row in rows]
    return icalendar.render_icalendar(
        CALENDAR_NAMES[reader.language], events, utc_now(), reader.language, REFRESH_INTERVAL
    )


def _to_event(reader: FeedOwner, row: Any) -> CalendarEvent:
    return CalendarEvent(
        _event_uid(reader.caller.id, row), EVENT_TITLES[reader.language][row.kind], row.due_on, row.at
    )


def _event_uid(owner_id: UUID, row: Any) -> str:
    """Return an id that stays with the entry and is not the record's: a lost phone must not name rows of a dump.

    A case stands in an agenda once for each of its milestones; of any other record the detail may change.
    """
    which = row.detail.encode() if row.kind == "milestone" else b""
    record = (row.record_kind.encode(), row.record_id.bytes)
    digest = get_vault().blind_index.compute_digest(b"calendar", owner_id.bytes, *record, which)
    return str(UUID(bytes=digest[:16]))


def _to_caller(found: Any) -> Caller:
    return Caller(
        id=found["user_id"],
        kind="person",
        name=found["name"],
        roles=frozenset(found["roles"]),
        agency_id=None,
        team_ids=frozenset(found["teams"]),
        supervised_team_ids=frozenset(found["supervises"]),
        session_id=found["feed_id"],
        event_id=found["event_id"],
        signed_in_at=None,
    )


async def _raise_if_too_many_feeds(session: AsyncSession, caller: Caller) -> None:
    """Count with the owner's row locked: two feeds opened at once count each other."""
    await session.execute(
        select(col(User.id)).where(col(User.id) == caller.id).with_for_update(key_share=True)
    )
    alive = select(func.count()).where(
        col(CalendarFeed.user_id) == caller.id, col(CalendarFeed.revoked_at).is_(None)
    )
    if (await session.scalar(alive) or 0) >= MAX_ACTIVE_FEEDS:
        raise_if_unmet(
            [Fault(None, "too_many", f"{MAX_ACTIVE_FEEDS} feeds are alive: revoke one of them first.")]
        )


def _to_schema(feed: CalendarFeed) -> CalendarFeedSchema:
    return CalendarFeedSchema(
        id=feed.id,
        name=feed.name,
        language="km" if feed.language == "km" else "en",
        created_at=feed.created_at,
        last_read_at=feed.last_read_at,
    )
