"""List the entries of the access log. Listing them is itself recorded in the log."""

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    DateTime,
    Select,
    SmallInteger,
    Uuid,
    and_,
    bindparam,
    column,
    func,
    or_,
    select,
    text,
    true,
    union_all,
)
from sqlalchemy.orm import join, outerjoin
from sqlmodel import col

from app.access.caller import Caller
from app.access.reader import ReadQuery, RecordReader, Shows
from app.errors import NotFound
from app.kit.cursors import decode_cursor, encode_cursor
from app.kit.reference_names import person_name
from app.models import AccessEntry, AccessEvent, ApiClient, BreakGlassGrant
from app.schemas.audit import AccessEntryFilters, AccessEntryList
from app.schemas.wire import PageQuery

OUTCOME_STARTED = "started"
"""Outcome of an event without an entry: the request is in progress, or its process ended without recording an outcome.
"""
MAX_COMPILED_SHAPES = 500
CLOCK_TOLERANCE = text("interval '2 minutes'")
"""Maximum difference between the time in the id of an event and its `opened_at`, which are read from the clock in turn."""
EARLIEST = text("timestamptz '1970-01-02'")
LATEST = datetime(9999, 1, 1, tzinfo=UTC)
"""Latest time of a filter. The driver sends the last moment of the year 9999 as an infinite time."""
SHOWN_RECORDS = (
    Shows("access", record_id="event_id"),
    Shows("break_glass", record_id="grant_id"),
)

SINCE: Any = bindparam("since", type_=DateTime(timezone=True))
UNTIL: Any = bindparam("until", type_=DateTime(timezone=True))
Condition = ColumnElement[bool]
RowSelect = Select[*tuple[Any, ...]]
EVENT_ID = col(AccessEvent.id)
ENTRY_EVENT_ID = col(AccessEntry.event_id)
ENTRY_NUMBER = func.coalesce(col(AccessEntry.n), 0)
"""Number of the entry in its event; 0 for an event without an entry."""
ENTRY_FILTERS: Mapping[str, Any] = {
    "child_id": col(AccessEntry.child_id),
    "case_id": col(AccessEntry.case_id),
    "record_kind": col(AccessEntry.record_kind),
    "record_id": col(AccessEntry.record_id),
}
EVENT_FILTERS: Mapping[str, Any] = {
    "actor_id": col(AccessEvent.actor_id),
    "act": col(AccessEvent.act),
    "request_id": col(AccessEvent.request_id),
}
RECORD_FILTERS = ("record_id", "case_id")
"""Filters from which the children are resolved. The log has an index by child only."""


class LogShape(NamedTuple):
    """The parts of a request that change the SQL of the list."""

    filters: frozenset[str]
    outcome: str | None
    has_cursor: bool
    limit: int


async def list_access_entries(
    reader: RecordReader, caller: Caller, filters: AccessEntryFilters
) -> AccessEntryList:
    """List access entries, newest first: one per request and child, or one without a child.

    The event of the current request is excluded.
    """
    parameters = filters.get_cursor_binding()
    binding = {**parameters, "for": caller.id}
    parameters["own_event_id"] = caller.access.event_id
    for name, moment in (("since", filters.since), ("until", filters.until)):
        if moment is not None:
            parameters[name] = min(moment, LATEST)
    if filters.cursor is not None:
        cursor = decode_cursor("accesses", binding, filters.cursor, 2)
        parameters["cursor_event_id"], parameters["cursor_n"] = cursor
    shape = LogShape(frozenset(parameters), filters.outcome, filters.cursor is not None, filters.limit)
    rows, has_more = await reader.fetch_page(_build_page_query(shape), filters.limit, **parameters)
    next_cursor = encode_cursor("accesses", binding, [rows[-1].event_id, rows[-1].n]) if has_more else None
    return AccessEntryList.from_trusted_items(list(map(_row_to_item, rows)), next_cursor)


