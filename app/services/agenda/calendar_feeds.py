"""Calendar feeds: the agenda of a staff member as iCalendar, at a secret address that can be revoked.

The token in the address is the only credential, and other people can look at the calendar on a phone. A feed therefore
contains times and one neutral title per entry, and no names or purposes. Entries that other people must not be able to
distinguish, such as a therapy session and a court date, have the same title.
"""

import asyncio
from datetime import timedelta
from functools import lru_cache
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import and_, bindparam, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access import log
from app.access.acts import ActWithoutPermission
from app.access.caller import Caller
from app.access.passwords import generate_client_secret, hash_secret
from app.access.permissions import Permission
from app.access.reader import NoShownRecord, ReadQuery, RecordReader
from app.access.session_records import record_change
from app.access.vault import get_vault
from app.config import get_settings
from app.database.errors import translate_database_errors
from app.errors import Fault, NotFound, TooManyRequests
from app.kit.dates import today
from app.kit.list_query import ListQuery
from app.kit.resources import Resource
from app.kit.state_machine import raise_if_unmet
from app.models import CalendarFeed, User
from app.models.record import new_id, utc_now
from app.rendering import icalendar
from app.rendering.icalendar import CalendarEvent
from app.schemas.agenda import CalendarFeed as CalendarFeedSchema
from app.schemas.agenda import CalendarFeedCreate, CalendarFeedList, CalendarFeedWithUrl
from app.schemas.wire import PageQuery
from app.services.accounts import sign_in_throttle
from app.services.accounts.sign_in_audit import SignInContext, record_throttled_attempt
from app.services.agenda import agenda
from app.services.agenda.disbursement_sources import DisbursementArms, list_disbursement_arms
from app.services.agenda.sources import AgendaRole, build_entries

OPEN_FEED_SQL = "SELECT (opened).*, (feed).id AS feed_id, (feed).user_id, (feed).language FROM access.open_calendar_feed($1, $2, $3, $4)"

MAX_ACTIVE_FEEDS = 10
"""Maximum number of active feeds per user."""
FEED_HORIZON = timedelta(days=120)
"""Period that a feed covers. It is long enough for the next three-monthly review."""
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
        "recall": "Call back",
        "referral": "To read",
        "exit": "Reminder",
        "pending_change": "To read",
        "first_contact": "Call back",
        "assessment": "Task",
        "care_plan": "Task",
        "draft": "Task",
        "partner_answer": "Call back",
        "person": "To read",
        "matching": "To read",
        "consent": "Reminder",
        "birthday": "Reminder",
        "unstaffed": "Task",
        "supervision_action": "Task",
        "supervision_meeting": "Appointment",
        "payment": "Task",
        "receipt": "Task",
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
        "recall": "ទូរស័ព្ទទៅវិញ",
        "referral": "ត្រូវអាន",
        "exit": "រំលឹក",
        "pending_change": "ត្រូវអាន",
        "first_contact": "ទូរស័ព្ទទៅវិញ",
        "assessment": "កិច្ចការ",
        "care_plan": "កិច្ចការ",
        "draft": "កិច្ចការ",
        "partner_answer": "ទូរស័ព្ទទៅវិញ",
        "person": "ត្រូវអាន",
        "matching": "ត្រូវអាន",
        "consent": "រំលឹក",
        "birthday": "រំលឹក",
        "unstaffed": "កិច្ចការ",
        "supervision_action": "កិច្ចការ",
        "supervision_meeting": "ការណាត់ជួប",
        "payment": "កិច្ចការ",
        "receipt": "កិច្ចការ",
    },
}
"""Title of a calendar event by language of the feed and kind of agenda entry."""


class FeedOwner(NamedTuple):
    """The owner of a requested feed, with the current roles and teams, and the language of the feed."""

    caller: Caller
    language: str


COLUMN_FIELDS = [name for name in CalendarFeedSchema.model_fields if name in CalendarFeed.model_fields]


def _row_to_fields(row: Any) -> dict[str, Any]:
    return dict(zip(COLUMN_FIELDS, row, strict=False))


FEEDS = Resource(
    ListQuery(
        "calendar-feeds",
        CalendarFeed,
        select(*(getattr(CalendarFeed, name) for name in COLUMN_FIELDS)),
        filters={
            "user_id": and_(
                col(CalendarFeed.user_id) == bindparam("user_id"), col(CalendarFeed.revoked_at).is_(None)
            )
        },
        sorts={"created_at": col(CalendarFeed.created_at)},
    ),
    CalendarFeedSchema,
    CalendarFeedList,
    _row_to_fields,
)
"""The active feeds of a user."""


async def create_calendar_feed(
    session: AsyncSession, caller: Caller, payload: CalendarFeedCreate
) -> CalendarFeedWithUrl:
    """Create a feed of the caller's agenda.

    The address is returned once; the database stores only a digest of its token.

    Raises:
        AlreadyExists: The id is taken.
        GateRefused: The caller has the maximum number of active feeds.
    """
    await _raise_if_too_many_feeds(session, caller)
    token = generate_client_secret()
    feed = CalendarFeed(
        id=payload.id or new_id(),
        user_id=caller.id,
        token_digest=hash_secret(token),
        name=payload.name,
        language=payload.language,
    )
    created = await FEEDS.save(session, feed)
    record_change(session, "user", caller.id, {"calendar_feed_id": (None, feed.id)})
    return CalendarFeedWithUrl(**created.model_dump(), url=f"{get_settings().issuer}/v1/calendar/{token}.ics")


