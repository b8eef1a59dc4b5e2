"""The SQL of the list of access entries: the pages, and the interval of the log that a page examines."""

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any
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
from app.services.audit_shape import (
    ENTRY_FILTERS,
    EVENT_FILTERS,
    FILTERS,
    OUTCOME_STARTED,
    RECORD_FILTERS,
    LogShape,
)

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
ENTRY_COLUMNS = (
    *ENTRY_FILTERS.values(),
    col(AccessEntry.outcome),
    col(AccessEntry.status),
    col(AccessEntry.changes),
)


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
            col(AccessEvent.correlation_id),
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
        return _merge_entries(
            _select_entries_of_child(shape), _select_entries_before_acceptance(shape, index)
        )
    if index in RECORD_FILTERS:
        return _select_entries_of_record(shape, index)
    return _select_entries(shape, true()).order_by(col(AccessEntry.n).desc())


def _select_entries_of_child(shape: LogShape) -> RowSelect:
    """Select the entries of a child, and for a data protection officer those of the records that were merged into it."""
    children = func.access.list_children_in_log(bindparam("child_id", type_=Uuid))
    child = children.table_valued(column("id", Uuid), name="child").render_derived()
    own_shape = shape._replace(parameters=shape.parameters - {"child_id"})
    of_child = _select_entries(own_shape, ENTRY_FILTERS["child_id"] == child.c.id).limit(shape.limit + 1)
    entries = of_child.lateral("child_entry")
    return select(*entries.c).select_from(child).join(entries, true())


def _select_entries_of_record(shape: LogShape, name: str) -> RowSelect:
    """Select the entries of the children of a record, and the entries of the record itself that have no child.

    An entry has no child if the referral was not accepted yet, or if the record belongs to no child.
    """
    record_id = bindparam(name, type_=Uuid)
    children = func.access.list_children_of_record(record_id).table_valued(column("id", Uuid), name="child")
    children = children.render_derived()
    of_child = _select_entries(shape, ENTRY_FILTERS["child_id"] == children.c.id).limit(shape.limit + 1)
    entries_of_child = of_child.lateral("child_entry")
    entries = select(*entries_of_child.c).select_from(children).join(entries_of_child, true())
    if name == "case_id":
        return _merge_entries(entries, _select_entries_before_acceptance(shape, name))
    without_child = and_(ENTRY_FILTERS["child_id"].is_(None), ENTRY_FILTERS["record_id"] == record_id)
    return _merge_entries(entries, _select_entries(shape, without_child).limit(shape.limit + 1))


def _select_entries_before_acceptance(shape: LogShape, name: str) -> RowSelect:
    """Select the entries about the referrals of a child or case that were written before the acceptance.

    They have no child and no case. An index contains them by record.
    """
    record_ids = func.access.list_referral_records(bindparam(name, type_=Uuid))
    referral = record_ids.table_valued(column("id", Uuid), name="referral_record").render_derived()
    without_child = and_(ENTRY_FILTERS["child_id"].is_(None), ENTRY_FILTERS["record_id"] == referral.c.id)
    parameters = shape.parameters - {"child_id", "case_id"}
    entries = _select_entries(shape._replace(parameters=parameters), without_child).limit(shape.limit + 1)
    entries_of_referral = entries.lateral("referral_entry")
    return select(*entries_of_referral.c).select_from(referral).join(entries_of_referral, true())


def _merge_entries(*selects: RowSelect) -> RowSelect:
    rows = union_all(*selects).subquery("merged")
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
