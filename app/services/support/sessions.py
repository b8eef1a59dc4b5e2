"""Support sessions: planned, held or missed, cancelled; for a day its author corrects what was written down."""

from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.actor import Actor
from app.access.vault import seal, unseal
from app.errors import NotFound
from app.kit.pagination import Paging
from app.kit.records import find_for_change, find_steady, patched, require, steady_case
from app.kit.state_machine import refuse, unmet_status
from app.models import Case, ClinicalNote, SupportSession
from app.models.record import new_id, now
from app.schemas.support_sessions import (
    SessionCancellation,
    SupportSessionContent,
    SupportSessionFilters,
    SupportSessionIn,
    SupportSessionOut,
    SupportSessionPatch,
)
from app.schemas.wire import Page
from app.services.cases import history as case_history
from app.services.cases.states import unmet_open
from app.services.cases.write_access import unmet_working, unmet_writing
from app.services.support.session_checks import (
    refuse_foreign_goals,
    refuse_untimely,
    unmet_handing,
    unmet_staffing,
)
from app.services.support.session_states import CANCEL, EDITABLE, unmet_editable, unmet_move

PLAIN = frozenset({"kind", "form", "planned_at", "held_at", "attendance", "areas", "goal_ids"})
SEALED = frozenset({"participants", "place", "mood", "summary", "next_step", "missed_reason"})
TOLD_ELSEWHERE = frozenset({"cancel_reason", "editable_until", "has_clinical_note"})
SAID = frozenset(SupportSessionOut.model_fields) - SEALED - TOLD_ELSEWHERE
"""What an answer takes from the columns as they are."""
HAS_NOTE = select(col(ClinicalNote.id)).where(col(ClinicalNote.session_id) == col(SupportSession.id)).exists()
"""Row security answers it: to who may not read a note, there is none."""
WITH_NOTE = select(SupportSession, HAS_NOTE)


async def record(
    session: AsyncSession, actor: Actor, case_id: UUID, told: SupportSessionIn
) -> SupportSessionOut:
    """Plan a session, or write down one that was held or missed.

    Raises:
        GateRefused: the case is closed; who is to hold it does not work on the case.
        InvalidInput: it is dated wrongly, or names a goal of another case.
    """
    refuse_untimely(told)
    case = await find_steady(session, Case, case_id)
    refuse([*unmet_open(case), *await unmet_staffing(session, actor, case, told, told.status)])
    await refuse_foreign_goals(session, case, told.goal_ids)
    contact = begun(case, actor, told.id or new_id())
    write(contact, actor, told)
    session.add(contact)
    await session.flush()  # the history names it
    _note(session, case, actor, contact)
    return shown(contact, has_note=False)


def begun(case: Case, actor: Actor, contact_id: UUID) -> SupportSession:
    """Return a session of this case of which nothing is told yet."""
    return SupportSession(
        id=contact_id,
        child_id=case.child_id,
        case_id=case.id,
        kind="",
        worker_id=actor.id,
        author_id=actor.id,
    )


async def listed(
    session: AsyncSession, actor: Actor, case_id: UUID, filters: SupportSessionFilters
) -> Page[SupportSessionOut]:
    """List a case's sessions, newest first."""
    await require(session, Case, case_id)
    wanted = filters.model_dump(include={"status", "kind", "series_id"}, exclude_none=True)
    bounds = {"from": filters.since, "to": filters.until, "case": case_id, "for": actor.id}
    paging = Paging("support_sessions", filters.limit, filters.cursor, {**wanted, **bounds})
    moment = func.coalesce(col(SupportSession.held_at), col(SupportSession.planned_at))
    conditions: list[ColumnElement[bool]] = [col(SupportSession.case_id) == case_id]
    conditions += [col(getattr(SupportSession, name)) == value for name, value in wanted.items()]
    conditions += [moment >= filters.since] if filters.since else []
    conditions += [moment < filters.until] if filters.until else []
    rows, cursor = await paging.rows(
        session, WITH_NOTE.where(*conditions), col(SupportSession.created_at), col(SupportSession.id)
    )
    return Page(items=[shown(row[0], has_note=row[1]) for row in rows], next_cursor=cursor)


async def read(session: AsyncSession, session_id: UUID) -> SupportSessionOut:
    """Read one session."""
    row = (await session.execute(WITH_NOTE.where(col(SupportSession.id) == session_id))).first()
    if row is None:
        raise NotFound
    return shown(row[0], has_note=row[1])


