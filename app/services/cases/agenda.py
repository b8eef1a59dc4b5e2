"""An agenda: what is due, overdue and waiting for somebody."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access import log
from app.access.actor import Actor
from app.access.log import Shown
from app.access.permissions import Role
from app.kit.dates import today
from app.kit.pagination import Paging
from app.models import Case, Child
from app.schemas.agenda import AgendaFilters, AgendaItem, AgendaRecord
from app.schemas.cases import CaseChild
from app.schemas.wire import Page
from app.services.cases.agenda_sources import AGENDA
from app.services.cases.cases import child_of
from app.services.cases.record_links import page_of

AHEAD = timedelta(days=14)
MILESTONES_AHEAD = timedelta(days=30)
ORDER = (AGENDA.c.begins, AGENDA.c.record_kind, AGENDA.c.record_id)
"""Soonest first. No record begins twice at one moment (only a case stands in an agenda more than once: its milestones lie
months apart), so the order is total."""


@dataclass(frozen=True, slots=True)
class _Case:
    """What an entry shows of its case."""

    number: str
    child_id: UUID
    child: CaseChild


async def read(session: AsyncSession, actor: Actor, filters: AgendaFilters) -> Page[AgendaItem]:
    """Return what is due, overdue and waiting for the actor, soonest first."""
    wanted = filters.model_dump(exclude={"limit", "cursor"}, exclude_none=True)
    paging = Paging("agenda", filters.limit, filters.cursor, {**wanted, "for": actor.id})
    query = asked(actor, filters.until or today() + AHEAD, filters.until or today() + MILESTONES_AHEAD)
    if filters.kind is not None:
        query = query.where(AGENDA.c.kind == filters.kind)
    if filters.overdue is not None:
        query = query.where(AGENDA.c.overdue == filters.overdue)
    rows, cursor = await paging.plain(session, query, *ORDER, ascending=True)
    return Page(items=await _items(session, rows), next_cursor=cursor)


def asked(actor: Actor, until: date, milestones_until: date) -> Select[*tuple[Any, ...]]:
    """Return the query for somebody's agenda up to a day: ids, days and codes."""
    return select(AGENDA).params(
        me=actor.id,
        teams=sorted(actor.supervises) if actor.has(Role.supervisor) else [],
        manages=actor.has(Role.programme_manager),
        today=today(),
        until=until,
        milestones_until=milestones_until,
    )


async def _items(session: AsyncSession, rows: Sequence[Any]) -> list[AgendaItem]:
    """Return the entries, each with its case; one whose case went out of sight just now is left out."""
    cases = await _cases(session, {row.case_id for row in rows if row.case_id is not None})
    log.show(
        session,
        [Shown(None, None, "referral", row.record_id) for row in rows if row.record_kind == "referral"],
    )
    return [_item(row, cases.get(row.case_id)) for row in rows if row.case_id is None or row.case_id in cases]


async def _cases(session: AsyncSession, case_ids: Iterable[UUID]) -> dict[UUID, _Case]:
    query = (
        select(Case, Child)
        .join(Child, col(Child.id) == col(Case.child_id))
        .where(col(Case.id).in_(list(case_ids)))
    )
    rows = await session.execute(query)
    return {case.id: _Case(case.number, child.id, child_of(child)) for case, child in rows}


def _item(row: Any, case: _Case | None) -> AgendaItem:
    return AgendaItem.model_construct(
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
        link=page_of(row.record_kind, row.record_id, row.case_id),
    )
