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
from app.access.actor import Actor
from app.access.passwords import fingerprint, new_secret
from app.access.permissions import Permission, may
from app.access.vault import vault
from app.config import settings
from app.database.errors import translated
from app.errors import Fault, NotFound, TooManyRequests
from app.kit.dates import today
from app.kit.pagination import Paging
from app.kit.state_machine import refuse
from app.models import CalendarFeed, User
from app.models.record import new_id, now
from app.rendering import icalendar
from app.rendering.icalendar import Event
from app.schemas.agenda import CalendarFeedIn, CalendarFeedOut, CalendarFeedWithAddress
from app.schemas.wire import Page, PageQuery
from app.services.accounts import sign_in_throttle as sign_in_attempts
from app.services.accounts.sign_in_audit import Visit, slow_down
from app.services.cases import agenda

ACT = "agenda.feed"
OPEN = "SELECT (opened).*, (feed).id AS feed_id, (feed).user_id, (feed).language FROM access.open_feed($1, $2, $3)"

MOST_FEEDS = 10
"""Alive at once, of one person."""
AHEAD = timedelta(days=120)
"""How far a feed looks: beyond the next three-monthly review."""
MOST_EVENTS = 1000
REFRESHED_EVERY = timedelta(hours=1)

NAMES = {"en": "Agenda", "km": "កិច្ចការ"}
WORDS: dict[str, dict[str, str]] = {
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


class Reader(NamedTuple):
    """Whose feed was asked for, as they are today, and in which language they want it."""

    actor: Actor
    language: str


async def create(session: AsyncSession, actor: Actor, wanted: CalendarFeedIn) -> CalendarFeedWithAddress:
    """Open a feed of one's agenda; its address is shown once, and only a digest of it is kept.

    Raises:
        AlreadyExists: the id is taken.
        GateRefused: as many feeds as somebody may have are alive.
    """
    await _refuse_too_many(session, actor)
    token = new_secret()
    feed = CalendarFeed(
        id=wanted.id or new_id(),
        user_id=actor.id,
        token_digest=fingerprint(token),
        name=wanted.name,
        language=wanted.language,
    )
    session.add(feed)
    await session.flush()  # a taken id must surface before the answer leaves
    return CalendarFeedWithAddress(
        **_shown(feed).model_dump(), url=f"{settings().issuer}/v1/calendar/{token}.ics"
    )


async def listed(session: AsyncSession, actor: Actor, page: PageQuery) -> Page[CalendarFeedOut]:
    """List the person's own feeds that are alive, newest first."""
    paging = Paging("calendar-feeds", page.limit, page.cursor, {"of": actor.id})
    alive = select(CalendarFeed).where(
        col(CalendarFeed.user_id) == actor.id, col(CalendarFeed.revoked_at).is_(None)
    )
    rows, cursor = await paging.records(session, alive, col(CalendarFeed.created_at), col(CalendarFeed.id))
    return Page(items=[_shown(row) for row in rows], next_cursor=cursor)


async def revoke(session: AsyncSession, actor: Actor, feed_id: UUID) -> None:
    """Close one of the person's own feeds: its address answers nothing from the next request on.

    Raises:
        NotFound: there is none, or it is somebody else's, or it was revoked before.
    """
    statement = (
        update(CalendarFeed)
        .where(
            col(CalendarFeed.id) == feed_id,
            col(CalendarFeed.user_id) == actor.id,
            col(CalendarFeed.revoked_at).is_(None),
        )
        .values(revoked_at=now())
        .returning(col(CalendarFeed.id))
    )
    if await session.scalar(statement) is None:
        raise NotFound


async def open_for_owner(visit: Visit, token: str) -> Reader:
    """Open the access of whose feed this is, by what a calendar knows: the token in the address.

    Nobody guesses 256 bits; slowing down who tries spares the log, which keeps every attempt. Only the token's digest
    is looked up, in an index: how long that takes says nothing about any token.

    Raises:
        NotFound: no feed has this token, or it was revoked, or its owner has left or may have no feed any more.
        TooManyRequests: too many attempts from this network failed.
    """
    limit = sign_in_attempts.of_feeds(visit.network)
    try:
        await sign_in_attempts.begin(visit.database, limit)
    except TooManyRequests:
        await slow_down(visit, ACT)
        raise
    with translated():
        found = await visit.database.gate.fetchrow(OPEN, fingerprint(token), visit.request_id, visit.address)
    if found["event_id"] is None:
        raise NotFound
    await sign_in_attempts.excuse(visit.database, limit)
    actor = _owner(found)
    if not may(actor.roles, Permission.agenda_feed_manage):
        await log.conclude(visit.database, actor.event_id, "forbidden", 404)
        raise NotFound
    return Reader(actor, found["language"])


async def read(session: AsyncSession, reader: Reader) -> str:
    """Return the owner's agenda as a calendar.

    It is read as ids, days and codes, by the agenda's own statement, and nothing of a case or child is loaded: what the
    calendar shows tells of none of them, not even an id. So the log holds that the feed was read, by whom and when, and
    no entries of children: an entry says that somebody was shown something of a child, and thousands a day that nobody
    was shown would bury the ones that count.
    """
    until = today() + AHEAD
    query = agenda.asked(reader.actor, until, until).order_by(*agenda.ORDER).limit(MOST_EVENTS)
    rows = (await session.execute(query)).all()
    events = [_event(reader, row) for row in rows]
    return icalendar.written(NAMES[reader.language], events, now(), reader.language, REFRESHED_EVERY)


def _event(reader: Reader, row: Any) -> Event:
    return Event(_uid(reader.actor.id, row), WORDS[reader.language][row.kind], row.due_on, row.at)


def _uid(owner_id: UUID, row: Any) -> str:
    """Return an id that stays with the entry and is not the record's: a lost phone must not name rows of a dump.

    A case stands in an agenda once for each of its milestones; of any other record the detail may change.
    """
    which = row.detail.encode() if row.kind == "milestone" else b""
    record = (row.record_kind.encode(), row.record_id.bytes)
    digest = vault().blind.digest(b"calendar", owner_id.bytes, *record, which)
    return str(UUID(bytes=digest[:16]))


def _owner(found: Any) -> Actor:
    return Actor(
        id=found["user_id"],
        kind="person",
        name=found["name"],
        roles=frozenset(found["roles"]),
        agency_id=None,
        teams=frozenset(found["teams"]),
        supervises=frozenset(found["supervises"]),
        session_id=found["feed_id"],
        event_id=found["event_id"],
        signed_in_at=None,
    )


async def _refuse_too_many(session: AsyncSession, actor: Actor) -> None:
    """Count with the owner's row locked: two feeds opened at once count each other."""
    await session.execute(
        select(col(User.id)).where(col(User.id) == actor.id).with_for_update(key_share=True)
    )
    alive = select(func.count()).where(
        col(CalendarFeed.user_id) == actor.id, col(CalendarFeed.revoked_at).is_(None)
    )
    if (await session.scalar(alive) or 0) >= MOST_FEEDS:
        refuse([Fault(None, "too_many", f"{MOST_FEEDS} feeds are alive: revoke one of them first.")])


def _shown(feed: CalendarFeed) -> CalendarFeedOut:
    return CalendarFeedOut(
        id=feed.id,
        name=feed.name,
        language="km" if feed.language == "km" else "en",
        created_at=feed.created_at,
        last_read_at=feed.last_read_at,
    )
