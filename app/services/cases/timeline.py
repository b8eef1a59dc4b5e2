"""The timeline of a case: a list of the events in its history."""

from collections.abc import Iterable
from datetime import date, datetime, time, timedelta
from uuid import UUID

from sqlalchemy import Select, select, union_all
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.caller import Caller
from app.kit.dates import CAMBODIA_TIMEZONE
from app.kit.pagination import Paginator
from app.kit.records import ensure_exists
from app.models import Case, CaseHistoryEntry, ClinicalNote, SessionAddendum
from app.schemas.timeline import TimelineEntry, TimelineEntryList, TimelineFilters
from app.services.cases.record_links import find_record_path

COLUMN_FIELDS = set(TimelineEntry.model_fields) - {"link", "detail"}
EARLIEST_DATE = date(1900, 1, 1)
SESSION_PART_MODELS: dict[str, type[ClinicalNote | SessionAddendum]] = {
    "clinical_note": ClinicalNote,
    "session_addendum": SessionAddendum,
}
"""Record kinds whose path contains the id of a support session."""


async def list_case_timeline(
    session: AsyncSession, caller: Caller, case_id: UUID, filters: TimelineFilters
) -> TimelineEntryList:
    """List the history entries of a case, latest event first.

    Row-level security hides the entries of tiers that the caller cannot see.
    """
    await ensure_exists(session, Case, case_id)
    binding = {**filters.get_cursor_binding(), "case": case_id, "for": caller.id}
    paginator = Paginator("timeline", filters.limit, filters.cursor, binding)
    rows, cursor = await paginator.fetch_records(
        session, _build_query(case_id, filters), col(CaseHistoryEntry.at), col(CaseHistoryEntry.id)
    )
    session_ids = await _load_session_ids(session, rows)
    return TimelineEntryList(
        items=[_to_schema(entry, session_ids.get(entry.record_id)) for entry in rows], next_cursor=cursor
    )


def _build_query(case_id: UUID, filters: TimelineFilters) -> Select[CaseHistoryEntry]:
    query = select(CaseHistoryEntry).where(col(CaseHistoryEntry.case_id) == case_id)
    if filters.kind is not None:
        query = query.where(col(CaseHistoryEntry.kind).in_(filters.kind))
    if filters.record_kind is not None:
        query = query.where(col(CaseHistoryEntry.record_kind).in_(filters.record_kind))
    if filters.since is not None:
        query = query.where(col(CaseHistoryEntry.at) >= _start_of_day(filters.since))
    if filters.until is not None and filters.until < date.max:
        query = query.where(col(CaseHistoryEntry.at) < _start_of_day(filters.until + timedelta(days=1)))
    return query


def _start_of_day(day: date) -> datetime:
    """Return the start of a day in Cambodia.

    A day before 1900 becomes 1 January 1900, because the start of the year 1 in Cambodia has no equivalent in UTC.
    """
    return datetime.combine(max(day, EARLIEST_DATE), time(), CAMBODIA_TIMEZONE)


async def _load_session_ids(session: AsyncSession, entries: Iterable[CaseHistoryEntry]) -> dict[UUID, UUID]:
    """Return the id of the support session by id of the record, for entries about clinical notes and addenda."""
    ids_by_model: dict[type[ClinicalNote | SessionAddendum], list[UUID]] = {}
    for entry in entries:
        if model := SESSION_PART_MODELS.get(entry.record_kind):
            ids_by_model.setdefault(model, []).append(entry.record_id)
    if not ids_by_model:
        return {}
    queries = [
        select(col(model.id), col(model.session_id)).where(col(model.id).in_(ids))
        for model, ids in ids_by_model.items()
    ]
    return {row[0]: row[1] for row in await session.execute(union_all(*queries))}


def _to_schema(entry: CaseHistoryEntry, session_id: UUID | None) -> TimelineEntry:
    return TimelineEntry(
        **entry.model_dump(include=COLUMN_FIELDS),
        link=find_record_path(entry.record_kind, entry.record_id, entry.case_id, session_id),
        detail=entry.detail or {},
    )
