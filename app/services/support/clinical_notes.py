"""Clinical notes: a tier of their own, for who held the session and for the supervisor of the case's team."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.actor import Actor
from app.access.vault import seal, unseal
from app.errors import Fault, NotFound, Stale, VersionRequired
from app.kit.records import find, steady_case
from app.kit.state_machine import refuse
from app.models import Case, ClinicalNote, SupportSession
from app.models.record import now
from app.schemas.support_sessions import ClinicalNoteIn, ClinicalNoteOut
from app.services.cases import history as case_history
from app.services.cases.states import unmet_open
from app.services.support.session_states import EDITABLE, is_over, unmet_recorded


async def read(session: AsyncSession, session_id: UUID) -> ClinicalNoteOut:
    """Read the clinical note on a session.

    Raises:
        NotFound: there is none, or not for this actor.
    """
    note = await session.scalar(select(ClinicalNote).where(col(ClinicalNote.session_id) == session_id))
    if note is None:
        raise NotFound
    return _shown(note)


async def write(
    session: AsyncSession, actor: Actor, session_id: UUID, seen: int | None, told: ClinicalNoteIn
) -> ClinicalNoteOut:
    """Write the clinical note on a session, or change it within the day.

    Whether one is there already is told to nobody else: who may write it does not depend on that.

    Raises:
        GateRefused: somebody else held the session, or it was not held or missed yet; the note is frozen.
        VersionRequired, Stale: there is a note, in another version than the caller saw.
    """
    case = await steady_case(session, SupportSession, session_id)
    contact = await find(session, SupportSession, session_id)
    refuse([*unmet_open(case), *_unmet_holder(contact, actor), *unmet_recorded(contact)])
    query = select(ClinicalNote).where(col(ClinicalNote.session_id) == session_id).with_for_update()
    note = await session.scalar(query.execution_options(populate_existing=True))
    if note is None:
        note = await _begun(session, actor, contact, case, seen, told)
    else:
        _change(note, seen, told)
    await session.flush()  # the answer shows what was stored
    return _shown(note)


async def _begun(
    session: AsyncSession,
    actor: Actor,
    contact: SupportSession,
    case: Case,
    seen: int | None,
    told: ClinicalNoteIn,
) -> ClinicalNote:
    if seen is not None:
        raise Stale
    note = ClinicalNote(
        session_id=contact.id, child_id=contact.child_id, case_id=contact.case_id, author_id=actor.id
    )
    seal(note, "sealed", told.text)
    session.add(note)
    case_history.record(session, case, "clinical_note_written", actor, note)
    return note


def _change(note: ClinicalNote, seen: int | None, told: ClinicalNoteIn) -> None:
    if seen is None:
        raise VersionRequired
    if note.version != seen:
        raise Stale
    if is_over(note.created_at):
        refuse([Fault("/text", "frozen", "A day after it was written: add a clinical addendum.")])
    note.version += 1
    note.updated_at = now()
    seal(note, "sealed", told.text)


def _unmet_holder(contact: SupportSession, actor: Actor) -> list[Fault]:
    if contact.worker_id == actor.id:
        return []
    return [Fault(None, "not_yours", "Who held the session writes the clinical note on it.")]


def _shown(note: ClinicalNote) -> ClinicalNoteOut:
    plain = note.model_dump(include=set(ClinicalNoteOut.model_fields))
    return ClinicalNoteOut(**plain, text=unseal(note), editable_until=note.created_at + EDITABLE)