async def change(
    session: AsyncSession, actor: Actor, session_id: UUID, seen: int, patch: SupportSessionPatch
) -> SupportSessionOut:
    """Change a planned session, record it as held or missed, or correct what one wrote down within the day.

    Raises:
        GateRefused: it is frozen, or somebody else's to correct; the case is closed; its holder cannot be.
        InvalidInput: the whole would not be a session any more.
    """
    case = await steady_case(session, SupportSession, session_id)
    contact = await find_for_change(session, SupportSession, session_id, seen)
    refuse(
        [
            *unmet_open(case),
            *unmet_editable(contact, actor),
            *([] if _is_own(contact, actor) else await unmet_working(session, case)),
        ]
    )
    content = patched(SupportSessionContent, _document(contact), patch)
    refuse_untimely(content)
    before, planned_at = contact.status, contact.planned_at
    refuse(
        [*unmet_move(before, content.status), *await unmet_handing(session, actor, case, contact, content)]
    )
    await refuse_foreign_goals(session, case, content.goal_ids)
    write(contact, actor, content)
    await session.flush()  # the answer shows what was stored
    if (contact.status, contact.planned_at) != (before, planned_at):
        _note(session, case, actor, contact)
    return await _as_read(session, contact)


async def cancel(
    session: AsyncSession, actor: Actor, session_id: UUID, seen: int, told: SessionCancellation
) -> SupportSessionOut:
    """Call off a planned session.

    Raises:
        GateRefused: it is not planned any more, or the case is closed.
    """
    case = await steady_case(session, SupportSession, session_id)
    contact = await find_for_change(session, SupportSession, session_id, seen)
    refuse([*unmet_status(CANCEL, contact.status), *await unmet_writing(session, case)])
    contact.status = CANCEL.target
    contact.updated_at = now()
    seal(contact, "sealed", {**unseal(contact), "cancel_reason": told.reason})
    await session.flush()  # the answer shows what was stored
    _note(session, case, actor, contact)
    return await _as_read(session, contact)


def _is_own(contact: SupportSession, actor: Actor) -> bool:
    """Whether the actor held it: that is theirs to correct, whatever opened the case to them."""
    return contact.recorded_at is not None and contact.worker_id == actor.id


def write(contact: SupportSession, actor: Actor, content: SupportSessionContent) -> None:
    """Write down what was told; who first records a session as held or missed is its author from then on."""
    for name in PLAIN - {"areas", "goal_ids"}:
        setattr(contact, name, getattr(content, name))
    contact.areas = list(dict.fromkeys(content.areas))
    contact.goal_ids = list(dict.fromkeys(content.goal_ids))
    contact.worker_id = content.worker_id or actor.id
    contact.status = content.status
    contact.updated_at = now()
    if content.status != "planned" and contact.recorded_at is None:
        contact.recorded_at, contact.author_id = contact.updated_at, actor.id
    seal(contact, "sealed", content.model_dump(mode="json", include=set(SEALED)))


def _document(contact: SupportSession) -> dict[str, Any]:
    plain: dict[str, Any] = contact.model_dump(include={*PLAIN, "worker_id"})
    return {**plain, **unseal(contact)}


def _note(session: AsyncSession, case: Case, actor: Actor, contact: SupportSession) -> None:
    at = contact.held_at or contact.planned_at
    detail = {"kind": contact.kind, "attendance": contact.attendance, "at": at.isoformat() if at else None}
    happened = at if contact.status in {"held", "missed"} else None
    case_history.record(session, case, f"session_{contact.status}", actor, contact, detail, at=happened)


async def _as_read(session: AsyncSession, contact: SupportSession) -> SupportSessionOut:
    """Return a session that this request has changed as it is read."""
    note = select(col(ClinicalNote.id)).where(col(ClinicalNote.session_id) == contact.id)
    return shown(contact, has_note=await session.scalar(note) is not None)


def shown(contact: SupportSession, *, has_note: bool) -> SupportSessionOut:
    """Return a session as it is told."""
    plain: dict[str, Any] = contact.model_dump(include=set(SAID))
    document = unseal(contact)
    return SupportSessionOut(
        **plain,
        **{name: document.get(name) for name in (*SEALED, "cancel_reason")},
        editable_until=contact.recorded_at + EDITABLE if contact.recorded_at else None,
        has_clinical_note=has_note,
    )