async def list_child_access_entries(
    reader: RecordReader, caller: Caller, child_id: UUID, page: PageQuery
) -> AccessEntryList:
    """List the access entries of a child, newest first.

    Raises:
        NotFound: The child does not exist, or the caller cannot read its access log. An empty list means the same,
            because every child has the entry of the request that created it.
    """
    filters = AccessEntryFilters(child_id=child_id, limit=page.limit, cursor=page.cursor)
    entries = await list_access_entries(reader, caller, filters)
    if not entries.items and page.cursor is None:
        raise NotFound
    return entries


@lru_cache(MAX_COMPILED_SHAPES)
def _build_page_query(shape: LogShape) -> ReadQuery:
    """Return the query of a page: its entries, joined with their events."""
    page = _select_page(shape).limit(shape.limit + 1).subquery("page")
    client_name = (
        select(col(ApiClient.name)).where(col(ApiClient.id) == AccessEvent.actor_id).scalar_subquery()
    )
    grant_id = col(BreakGlassGrant.id)
    is_grant = and_(page.c.record_kind == "break_glass", grant_id == page.c.record_id)
    tables = join(page, AccessEvent, page.c.event_id == EVENT_ID)
    query = (
        select(
            *page.c,
            col(AccessEvent.opened_at),
            col(AccessEvent.kind),
            col(AccessEvent.actor_id),
            func.coalesce(person_name(col(AccessEvent.actor_id)), client_name).label("actor_name"),
            col(AccessEvent.roles),
            col(AccessEvent.act),
            col(AccessEvent.request_id),
            col(AccessEvent.address),
            grant_id.label("grant_id"),
            col(BreakGlassGrant.reason_encrypted),
        )
        .select_from(outerjoin(tables, BreakGlassGrant, is_grant))
        .order_by(page.c.event_id.desc(), page.c.n.desc())
    )
    return ReadQuery(query, shows=SHOWN_RECORDS)


def _select_page(shape: LogShape) -> RowSelect:
    """Select the entries of a page, newest first.

    With a filter by child, record or rejection, the entries are read by index. Otherwise, the events are read, newest first.
    """
    if "child_id" in shape.filters:
        return _select_entries(shape, ENTRY_FILTERS["child_id"] == bindparam("child_id", type_=Uuid))
    for name in RECORD_FILTERS:
        if name in shape.filters:
            return _select_entries_of_record(shape, name)
    if shape.outcome not in {
        None,
        "allowed",
        OUTCOME_STARTED,
    }:  # the entries of rejected requests have an index
        return _select_entries(shape, true()).order_by(ENTRY_NUMBER.desc())
    query = select(EVENT_ID.label("event_id"), *_select_entry_columns())
    query = query.select_from(AccessEvent).outerjoin(AccessEntry, ENTRY_EVENT_ID == EVENT_ID)
    query = query.where(*_build_conditions(shape, EVENT_ID), *_build_event_conditions(shape))
    return query.order_by(EVENT_ID.desc(), ENTRY_NUMBER.desc())


def _select_entries_of_record(shape: LogShape, name: str) -> RowSelect:
    """Select the entries of the children of a record, and those of the record from a time when it had no child.

    An entry has no child before a referral is accepted, and if the request was rejected.
    """
    record_id = bindparam(name, type_=Uuid)
    children = func.access.list_children_of_record(record_id).table_valued(column("id", Uuid), name="child")
    children = children.render_derived()
    entries = _select_entries(shape, ENTRY_FILTERS["child_id"] == children.c.id).limit(shape.limit + 1)
    entries_of_child = entries.lateral("child_entry")
    selects = [select(*entries_of_child.c).select_from(children).join(entries_of_child, true())]
    if name == "record_id":
        without_child = and_(ENTRY_FILTERS["child_id"].is_(None), ENTRY_FILTERS["record_id"] == record_id)
        selects.append(_select_entries(shape, without_child).limit(shape.limit + 1))
    rows = union_all(*selects).subquery("entries_of_record")
    return select(*rows.c).order_by(rows.c.event_id.desc(), rows.c.n.desc())


