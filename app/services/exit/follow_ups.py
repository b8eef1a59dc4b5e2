"""Follow-ups: how the child is 1, 3 and 6 months after the exit, recorded though the case is closed."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.actor import Actor
from app.access.vault import seal, unseal
from app.errors import Fault
from app.kit.dates import add_months, today
from app.kit.pagination import Paging
from app.kit.records import find, find_for_change, hold, hold_case, patched, require
from app.kit.state_machine import refuse, unmet_status
from app.models import Case, FollowUp
from app.models.record import new_id, now
from app.schemas.exit_plans import FollowUpContent, FollowUpIn, FollowUpOut, FollowUpPatch
from app.schemas.wire import Page, PageQuery
from app.services.cases import history as case_history
from app.services.cases.write_access import unmet_working
from app.services.exit.follow_up_states import HOLD, MISS

SEALED = ("checklist", "note")
REACH = 45
"""Days from the planned one within which a look counts as that."""
PLAIN = set(FollowUpOut.model_fields) - {"is_overdue", *SEALED}


def plan(session: AsyncSession, case: Case, months: list[int]) -> None:
    """Put down the follow-ups of a case that closes today."""
    for number in months:
        follow_up = FollowUp(
            child_id=case.child_id, case_id=case.id, months=number, due_on=add_months(today(), number)
        )
        seal(follow_up, "sealed", {})
        session.add(follow_up)


async def listed(session: AsyncSession, actor: Actor, case_id: UUID, page: PageQuery) -> Page[FollowUpOut]:
    """List a case's follow-ups, newest first."""
    paging = Paging("follow_ups", page.limit, page.cursor, {"case": case_id, "for": actor.id})
    rows, cursor = await paging.records(
        session,
        select(FollowUp).where(col(FollowUp.case_id) == case_id),
        col(FollowUp.created_at),
        col(FollowUp.id),
    )
    if not rows:
        await require(session, Case, case_id)
    return Page(items=[_shown(follow_up) for follow_up in rows], next_cursor=cursor)


async def read(session: AsyncSession, follow_up_id: UUID) -> FollowUpOut:
    """Read one follow-up."""
    return _shown(await find(session, FollowUp, follow_up_id))


async def add(session: AsyncSession, actor: Actor, case_id: UUID, told: FollowUpIn) -> FollowUpOut:
    """Record a follow-up: the planned one that it is, or another look beside them.

    Raises:
        GateRefused: the case is not closed: then it is a support session; the day is not after the exit; nothing was
            planned for the months, or it is recorded.
    """
    case = await hold(session, Case, case_id)  # two looks at once are not both the planned one
    follow_up = await _planned(session, case, told)
    working = await unmet_working(session, case)
    refuse([*_unmet(case, told), *_unmet_planned(told, follow_up), *working])
    if follow_up is None:
        follow_up = FollowUp(id=told.id or new_id(), child_id=case.child_id, case_id=case.id)
        session.add(follow_up)
    else:
        follow_up.version += 1
    _record(session, actor, case, follow_up, told)
    await session.flush()  # the answer shows what was stored
    return _shown(follow_up)


async def _planned(session: AsyncSession, case: Case, told: FollowUpIn) -> FollowUp | None:
    query = select(FollowUp).where(col(FollowUp.case_id) == case.id)
    if told.months is not None:
        query = query.where(col(FollowUp.months) == told.months)
    else:
        days_apart = func.abs(col(FollowUp.due_on) - told.held_on)
        waiting = col(FollowUp.status).in_(HOLD.sources)
        query = query.where(waiting, days_apart <= REACH).order_by(days_apart, col(FollowUp.due_on)).limit(1)
    found: FollowUp | None = await session.scalar(query)
    return found


def _unmet_planned(told: FollowUpIn, planned: FollowUp | None) -> list[Fault]:
    if planned is not None:
        return unmet_status(HOLD, planned.status)
    if told.months is None:
        return []
    return [Fault("/months", "not_planned", "Nothing was planned for then: leave the months out.")]


async def write(
    session: AsyncSession, actor: Actor, follow_up_id: UUID, seen: int, patch: FollowUpPatch
) -> FollowUpOut:
    """Record a follow-up; one at which nobody was reached may be tried again.

    Raises:
        GateRefused: it is recorded: frozen; or the day it was held or how the child is are missing.
    """
    case = await hold_case(session, FollowUp, follow_up_id)
    follow_up = await find_for_change(session, FollowUp, follow_up_id, seen)
    refuse([*unmet_status(HOLD, follow_up.status), *await unmet_working(session, case)])
    content = patched(FollowUpContent, _document(follow_up), patch)
    refuse(_unmet(case, content))
    _record(session, actor, case, follow_up, content)
    await session.flush()  # the answer shows what was stored
    return _shown(follow_up)


def _record(
    session: AsyncSession, actor: Actor, case: Case, follow_up: FollowUp, content: FollowUpContent
) -> None:
    follow_up.held_on, follow_up.wellbeing = content.held_on, content.wellbeing
    follow_up.status = (MISS if content.wellbeing == "not_reached" else HOLD).target
    follow_up.author_id, follow_up.updated_at = actor.id, now()
    document = content.model_dump(mode="json")
    seal(follow_up, "sealed", {name: document[name] for name in SEALED})
    detail = {"status": follow_up.status}
    case_history.record(session, case, "follow_up_held", actor, follow_up, detail, at=follow_up.held_on)


def _unmet(case: Case, content: FollowUpContent) -> Iterator[Fault]:
    if case.closed_on is None:
        yield Fault(None, "case_open", "The case is open: record a support session.")
    if content.wellbeing is None and content.note is None:
        detail = "Say how the child is, by code or in words, or that nobody was reached."
        yield Fault("/wellbeing", "wellbeing_missing", detail)
    if content.held_on is None:
        yield Fault("/held_on", "held_on_missing", "Say on which day it was.")
    elif content.held_on > today():
        yield Fault("/held_on", "date_in_future", "It has not been held yet.")
    elif case.closed_on is not None and content.held_on < case.closed_on:
        yield Fault("/held_on", "before_exit", "The case was still open that day.")


def _document(follow_up: FollowUp) -> dict[str, Any]:
    """Return what a follow-up says as it was told."""
    held_on = follow_up.held_on and follow_up.held_on.isoformat()
    return {"held_on": held_on, "wellbeing": follow_up.wellbeing, **unseal(follow_up)}


def _waits(follow_up: FollowUp) -> bool:
    return follow_up.status in HOLD.sources


def _shown(follow_up: FollowUp) -> FollowUpOut:
    plain: dict[str, Any] = follow_up.model_dump(include=PLAIN)
    words = unseal(follow_up)
    return FollowUpOut(
        **plain,
        is_overdue=_waits(follow_up) and follow_up.due_on is not None and follow_up.due_on < today(),
        checklist=words.get("checklist", {}),
        note=words.get("note"),
    )
