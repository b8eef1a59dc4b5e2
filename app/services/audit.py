"""List the entries of the access log. Listing them is itself recorded in the log."""

from collections.abc import Iterable
from uuid import UUID

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.caller import Caller
from app.errors import NotFound
from app.kit.pagination import Paginator
from app.models import AccessEntry, AccessEvent, ApiClient, BreakGlassGrant, User
from app.schemas.audit import AccessActor, AccessEntryFilters, AccessEntryList, AccessRecord
from app.schemas.audit import AccessEntry as AccessEntrySchema
from app.schemas.wire import PageQuery

OUTCOME_STARTED = "started"
"""Outcome of an event without an entry: the request is in progress, or its process ended without recording an outcome.
"""
ENTRY_NUMBER = func.coalesce(col(AccessEntry.n), 0)
"""Number of the entry in its event; 0 for an event without an entry."""


async def list_access_entries(
    session: AsyncSession, caller: Caller, filters: AccessEntryFilters
) -> AccessEntryList:
    """List access entries, newest first: one per request and child, or one without a child.

    The event of the current request is excluded.
    """
    active_filters = filters.model_dump(exclude={"limit", "cursor"}, exclude_none=True)
    paginator = Paginator("accesses", filters.limit, filters.cursor, {**active_filters, "for": caller.id})
    query = (
        select(AccessEvent, AccessEntry)
        .outerjoin(AccessEntry, col(AccessEntry.event_id) == col(AccessEvent.id))
        .where(col(AccessEvent.id) != caller.access.event_id, *_filter_conditions(filters))
    )
    rows, cursor = await paginator.fetch_rows(session, query, col(AccessEvent.id), ENTRY_NUMBER)
    log_rows: list[tuple[AccessEvent, AccessEntry | None]] = [(row[0], row[1]) for row in rows]
    names = await _load_caller_names(session, [event for event, _ in log_rows])
    reasons = await _load_break_glass_reasons(session, [entry for _, entry in log_rows])
    return AccessEntryList(
        items=[_to_schema(event, entry, names, reasons) for event, entry in log_rows], next_cursor=cursor
    )


async def list_child_access_entries(
    session: AsyncSession, caller: Caller, child_id: UUID, page: PageQuery
) -> AccessEntryList:
    """List the access entries of a child, newest first.

    Raises:
        NotFound: The child does not exist, or the caller cannot read its access log. An empty list means the same,
            because every child has the entry of the request that created it.
    """
    filters = AccessEntryFilters(child_id=child_id, limit=page.limit, cursor=page.cursor)
    entries = await list_access_entries(session, caller, filters)
    if not entries.items and page.cursor is None:
        raise NotFound
    return entries


def _filter_conditions(filters: AccessEntryFilters) -> list[ColumnElement[bool]]:
    values = {
        col(AccessEntry.child_id): filters.child_id,
        col(AccessEntry.case_id): filters.case_id,
        col(AccessEvent.actor_id): filters.actor_id,
        col(AccessEvent.act): filters.act,
        col(AccessEvent.request_id): filters.request_id,
    }
    conditions: list[ColumnElement[bool]] = [
        column == value for column, value in values.items() if value is not None
    ]
    if filters.outcome is not None:
        conditions.append(func.coalesce(col(AccessEntry.outcome), OUTCOME_STARTED) == filters.outcome)
    if filters.since is not None:
        conditions.append(col(AccessEvent.opened_at) >= filters.since)
    if filters.until is not None:
        conditions.append(col(AccessEvent.opened_at) < filters.until)
    return conditions


async def _load_caller_names(session: AsyncSession, events: Iterable[AccessEvent]) -> dict[UUID, str]:
    ids = {event.actor_id for event in events if event.actor_id is not None}
    users = select(col(User.id), col(User.name)).where(col(User.id).in_(ids))
    api_clients = select(col(ApiClient.id), col(ApiClient.name)).where(col(ApiClient.id).in_(ids))
    return {row[0]: row[1] for row in await session.execute(users.union_all(api_clients))}


async def _load_break_glass_reasons(
    session: AsyncSession, entries: Iterable[AccessEntry | None]
) -> dict[UUID, str]:
    """Return the reasons of the break-glass grants that the entries refer to, by id of the grant."""
    grant_ids = {
        entry.record_id for entry in entries if entry is not None and entry.record_kind == "break_glass"
    }
    if not grant_ids:
        return {}
    grants = await session.scalars(select(BreakGlassGrant).where(col(BreakGlassGrant.id).in_(grant_ids)))
    return {grant.id: grant.reason for grant in grants}


def _to_schema(
    event: AccessEvent, entry: AccessEntry | None, names: dict[UUID, str], reasons: dict[UUID, str]
) -> AccessEntrySchema:
    actor_id = event.actor_id
    return AccessEntrySchema(
        id=f"{event.id}.{entry.n if entry else 0}",
        event_id=event.id,
        at=event.opened_at,
        actor=AccessActor(id=actor_id, name=names.get(actor_id) if actor_id else None, roles=event.roles),
        client_id=actor_id if event.kind == "client" else None,
        act=event.act,
        outcome=entry.outcome if entry else OUTCOME_STARTED,
        status=entry.status if entry else None,
        request_id=event.request_id,
        child_id=entry.child_id if entry else None,
        case_id=entry.case_id if entry else None,
        record=_to_access_record(entry),
        reason=reasons.get(entry.record_id) if entry and entry.record_id else None,
        address=str(event.address) if event.address else None,
    )


def _to_access_record(entry: AccessEntry | None) -> AccessRecord | None:
    if entry is None or entry.record_id is None:
        return None
    return AccessRecord(kind=entry.record_kind or "record", id=entry.record_id)