def _select_entries(shape: LogShape, condition: Condition) -> RowSelect:
    """Select entries of one child, or of one record without a child. Each event has at most one of them."""
    query = select(ENTRY_EVENT_ID.label("event_id"), *_select_entry_columns())
    query = query.where(condition, *_build_conditions(shape, ENTRY_EVENT_ID))
    if event_conditions := _build_event_conditions(shape):
        query = query.select_from(AccessEntry).join(AccessEvent, EVENT_ID == ENTRY_EVENT_ID)
        query = query.where(*event_conditions)
    return query.order_by(ENTRY_EVENT_ID.desc())


def _select_entry_columns() -> tuple[Any, ...]:
    return (
        ENTRY_NUMBER.label("n"),
        *ENTRY_FILTERS.values(),
        col(AccessEntry.outcome),
        col(AccessEntry.status),
    )


def _build_conditions(shape: LogShape, event_id: Any) -> list[Condition]:
    """Return the conditions on entries and on the ids of their events."""
    conditions = [event_id != bindparam("own_event_id", type_=Uuid)]
    conditions += [
        ENTRY_FILTERS[name] == bindparam(name, type_=ENTRY_FILTERS[name].type)
        for name in ENTRY_FILTERS
        if name in shape.filters
    ]
    if shape.outcome == OUTCOME_STARTED:
        conditions.append(ENTRY_EVENT_ID.is_(None))
    elif shape.outcome is not None:
        conditions.append(col(AccessEntry.outcome) == shape.outcome)
    # The ids of events contain the time. These conditions are an interval of the index and exclude partitions.
    if "since" in shape.filters:
        conditions.append(event_id >= _smallest_id(SINCE - CLOCK_TOLERANCE))
    if "until" in shape.filters:
        conditions.append(event_id < _smallest_id(UNTIL + CLOCK_TOLERANCE))
    if shape.has_cursor:
        cursor_id = bindparam("cursor_event_id", type_=Uuid)
        # The first condition is one of the index: PostgreSQL uses none with `coalesce` before the row policies.
        conditions += [
            event_id <= cursor_id,
            or_(event_id < cursor_id, bindparam("cursor_n", type_=SmallInteger) > ENTRY_NUMBER),
        ]
    return conditions


def _build_event_conditions(shape: LogShape) -> list[Condition]:
    conditions: list[Condition] = [
        event_column == bindparam(name, type_=event_column.type)
        for name, event_column in EVENT_FILTERS.items()
        if name in shape.filters
    ]
    if "since" in shape.filters:
        conditions.append(col(AccessEvent.opened_at) >= SINCE)
    if "until" in shape.filters:
        conditions.append(col(AccessEvent.opened_at) < UNTIL)
    return conditions


def _smallest_id(moment: Any) -> ColumnElement[UUID]:
    return func.access.smallest_uuid7(func.greatest(moment, EARLIEST), type_=Uuid)


def _row_to_item(row: Any) -> dict[str, Any]:
    record_kind = row.record_kind or "record"
    reason = row.grant_id and BreakGlassGrant.reason.decrypt(row.grant_id, row.reason_encrypted)
    return {
        "id": f"{row.event_id}.{row.n}",
        "event_id": row.event_id,
        "at": row.opened_at,
        "actor": {"id": row.actor_id, "name": row.actor_name, "roles": row.roles},
        "client_id": row.actor_id if row.kind == "client" else None,
        "act": row.act,
        "outcome": row.outcome or OUTCOME_STARTED,
        "status": row.status,
        "request_id": row.request_id,
        "child_id": row.child_id,
        "case_id": row.case_id,
        "record": row.record_id and {"kind": record_kind, "id": row.record_id},
        "reason": reason,
        "address": str(row.address) if row.address else None,
    }
