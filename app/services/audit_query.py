"""The SQL of the list of access entries: the pages, and the interval of the log that a page examines."""

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
    cast,
    column,
    func,
    null,
    or_,
    select,
    text,
    true,
    union_all,
)
from sqlalchemy.orm import join, outerjoin
from sqlmodel import col

from app.access.reader import NoShownRecord, ReadQuery, ShownRecord
from app.kit.reference_names import person_name
from app.models import AccessEntry, AccessEvent, ApiClient, BreakGlassGrant

OUTCOME_STARTED = "started"
"""Outcome of an event without an entry: the request is in progress, or its process ended without recording an outcome.
"""
MAX_EXAMINED_ROWS = 2_000
"""Number of requests or entries that one page examines if the index that it reads does not contain all filters."""
MAX_COMPILED_SHAPES = 500
CLOCK_TOLERANCE = text("interval '2 minutes'")
"""Maximum difference between the time in the id of an event and its `opened_at`. The clock is read once for each."""
EARLIEST = text("timestamptz '1970-01-02'")
LATEST = datetime(9999, 1, 1, tzinfo=UTC)
"""Latest time of a filter. The driver sends the last moment of the year 9999 as an infinite time."""
SHOWN_RECORDS = (
    ShownRecord("access", record_id="event_id"),
    ShownRecord("break_glass", record_id="grant_id"),
)

SINCE: Any = bindparam("since", type_=DateTime(timezone=True))
UNTIL: Any = bindparam("until", type_=DateTime(timezone=True))
CURSOR_EVENT_ID: Any = bindparam("cursor_event_id", type_=Uuid)
Condition = ColumnElement[bool]
RowSelect = Select[*tuple[Any, ...]]
EVENT_ID = col(AccessEvent.id)
ENTRY_EVENT_ID = col(AccessEntry.event_id)
ENTRY_FILTERS: Mapping[str, Any] = {
    "child_id": col(AccessEntry.child_id),
    "case_id": col(AccessEntry.case_id),
    "record_kind": col(AccessEntry.record_kind),
    "record_id": col(AccessEntry.record_id),
}
ENTRY_COLUMNS = (*ENTRY_FILTERS.values(), col(AccessEntry.outcome), col(AccessEntry.status))
EVENT_FILTERS: Mapping[str, Any] = {
    "request_id": col(AccessEvent.request_id),
    "actor_id": col(AccessEvent.actor_id),
    "act": col(AccessEvent.act),
}
FILTERS = {*ENTRY_FILTERS, *EVENT_FILTERS}
RECORD_FILTERS = ("record_id", "case_id")
"""Filters for which the query reads the entries of the children of the record. The log has no index by record."""


class LogShape(NamedTuple):
    """The parts of a request that change the SQL of the list."""

    parameters: frozenset[str]
    """Names of the filters and of the other parameters of the statement."""
    outcome: str | None
    limit: int
    can_read_all: bool
    """Whether the caller can read all entries. Other callers are supervisors."""

    @property
    def indexed_filter(self) -> str | None:
        """The filter whose index the list reads. None reads all events, newest first."""
        for name in ("request_id", "child_id", *RECORD_FILTERS):
            if name in self.parameters:
                return name
        if self.outcome not in {None, "allowed", OUTCOME_STARTED}:
            return "outcome"  # the entries of rejected requests have an index
        return next((name for name in ("actor_id", "act") if name in self.parameters), None)

    @property
    def counts_all_events(self) -> bool:
        """Whether the interval counts all events of the log, not only the rows of one index.

        For the filters `act` and `outcome` of a supervisor, it counts all events, because the row policies remove the
        events of other teams.
        """
        return self.indexed_filter is None or (
            self.indexed_filter in {"act", "outcome"} and not self.can_read_all
        )

    @property
    def needs_interval(self) -> bool:
        """Whether a page examines an interval only, because the index does not contain all filters."""
        if self.indexed_filter == "request_id":
            return False
        others = FILTERS & self.parameters - ({self.indexed_filter} - {*RECORD_FILTERS})
        has_other_outcome = self.outcome is not None and self.indexed_filter != "outcome"
        is_filtered_by_policy = self.counts_all_events and not self.can_read_all
        return bool(others) or has_other_outcome or is_filtered_by_policy


@lru_cache(MAX_COMPILED_SHAPES)
def build_interval_query(shape: LogShape) -> ReadQuery:
    """Return the query of the oldest event that a page examines.

    The query returns no row if the page can examine all remaining events.
    """
    index = shape.indexed_filter
    if shape.counts_all_events:
        examined = select(
            func.access.find_earlier_event(
                _build_upper_bound(shape.parameters), MAX_EXAMINED_ROWS, type_=Uuid
            ).label("event_id")
        )
    else:
        unfiltered = shape._replace(
            parameters=shape.parameters - FILTERS,
            outcome=shape.outcome if index == "outcome" else None,
            limit=MAX_EXAMINED_ROWS,
        )
        if index is not None and index in EVENT_FILTERS:
            examined = select(EVENT_ID.label("event_id")).order_by(EVENT_ID.desc())
            examined = examined.where(
                *_build_id_conditions(unfiltered, EVENT_ID), _is_equal(EVENT_FILTERS, index)
            )
        else:
            examined = _select_entries_by_index(unfiltered, index)
        examined = examined.offset(MAX_EXAMINED_ROWS).limit(1)
    start = examined.subquery("start")
    is_in_time = start.c.event_id >= _smallest_id(SINCE) if "since" in shape.parameters else true()
    query = select(start.c.event_id).where(start.c.event_id.is_not(None), is_in_time)
    return ReadQuery(
        query, shows=NoShownRecord("the id of the event is used only for the interval and the cursor")
    )


