"""List the entries of the access log. Listing them is itself recorded in the log."""

from typing import Any
from uuid import UUID

from app.access.acts import ActWithoutPermission
from app.access.caller import Caller
from app.access.permissions import Permission, Role
from app.access.reader import RecordReader
from app.errors import Fault, InvalidInput, NotFound
from app.kit.cursors import decode_cursor, encode_cursor
from app.kit.list_query import get_compiled_limit
from app.models import BreakGlassGrant
from app.schemas.audit import AccessEntryFilters, AccessEntryList
from app.schemas.wire import PageQuery
from app.services.audit_query import (
    LATEST,
    build_interval_query,
    build_page_query,
)
from app.services.audit_shape import OUTCOME_STARTED, LogShape

ACTS = sorted([*Permission, *ActWithoutPermission])


async def list_access_entries(
    reader: RecordReader, caller: Caller, filters: AccessEntryFilters
) -> AccessEntryList:
    """List access entries, newest first: one per request and child, or one without a child.

    The event of the current request is excluded. If no index contains all filters, a page examines a limited interval of
    the log. It can then have fewer entries than its limit, and the next page continues before the interval.

    Raises:
        InvalidInput: The act is unknown, or the cursor is not valid for this list and the caller.
    """
    _validate_act(filters.act)
    parameters = filters.get_cursor_binding()
    binding = {**parameters, "for": caller.id}
    parameters["own_event_id"] = caller.access.event_id
    for name, moment in (("since", filters.since), ("until", filters.until)):
        if moment is not None:
            parameters[name] = min(moment, LATEST)
    if filters.cursor is not None:
        cursor = decode_cursor("accesses", binding, filters.cursor, 2)
        parameters["cursor_event_id"], parameters["cursor_n"] = cursor
    can_read_all = caller.has_role(Role.data_protection_officer)
    shape = LogShape(frozenset(parameters), filters.outcome, get_compiled_limit(filters.limit), can_read_all)
    start = (
        await reader.fetch_one(build_interval_query(shape), **parameters) if shape.needs_interval else None
    )
    if start is not None:
        parameters["interval_start"] = start.event_id
        shape = shape._replace(parameters=frozenset(parameters))
    rows, has_more = await reader.fetch_page(build_page_query(shape), filters.limit, **parameters)
    next_cursor = None
    if has_more:
        next_cursor = encode_cursor("accesses", binding, [rows[-1].event_id, rows[-1].n])
    elif start is not None:
        next_cursor = encode_cursor("accesses", binding, [start.event_id, 0])
    return AccessEntryList.from_trusted_items(list(map(_row_to_item, rows)), next_cursor)


async def list_child_access_entries(
    reader: RecordReader, caller: Caller, child_id: UUID, page: PageQuery
) -> AccessEntryList:
    """List the access entries of a child, newest first.

    An empty list is an error too, because every child has at least the entry of the request that created it.

    Raises:
        NotFound: The child does not exist, or the caller cannot read its access log.
    """
    filters = AccessEntryFilters(child_id=child_id, limit=page.limit, cursor=page.cursor)
    entries = await list_access_entries(reader, caller, filters)
    if not entries.items and page.cursor is None:
        raise NotFound
    return entries


def _validate_act(act: str | None) -> None:
    """Reject an act that the log cannot contain, so that a misspelled filter does not return an empty list."""
    if act is not None and act not in ACTS:
        detail = f"Must be one of: {', '.join(ACTS)}."
        raise InvalidInput([Fault("query:act", "literal_error", detail, {"allowed": ACTS})])


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
        "correlation_id": row.correlation_id,
        "child_id": row.child_id,
        "case_id": row.case_id,
        "record": row.record_id and {"kind": record_kind, "id": row.record_id},
        "changes": row.changes,
        "reason": reason,
        "address": str(row.address) if row.address else None,
    }
