"""Incidents and legal steps: the legal tier, for those who work on the case or decide for it; not for broken glass.

Courts take their time: an entry stays open to those who work on the case, or did until it was closed; and every change of it is told by a line of
its own in the timeline, with the fields it changed.
"""

from datetime import date, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.actor import Actor
from app.access.vault import seal, unseal
from app.errors import Fault, InvalidInput, NotFound
from app.kit.dates import refuse_ahead, today
from app.kit.pagination import Paging
from app.kit.records import find, find_for_change, find_steady, patched, steady_case
from app.models import Case, LegalStep
from app.models.record import new_id, now
from app.schemas.legal_steps import (
    LegalStepContent,
    LegalStepFilters,
    LegalStepIn,
    LegalStepOut,
    LegalStepPatch,
)
from app.schemas.wire import Page
from app.services.cases import history as case_history

PLAIN = frozenset({"kind", "status", "on"})
SEALED = frozenset(LegalStepContent.model_fields) - PLAIN
EARLIEST = date(1900, 1, 1)
FURTHEST = timedelta(days=5 * 366)
"""How far ahead a court sets a date."""


async def record(session: AsyncSession, actor: Actor, case_id: UUID, told: LegalStepIn) -> LegalStepOut:
    """Enter an incident or a legal step.

    Raises:
        NotFound: the case's legal tier is not for this actor.
        InvalidInput: it was done tomorrow, or lies out of all reach.
    """
    _refuse_untimely(told)
    await _require_tier(session, actor, case_id)
    case = await find_steady(session, Case, case_id)
    step = LegalStep(
        id=told.id or new_id(),
        child_id=case.child_id,
        case_id=case.id,
        author_id=actor.id,
        kind=told.kind,
        on=told.on,
    )
    _write(step, told)
    session.add(step)
    await session.flush()  # the history names it
    _note(session, case, actor, step)
    return _shown(step)


async def listed(
    session: AsyncSession, actor: Actor, case_id: UUID, filters: LegalStepFilters
) -> Page[LegalStepOut]:
    """List a case's incidents and legal steps, newest first.

    Raises:
        NotFound: the case's legal tier is not for this actor: an empty list would say that nothing had happened.
    """
    await _require_tier(session, actor, case_id)
    wanted = filters.model_dump(exclude={"limit", "cursor"}, exclude_none=True)
    paging = Paging(
        "legal_steps", filters.limit, filters.cursor, {**wanted, "case": case_id, "for": actor.id}
    )
    query = select(LegalStep).where(col(LegalStep.case_id) == case_id).filter_by(**wanted)
    rows, cursor = await paging.records(session, query, col(LegalStep.created_at), col(LegalStep.id))
    return Page(items=[_shown(step) for step in rows], next_cursor=cursor)


async def read(session: AsyncSession, step_id: UUID) -> LegalStepOut:
    """Read one entry."""
    return _shown(await find(session, LegalStep, step_id))


async def change(
    session: AsyncSession, actor: Actor, step_id: UUID, seen: int, patch: LegalStepPatch
) -> LegalStepOut:
    """Complete or correct an entry.

    Raises:
        InvalidInput: the whole would not be an entry any more.
    """
    case = await steady_case(session, LegalStep, step_id)
    step = await find_for_change(session, LegalStep, step_id, seen)
    before = _content(step)
    content = patched(LegalStepContent, before, patch)
    _refuse_untimely(content)
    _write(step, content)
    await session.flush()  # the answer shows what was stored
    after = _content(step)
    _note(session, case, actor, step, changed=sorted(name for name in after if after[name] != before[name]))
    return _shown(step)


async def _require_tier(session: AsyncSession, actor: Actor, case_id: UUID) -> None:
    """Ask the database, which has the last word on tiers, before it has to refuse the row."""
    if not await session.scalar(select(func.access.reads_tier("legal", case_id, actor.id))):
        raise NotFound


def _refuse_untimely(content: LegalStepContent) -> None:
    """Refuse what was done tomorrow, or lies out of all reach.

    Raises:
        InvalidInput: the day cannot be.
    """
    day = today()
    if content.on < EARLIEST:
        raise InvalidInput([Fault("/on", "date_too_early", "Lies before 1900.")])
    if content.status == "done":
        refuse_ahead({"/on": content.on})
    if content.on > day + FURTHEST:
        raise InvalidInput([Fault("/on", "date_too_late", "Lies more than five years ahead.")])


def _write(step: LegalStep, content: LegalStepContent) -> None:
    for name in PLAIN:
        setattr(step, name, getattr(content, name))
    step.updated_at = now()
    seal(step, "sealed", content.model_dump(mode="json", include=set(SEALED)))


def _content(step: LegalStep) -> dict[str, Any]:
    return {**step.model_dump(include=set(PLAIN)), **unseal(step)}


def _note(
    session: AsyncSession, case: Case, actor: Actor, step: LegalStep, changed: list[str] | None = None
) -> None:
    kind = "incident_recorded" if step.kind == "incident" else "legal_step_recorded"
    detail: dict[str, Any] = {"kind": step.kind, "status": step.status, "on": step.on.isoformat()}
    if changed:
        detail["changed"] = changed
    happened = step.on if step.status == "done" else None
    case_history.record(session, case, kind, actor, step, detail, at=happened)


def _shown(step: LegalStep) -> LegalStepOut:
    return LegalStepOut(**{**step.model_dump(include=set(LegalStepOut.model_fields)), **unseal(step)})