def _build_upper_bound(parameters: frozenset[str]) -> Any:
    """Return the event id before which events are counted, or NULL for the end of the log."""
    if "cursor_event_id" in parameters:
        return CURSOR_EVENT_ID
    return _smallest_id(UNTIL + CLOCK_TOLERANCE) if "until" in parameters else cast(null(), Uuid)


@lru_cache(MAX_COMPILED_SHAPES)
def build_page_query(shape: LogShape) -> ReadQuery:
    """Return the query of a page: its entries, joined with their events."""
    if shape.indexed_filter is None or shape.indexed_filter in EVENT_FILTERS:
        entries = _select_events_with_entries(shape)
    else:
        entries = _select_entries_by_index(shape, shape.indexed_filter)
    page = entries.limit(shape.limit + 1).subquery("page")
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


def _select_events_with_entries(shape: LogShape) -> RowSelect:
    """Select events with their entries, newest first. An event without an entry has the number 0."""
    # OFFSET 0 keeps PostgreSQL from flattening the subquery and joining the events with all entries of the log.
    entries = select(col(AccessEntry.n), *ENTRY_COLUMNS).where(ENTRY_EVENT_ID == EVENT_ID).offset(0)
    if shape.outcome == OUTCOME_STARTED:
        entries = entries.limit(1)  # an event with an entry has another outcome
    entry = entries.lateral("entry")
    number = func.coalesce(entry.c.n, 0)
    query = select(
        EVENT_ID.label("event_id"),
        number.label("n"),
        *(entry.c[entry_column.key] for entry_column in ENTRY_COLUMNS),
    )
    query = query.select_from(outerjoin(AccessEvent, entry, true())).where(
        *_build_id_conditions(shape, EVENT_ID),
        *_build_event_conditions(shape),
        *_build_entry_conditions(shape, entry.c, EVENT_ID, number),
    )
    return query.order_by(EVENT_ID.desc(), number.desc())


def _select_entries_by_index(shape: LogShape, index: str | None) -> RowSelect:
    """Select the entries of a child, of the children of a record, or of rejected requests, newest first."""
    if index == "child_id":
        return _select_entries(shape, _is_equal(ENTRY_FILTERS, index))
    if index in RECORD_FILTERS:
        return _select_entries_of_record(shape, index)
    return _select_entries(shape, true()).order_by(col(AccessEntry.n).desc())


def _select_entries_of_record(shape: LogShape, name: str) -> RowSelect:
    """Select the entries of the children of a record, and the entries of the record itself that have no child.

    An entry has no child if the request was rejected, or if the referral was not accepted yet.
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
    """Select the entries that meet a condition, newest first.

    If several of them can belong to one event, add their number as the second order.
    """
    columns, number = AccessEntry.__table__.c, col(AccessEntry.n)  # type: ignore[attr-defined]  # set by SQLModel
    query = select(ENTRY_EVENT_ID.label("event_id"), number, *ENTRY_COLUMNS).where(
        condition,
        *_build_id_conditions(shape, ENTRY_EVENT_ID),
        *_build_entry_conditions(shape, columns, ENTRY_EVENT_ID, number),
    )
    if event_conditions := _build_event_conditions(shape):
        # OFFSET 0 keeps PostgreSQL from flattening the subquery and joining the entries with all matching events.
        event = select(EVENT_ID).where(EVENT_ID == ENTRY_EVENT_ID, *event_conditions).correlate(AccessEntry)
        query = query.where(event.offset(0).exists())
    return query.order_by(ENTRY_EVENT_ID.desc())


def _build_id_conditions(shape: LogShape, event_id: Any) -> list[Condition]:
    """Return the bounds of the page as conditions on event ids. The id of an event contains its time."""
    bounds = {
        "own_event_id": event_id != bindparam("own_event_id", type_=Uuid),
        "since": event_id >= _smallest_id(SINCE - CLOCK_TOLERANCE),
        "until": event_id < _smallest_id(UNTIL + CLOCK_TOLERANCE),
        "cursor_event_id": event_id <= CURSOR_EVENT_ID,
        "interval_start": event_id >= bindparam("interval_start", type_=Uuid),
    }
    return [condition for name, condition in bounds.items() if name in shape.parameters]


def _build_entry_conditions(shape: LogShape, columns: Any, event_id: Any, number: Any) -> list[Condition]:
    conditions = [
        columns[name] == bindparam(name, type_=ENTRY_FILTERS[name].type)
        for name in ENTRY_FILTERS
        if name in shape.parameters
    ]
    if shape.outcome == OUTCOME_STARTED:
        conditions.append(columns.n.is_(None))
    elif shape.outcome is not None:
        conditions.append(columns.outcome == shape.outcome)
    if "cursor_n" in shape.parameters:
        conditions.append(or_(event_id < CURSOR_EVENT_ID, bindparam("cursor_n", type_=SmallInteger) > number))
    return conditions


def _build_event_conditions(shape: LogShape) -> list[Condition]:
    conditions = [_is_equal(EVENT_FILTERS, name) for name in EVENT_FILTERS if name in shape.parameters]
    if "since" in shape.parameters:
        conditions.append(col(AccessEvent.opened_at) >= SINCE)
    if "until" in shape.parameters:
        conditions.append(col(AccessEvent.opened_at) < UNTIL)
    return conditions


def _is_equal(columns: Mapping[str, Any], name: str) -> Condition:
    condition: Condition = columns[name] == bindparam(name, type_=columns[name].type)
    return condition


def _smallest_id(moment: Any) -> ColumnElement[UUID]:
    return func.access.smallest_uuid7(func.greatest(moment, EARLIEST), type_=Uuid)
