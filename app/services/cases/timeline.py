"""The timeline of a case: what happened to it, as far as the reader's tiers go."""

from collections.abc import Iterable
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Select, select, union_all
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.caller import Caller
from app.access.vault import decrypt
from app.kit.dates import CAMBODIA_TIMEZONE
from app.kit.pagination import Paginator
from app.kit.records import ensure_exists
from app.models import Case, CaseHistoryEntry, ClinicalNote, SessionAddendum
from app.schemas.timeline import TimelineEntry, TimelineFilters
from app.schemas.wire import Page
from app.services.cases.record_links import find_record_path

COLUMN_FIELDS = set(TimelineEntry.model_fields) - {"link", "detail"}
EARLIEST_DATE = date(1900, 1, 1)
SESSION_PART_MODELS: dict[str, Any] = {"clinical_note": ClinicalNote, "session_addendum": SessionAddendum}
"""Records that are read as parts of a session."""


async def list_case_timeline(
    session: AsyncSession, caller: Caller, case_id: UUID, filters: TimelineFilters
) -> Page[TimelineEntry]:
    """Return what happened to a case, the latest to happen first; whose tier is closed to the actor did not happen."""
    await ensure_exists(session, Case, case_id)
    wanted = filters.model_dump(exclude={"limit", "cursor"}, exclude_none=True)
    paging = Paginator(
        "timeline", filters.limit, filters.cursor, {**wanted, "case": case_id, "for": caller.id}
    )
    rows, cursor = await paging.fetch_records(
        session, _build_query(case_id, filters), col(CaseHistoryEntry.at), col(CaseHistoryEntry.id)
    )
    sessions = await _load_session_ids(session, rows)
    return Page(items=[_to_schema(line, sessions.get(line.record_id)) for line in rows], next_cursor=cursor)


def _build_query(case_id: UUID, filters: TimelineFilters) -> Select[*tuple[Any, ...]]:
    query = select(CaseHistoryEntry).where(col(CaseHistoryEntry.case_id) == case_id)
    if filters.kind is not None:
        query = query.where(col(CaseHistoryEntry.kind).in_(filters.kind.split(",")))
    if filters.record_kind is not None:
        query = query.where(col(CaseHistoryEntry.record_kind).in_(filters.record_kind.split(",")))
    if filters.since is not None:
        query = query.where(col(CaseHistoryEntry.at) >= _start_of_day(filters.since))
    if filters.until is not None and filters.until < date.max:
        query = query.where(col(CaseHistoryEntry.at) < _start_of_day(filters.until + timedelta(days=1)))
    return query


def _start_of_day(day: date) -> datetime:
    """Return when a day begins in Cambodia; UTC cannot name the beginning of the first day of year 1."""
    return datetime.combine(max(day, EARLIEST_DATE), time(), CAMBODIA_TIMEZONE)


async def _load_session_ids(session: AsyncSession, lines: Iterable[CaseHistoryEntry]) -> dict[UUID, UUID]:
    """Return the sessions whose parts the lines are about: ids only, in one statement, where there are any."""
    parts: dict[str, list[UUID]] = {}
    for line in lines:
        if line.record_kind in SESSION_PART_MODELS:
            parts.setdefault(line.record_kind, []).append(line.record_id)
    if not parts:
        return {}
    queries = [
        select(SESSION_PART_MODELS[kind].id, SESSION_PART_MODELS[kind].session_id).where(
            SESSION_PART_MODELS[kind].id.in_(ids)
        )
        for kind, ids in parts.items()
    ]
    return {row[0]: row[1] for row in await session.execute(union_all(*queries))}


def _to_schema(line: CaseHistoryEntry, session_id: UUID | None) -> TimelineEntry:
    return TimelineEntry(
        **line.model_dump(include=COLUMN_FIELDS),
        link=find_record_path(line.record_kind, line.record_id, line.case_id, session_id),
        detail=decrypt(line),
    )
