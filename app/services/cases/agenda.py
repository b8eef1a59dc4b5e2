"""Agenda of a staff member: items that are due or overdue, and records that wait for the caller's decision."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access import log
from app.access.accessed_records import AccessedRecord
from app.access.caller import Caller
from app.access.permissions import Role
from app.kit.dates import today
from app.kit.pagination import Paginator
from app.models import Case, Child
from app.schemas.agenda import AgendaEntry, AgendaEntryList, AgendaFilters, AgendaRecord
from app.schemas.cases import CaseChild
from app.services.cases.agenda_sources import AGENDA, AgendaRow
from app.services.cases.cases import to_case_child
from app.services.cases.record_links import get_record_path

AGENDA_HORIZON = timedelta(days=14)
MILESTONE_HORIZON = timedelta(days=30)
AGENDA_SORT_ORDER = (AGENDA.c.begins, AGENDA.c.record_kind, AGENDA.c.record_id)
"""Earliest first. No two entries are equal: only a case has several entries, and their dates differ by months."""


@dataclass(frozen=True, slots=True)
class _AgendaCase:
    """Fields of a case that its agenda entries repeat."""

    number: str
    child_id: UUID
    child: CaseChild


async def list_agenda_entries(
    session: AsyncSession, caller: Caller, filters: AgendaFilters
) -> AgendaEntryList:
    """Return the agenda entries of the caller, earliest first."""
    active_filters = filters.model_dump(exclude={"limit", "cursor"}, exclude_none=True)
    paginator = Paginator("agenda", filters.limit, filters.cursor, {**active_filters, "for": caller.id})
    query = build_agenda_query(
        caller, filters.until or today() + AGENDA_HORIZON, filters.until or today() + MILESTONE_HORIZON
    )
    if filters.kind is not None:
        query = query.where(AGENDA.c.kind == filters.kind)
    if filters.overdue is not None:
        query = query.where(AGENDA.c.overdue == filters.overdue)
    rows, cursor = await paginator.fetch_columns(session, query, *AGENDA_SORT_ORDER, ascending=True)
    return AgendaEntryList(items=await _to_schemas(session, rows), next_cursor=cursor)


def build_agenda_query(caller: Caller, until: date, milestones_until: date) -> Select[*tuple[Any, ...]]:
    """Build the query for a caller's agenda up to a day. It selects ids, days and codes only."""
    return select(AGENDA).params(
        caller_id=caller.id,
        supervised_team_ids=sorted(caller.supervised_team_ids) if caller.has_role(Role.supervisor) else [],
        is_programme_manager=caller.has_role(Role.programme_manager),
        today=today(),
        until=until,
        milestones_until=milestones_until,
    )


async def _to_schemas(session: AsyncSession, rows: Sequence[AgendaRow]) -> list[AgendaEntry]:
    """Return the entries, each with its case.

    An entry is left out if its case became invisible to the caller between the two statements.
    """
    cases = await _load_cases(session, {row.case_id for row in rows if row.case_id is not None})
    log.record_access(
        session,
        [
            AccessedRecord(None, None, "referral", str(row.record_id))
            for row in rows
            if row.record_kind == "referral"
        ],
    )
    entries = []
    for row in rows:
        case = cases.get(row.case_id) if row.case_id else None
        if case is not None or row.case_id is None:
            entries.append(_to_schema(row, case))
    return entries


async def _load_cases(session: AsyncSession, case_ids: Iterable[UUID]) -> dict[UUID, _AgendaCase]:
    query = (
        select(Case, Child)
        .join(Child, col(Child.id) == col(Case.child_id))
        .where(col(Case.id).in_(list(case_ids)))
    )
    rows = await session.execute(query)
    return {case.id: _AgendaCase(case.number, child.id, to_case_child(child)) for case, child in rows}


def _to_schema(row: AgendaRow, case: _AgendaCase | None) -> AgendaEntry:
    return AgendaEntry.model_construct(
        kind=row.kind,
        due_on=row.due_on,
        at=row.at,
        is_overdue=row.overdue,
        detail=row.detail,
        case_id=row.case_id,
        case_number=case.number if case else None,
        child_id=case.child_id if case else None,
        child=case.child if case else None,
        record=AgendaRecord(kind=row.record_kind, id=row.record_id),
        link=get_record_path(row.record_kind, row.record_id, row.case_id),
    )
