"""Clinical notes on support sessions: readable by their author and the supervisors of the case's team only."""

from uuid import UUID

from sqlalchemy import bindparam, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.caller import Caller
from app.access.reader import ReadQuery, RecordReader, ShownRecord, open_response_reader
from app.errors import Fault, StaleVersion, VersionRequired
from app.kit.records import get_case_for_share, get_record
from app.kit.reference_names import staff_names, to_staff_refs
from app.kit.state_machine import raise_if_unmet
from app.models import Case, ClinicalNote, SupportSession
from app.models.record import utc_now
from app.schemas.support_session_notes import ClinicalNote as ClinicalNoteSchema
from app.schemas.support_session_notes import ClinicalNoteUpdate
from app.services.cases import history as case_history
from app.services.cases.states import check_case_open
from app.services.support.session_states import (
    EDIT_WINDOW,
    check_support_session_recorded,
    is_edit_window_over,
)

COLUMN_FIELDS = [name for name in ClinicalNoteSchema.model_fields if name in ClinicalNote.model_fields]
NOTE_QUERY = ReadQuery(
    select(
        *(getattr(ClinicalNote, name) for name in COLUMN_FIELDS),
        *staff_names(ClinicalNote, "author"),
        col(ClinicalNote.text_encrypted),
    ).where(col(ClinicalNote.session_id) == bindparam("support_session_id")),
    shows=ShownRecord("clinical_note"),
)


async def get_clinical_note(reader: RecordReader, support_session_id: UUID) -> ClinicalNoteSchema:
    """Return the clinical note on a support session.

    Raises:
        NotFound: the session has no note, or the caller cannot read it.
    """
    row = await reader.fetch_required(NOTE_QUERY, support_session_id=support_session_id)
    return ClinicalNoteSchema(
        **dict(zip(COLUMN_FIELDS, row, strict=False)),
        **to_staff_refs(row, "author"),
        text=ClinicalNote.text.decrypt(row.id, row.text_encrypted),
        editable_until=row.created_at + EDIT_WINDOW,
    )


async def replace_clinical_note(
    session: AsyncSession,
    caller: Caller,
    support_session_id: UUID,
    expected_version: int | None,
    payload: ClinicalNoteUpdate,
) -> ClinicalNoteSchema:
    """Create the clinical note on a support session, or replace its text within 24 hours.

    The permission does not depend on whether a note exists. A refusal therefore does not reveal whether there is one.

    Raises:
        GateRefused: the caller is not the worker of the session, the session was not recorded as held or missed, the
            case is closed, or the note is older than 24 hours.
        VersionRequired: a note exists, and the request has no `If-Match`.
        StaleVersion: the note has another version, or `If-Match` was sent and no note exists.
    """
    case = await get_case_for_share(session, SupportSession, support_session_id)
    support_session = await get_record(session, SupportSession, support_session_id)
    raise_if_unmet(
        [
            *check_case_open(case),
            *_check_worker(support_session, caller),
            *check_support_session_recorded(support_session),
        ]
    )
    # The lock serializes concurrent replacements, so that the second one fails with StaleVersion.
    query = select(ClinicalNote).where(col(ClinicalNote.session_id) == support_session_id).with_for_update()
    note = await session.scalar(query.execution_options(populate_existing=True))
    if note is None:
        note = await _create_note(session, caller, support_session, case, expected_version, payload)
    else:
        _update_note(note, expected_version, payload)
    return await get_clinical_note(await open_response_reader(session), support_session_id)


async def _create_note(
    session: AsyncSession,
    caller: Caller,
    support_session: SupportSession,
    case: Case,
    expected_version: int | None,
    payload: ClinicalNoteUpdate,
) -> ClinicalNote:
    if expected_version is not None:
        raise StaleVersion
    note = ClinicalNote(
        session_id=support_session.id,
        child_id=support_session.child_id,
        case_id=support_session.case_id,
        author_id=caller.id,
    )
    note.text = payload.text
    session.add(note)
    case_history.record_case_history(session, case, "clinical_note_written", caller, note)
    return note


def _update_note(note: ClinicalNote, expected_version: int | None, payload: ClinicalNoteUpdate) -> None:
    if expected_version is None:
        raise VersionRequired
    if note.version != expected_version:
        raise StaleVersion
    if is_edit_window_over(note.created_at):
        detail = "The note is older than 24 hours and cannot be changed. Add a clinical addendum instead."
        raise_if_unmet([Fault("/text", "frozen", detail)])
    note.version += 1
    note.updated_at = utc_now()
    note.text = payload.text


def _check_worker(support_session: SupportSession, caller: Caller) -> list[Fault]:
    if support_session.worker_id == caller.id:
        return []
    detail = "Only the worker who held the session can write the clinical note on it."
    return [Fault(None, "not_yours", detail)]