async def list_calendar_feeds(
    reader: RecordReader, caller: Caller, page_query: PageQuery
) -> CalendarFeedList:
    """List the caller's active feeds, newest first."""
    return await FEEDS.list_page(reader, caller, page_query, within={"user_id": caller.id})


async def revoke_calendar_feed(session: AsyncSession, caller: Caller, feed_id: UUID) -> None:
    """Revoke one of the caller's feeds. From the next request on, the response at its address is 404.

    Raises:
        NotFound: The feed does not exist, belongs to another user, or is revoked.
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
    record_change(session, "user", caller.id, {"calendar_feed_id": (feed_id, None)})


async def open_feed_access(context: SignInContext, token: str) -> FeedOwner:
    """Open an access event for the owner of the feed with this token.

    A token has 256 random bits and cannot be guessed. The throttle protects the access log, which records every
    attempt. The query compares digests through an index, so its duration reveals nothing about a token.

    Raises:
        NotFound: No active feed has this token, or its owner is inactive or lacks the permission for feeds.
        TooManyRequests: Too many attempts from this network failed.
    """
    limit = sign_in_throttle.calendar_feed_limit(context.network)
    try:
        await sign_in_throttle.count_attempt(context.database, limit)
    except TooManyRequests:
        await record_throttled_attempt(context, ActWithoutPermission.agenda_feed)
        raise
    with translate_database_errors():
        opened = await context.database.access_pool.fetchrow(
            OPEN_FEED_SQL, hash_secret(token), context.request_id, context.address, context.correlation_id
        )
    if opened["event_id"] is None:
        raise NotFound
    await sign_in_throttle.undo_attempt(context.database, limit)
    caller = Caller.from_opened_access(
        opened, subject_id=opened["user_id"], kind="person", session_id=opened["feed_id"]
    )
    if not caller.has_permission(Permission.agenda_feed_manage):
        await log.conclude_access(context.database, log.Conclusion(caller.access, "forbidden", 404))
        raise NotFound
    return FeedOwner(caller, opened["language"])


async def render_calendar_feed(reader: RecordReader, owner: FeedOwner) -> str:
    """Return the owner's agenda as an iCalendar document."""
    parameters = await agenda.get_agenda_parameters(reader, owner.caller, today() + FEED_HORIZON)
    roles = agenda.list_agenda_roles(owner.caller)
    query = _build_feed_query(roles, list_disbursement_arms(owner.caller)) if roles else None
    rows = await reader.fetch(query, **parameters) if query else []
    events = [_to_event(owner, row) for row in rows]
    return await asyncio.to_thread(  # up to a fifth of a second, which would block the event loop
        icalendar.render_icalendar,
        CALENDAR_NAMES[owner.language],
        events,
        utc_now(),
        owner.language,
        REFRESH_INTERVAL,
    )


@lru_cache
def _build_feed_query(roles: tuple[AgendaRole, ...], arms: DisbursementArms) -> ReadQuery:
    """Return the query of a feed. It selects ids, days and codes.

    The calendar contains nothing about a child, not even an id. The access log therefore contains the event of the
    download, but no entry per child. An entry means that data of the child was disclosed, and thousands of wrong entries
    a day would hide the correct entries.
    """
    entries = build_entries(roles, arms)
    columns = (entries.c[name] for name in ("kind", "due_on", "at", "record_kind", "record_id", "detail"))
    query = select(*columns).order_by(*agenda.get_sort_columns(entries)).limit(MAX_EVENTS)
    return ReadQuery(query, shows=NoShownRecord("a calendar contains nothing about a child"))


def _to_event(owner: FeedOwner, row: Any) -> CalendarEvent:
    return CalendarEvent(
        _build_event_uid(owner.caller.id, row), EVENT_TITLES[owner.language][row.kind], row.due_on, row.at
    )


def _build_event_uid(owner_id: UUID, row: Any) -> str:
    """Return a stable id of an event that differs from the record's id.

    The calendar on a lost phone must not help to identify rows of a stolen database dump. A case can have several entries:
    their ids contain the kind, and the id of a milestone also `detail`. Other ids do not, because both may change.
    """
    milestone = (row.detail or "").encode() if row.kind == "milestone" else b""
    kind = row.kind if row.record_kind == "case" and row.kind != "milestone" else ""
    record = (f"{row.record_kind}{kind}".encode(), UUID(row.record_id).bytes)
    digest = get_vault().blind_index.compute_digest(b"calendar", owner_id.bytes, *record, milestone)
    return str(UUID(bytes=digest[:16]))


async def _raise_if_too_many_feeds(session: AsyncSession, caller: Caller) -> None:
    """Count the active feeds after locking the user's row, so that concurrent requests count each other's feeds."""
    await session.execute(
        select(col(User.id)).where(col(User.id) == caller.id).with_for_update(key_share=True)
    )
    active_count = select(func.count()).where(
        col(CalendarFeed.user_id) == caller.id, col(CalendarFeed.revoked_at).is_(None)
    )
    if (await session.scalar(active_count) or 0) >= MAX_ACTIVE_FEEDS:
        raise_if_unmet(
            [Fault(None, "too_many", f"You have {MAX_ACTIVE_FEEDS} active feeds. Revoke one of them first.")]
        )
