"""Reading the access log. Who reads it is in it too."""

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.caller import Caller
from app.access.vault import decrypt
from app.errors import NotFound
from app.kit.pagination import Paginator
from app.models import AccessEntry, AccessEvent, ApiClient, BreakGlassGrant, User
from app.schemas.audit import AccessActor, AccessEntryFilters, AccessRecord
from app.schemas.audit import AccessEntry as AccessEntrySchema
from app.schemas.wire import Page, PageQuery

OUTCOME_STARTED = "started"
"""An event whose request has not ended, or never did: the process died."""
ACCESS_LINE_ID = func.coalesce(col(AccessEntry.id), col(AccessEvent.id))


async def list_accesses(
    session: AsyncSession, caller: Caller, filters: AccessEntryFilters
) -> Page[AccessEntrySchema]:
    """List accesses, newest first: one line for each child shown, or one that says none was."""
    wanted = filters.model_dump(exclude={"limit", "cursor"}, exclude_none=True)
    paging = Paginator("accesses", filters.limit, filters.cursor, {**wanted, "for": caller.id})
    query = (
        select(AccessEvent, AccessEntry)
        .outerjoin(AccessEntry, col(AccessEntry.event_id) == col(AccessEvent.id))
        .where(col(AccessEvent.id) != caller.event_id, *_filter_conditions(filters))
    )
    rows, cursor = await paging.fetch_rows(session, query, col(AccessEvent.id), ACCESS_LINE_ID)
    lines: list[tuple[AccessEvent, AccessEntry | None]] = [(row[0], row[1]) for row in rows]
    names = await _load_caller_names(session, [event for event, _ in lines])
    reasons = await _load_break_glass_reasons(session, [entry for _, entry in lines])
    return Page(
        items=[_to_schema(event, entry, names, reasons) for event, entry in lines], next_cursor=cursor
    )


async def list_child_accesses(
    session: AsyncSession, caller: Caller, child_id: UUID, page: PageQuery
) -> Page[AccessEntrySchema]:
    """List who saw a child.

    Raises:
        NotFound: there is no such child, or not for this actor: whoever there is was seen by who made the record.
    """
    filters = AccessEntryFilters(child_id=child_id, limit=page.limit, cursor=page.cursor)
    found = await list_accesses(session, caller, filters)
    if not found.items and page.cursor is None:
        raise NotFound
    return found


def _filter_conditions(filters: AccessEntryFilters) -> list[Any]:
    event, entry = AccessEvent, AccessEntry
    asked = {
        col(entry.child_id): filters.child_id,
        col(entry.case_id): filters.case_id,
        col(event.actor_id): filters.actor_id,
        col(event.act): filters.act,
        col(event.request_id): filters.request_id,
    }
    conditions: list[Any] = [column == value for column, value in asked.items() if value is not None]
    if filters.outcome is not None:
        conditions.append(func.coalesce(col(entry.outcome), OUTCOME_STARTED) == filters.outcome)
    if filters.since is not None:
        conditions.append(col(event.opened_at) >= filters.since)
    if filters.until is not None:
        conditions.append(col(event.opened_at) < filters.until)
    return conditions


async def _load_caller_names(session: AsyncSession, events: Iterable[AccessEvent]) -> dict[UUID, str]:
    ids = {event.actor_id for event in events if event.actor_id is not None}
    people = select(col(User.id), col(User.name)).where(col(User.id).in_(ids))
    systems = select(col(ApiClient.id), col(ApiClient.name)).where(col(ApiClient.id).in_(ids))
    return {row[0]: row[1] for row in await session.execute(people.union_all(systems))}


async def _load_break_glass_reasons(
    session: AsyncSession, entries: Iterable[AccessEntry | None]
) -> dict[UUID, str]:
    """Return why glass was broken, by the grants that entries name."""
    grants = {
        entry.record_id for entry in entries if entry is not None and entry.record_kind == "break_glass"
    }
    if not grants:
        return {}
    found = await session.scalars(select(BreakGlassGrant).where(col(BreakGlassGrant.id).in_(grants)))
    return {grant.id: decrypt(grant, "reason_sealed") for grant in found}


def _to_schema(
    event: AccessEvent, entry: AccessEntry | None, names: dict[UUID, str], reasons: dict[UUID, str]
) -> AccessEntrySchema:
    actor_id = event.actor_id
    return AccessEntrySchema(
        id=entry.id if entry else event.id,
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
