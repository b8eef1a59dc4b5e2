"""Clinical notes: a tier of their own, for who held the session and for the supervisor of the case's team."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.caller import Caller
from app.access.vault import decrypt, encrypt
from app.errors import Fault, NotFound, StaleVersion, VersionRequired
from app.kit.records import get_case_for_share, get_record
from app.kit.state_machine import raise_if_unmet
from app.models import Case, ClinicalNote, SupportSession
from app.models.record import utc_now
from app.schemas.support_sessions import ClinicalNote as ClinicalNoteSchema
from app.schemas.support_sessions import ClinicalNoteUpdate
from app.services.cases import history as case_history
from app.services.cases.states import check_case_open
from app.services.support.session_states import (
    EDIT_WINDOW,
    check_support_session_recorded,
    is_edit_window_over,
)


async def get_clinical_note(session: AsyncSession, session_id: UUID) -> ClinicalNoteSchema:
    """Read the clinical note on a session.

    Raises:
        NotFound: there is none, or not for this actor.
    """
    note = await session.scalar(select(ClinicalNote).where(col(ClinicalNote.session_id) == session_id))
    if note is None:
        raise NotFound
    return _to_schema(note)


async def replace_clinical_note(
    session: AsyncSession,
    caller: Caller,
    session_id: UUID,
    expected_version: int | None,
    payload: ClinicalNoteUpdate,
) -> ClinicalNoteSchema:
    """Write the clinical note on a session, or change it within the day.

    Whether one is there already is told to nobody else: who may write it does not depend on that.

    Raises:
        GateRefused: somebody else held the session, or it was not held or missed yet; the note is frozen.
        VersionRequired, Stale: there is a note, in another version than the caller saw.
    """
    case = await get_case_for_share(session, SupportSession, session_id)
    contact = await get_record(session, SupportSession, session_id)
    raise_if_unmet(
        [*check_case_open(case), *_check_holder(contact, caller), *check_support_session_recorded(contact)]
    )
    query = select(ClinicalNote).where(col(ClinicalNote.session_id) == session_id).with_for_update()
    note = await session.scalar(query.execution_options(populate_existing=True))
    if note is None:
        note = await _create_note(session, caller, contact, case, expected_version, payload)
    else:
        _update_note(note, expected_version, payload)
    await session.flush()  # the answer shows what was stored
    return _to_schema(note)


async def _create_note(
    session: AsyncSession,
    caller: Caller,
    contact: SupportSession,
    case: Case,
    expected_version: int | None,
    payload: ClinicalNoteUpdate,
) -> ClinicalNote:
    if expected_version is not None:
        raise StaleVersion
    note = ClinicalNote(
        session_id=contact.id, child_id=contact.child_id, case_id=contact.case_id, author_id=caller.id
    )
    encrypt(note, "sealed", payload.text)
    session.add(note)
    case_history.record_case_history(session, case, "clinical_note_written", caller, note)
    return note


def _update_note(note: ClinicalNote, expected_version: int | None, payload: ClinicalNoteUpdate) -> None:
    if expected_version is None:
        raise VersionRequired
    if note.version != expected_version:
        raise StaleVersion
    if is_edit_window_over(note.created_at):
        raise_if_unmet([Fault("/text", "frozen", "A day after it was written: add a clinical addendum.")])
    note.version += 1
    note.updated_at = utc_now()
    encrypt(note, "sealed", payload.text)


def _check_holder(contact: SupportSession, caller: Caller) -> list[Fault]:
    if contact.worker_id == caller.id:
        return []
    return [Fault(None, "not_yours", "Who held the session writes the clinical note on it.")]


def _to_schema(note: ClinicalNote) -> ClinicalNoteSchema:
    plain = note.model_dump(include=set(ClinicalNoteSchema.model_fields))
    return ClinicalNoteSchema(**plain, text=decrypt(note), editable_until=note.created_at + EDIT_WINDOW)
