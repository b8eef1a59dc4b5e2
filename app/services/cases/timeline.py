"""The timeline of a case: what happened to it, as far as the reader's tiers go."""

from collections.abc import Iterable
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Select, select, union_all
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.actor import Actor
from app.access.vault import unseal
from app.kit.dates import LOCAL
from app.kit.pagination import Paging
from app.kit.records import require
from app.models import Case, CaseHistory, ClinicalNote, SessionAddendum
from app.schemas.timeline import TimelineFilters, TimelineLine
from app.schemas.wire import Page
from app.services.cases.record_links import page_if_any

PLAIN = set(TimelineLine.model_fields) - {"link", "detail"}
FIRST_DAY = date(1900, 1, 1)
PARTS_OF_SESSIONS: dict[str, Any] = {"clinical_note": ClinicalNote, "session_addendum": SessionAddendum}
"""Records that are read as parts of a session."""


async def read(
    session: AsyncSession, actor: Actor, case_id: UUID, filters: TimelineFilters
) -> Page[TimelineLine]:
    """Return what happened to a case, the latest to happen first; whose tier is closed to the actor did not happen."""
    await require(session, Case, case_id)
    wanted = filters.model_dump(exclude={"limit", "cursor"}, exclude_none=True)
    paging = Paging("timeline", filters.limit, filters.cursor, {**wanted, "case": case_id, "for": actor.id})
    rows, cursor = await paging.records(
        session, _asked(case_id, filters), col(CaseHistory.at), col(CaseHistory.id)
    )
    sessions = await _sessions(session, rows)
    return Page(items=[_shown(line, sessions.get(line.record_id)) for line in rows], next_cursor=cursor)


def _asked(case_id: UUID, filters: TimelineFilters) -> Select[*tuple[Any, ...]]:
    query = select(CaseHistory).where(col(CaseHistory.case_id) == case_id)
    if filters.kind is not None:
        query = query.where(col(CaseHistory.kind).in_(filters.kind.split(",")))
    if filters.record_kind is not None:
        query = query.where(col(CaseHistory.record_kind).in_(filters.record_kind.split(",")))
    if filters.since is not None:
        query = query.where(col(CaseHistory.at) >= _beginning(filters.since))
    if filters.until is not None and filters.until < date.max:
        query = query.where(col(CaseHistory.at) < _beginning(filters.until + timedelta(days=1)))
    return query


def _beginning(day: date) -> datetime:
    """Return when a day begins in Cambodia; UTC cannot name the beginning of the first day of year 1."""
    return datetime.combine(max(day, FIRST_DAY), time(), LOCAL)


async def _sessions(session: AsyncSession, lines: Iterable[CaseHistory]) -> dict[UUID, UUID]:
    """Return the sessions whose parts the lines are about: ids only, in one statement, where there are any."""
    parts: dict[str, list[UUID]] = {}
    for line in lines:
        if line.record_kind in PARTS_OF_SESSIONS:
            parts.setdefault(line.record_kind, []).append(line.record_id)
    if not parts:
        return {}
    queries = [
        select(PARTS_OF_SESSIONS[kind].id, PARTS_OF_SESSIONS[kind].session_id).where(
            PARTS_OF_SESSIONS[kind].id.in_(ids)
        )
        for kind, ids in parts.items()
    ]
    return {row[0]: row[1] for row in await session.execute(union_all(*queries))}


def _shown(line: CaseHistory, session_id: UUID | None) -> TimelineLine:
    return TimelineLine(
        **line.model_dump(include=PLAIN),
        link=page_if_any(line.record_kind, line.record_id, line.case_id, session_id),
        detail=unseal(line),
    )
