"""Endpoints of support sessions, clinical notes and addenda."""

from typing import Annotated
from uuid import UUID

from fastapi import Query

from app.http.permissions import (
    ClinicalNoteEditor,
    ClinicalNoteReader,
    SupportSessionReader,
    SupportSessionRecorder,
)
from app.http.route import Router
from app.http.session import ExpectedVersion, ExpectedVersionIfAny, Reader, Session
from app.schemas.support_session_lists import (
    CaseSupportSessionFilters,
    SupportSessionFilters,
    SupportSessionList,
    SupportSessionSummaryList,
)
from app.schemas.support_session_notes import (
    ClinicalNote,
    ClinicalNoteUpdate,
    SupportSessionAddendum,
    SupportSessionAddendumCreate,
    SupportSessionAddendumList,
)
from app.schemas.support_sessions import (
    SupportSession,
    SupportSessionCancellation,
    SupportSessionCreate,
    SupportSessionSeries,
    SupportSessionSeriesCreate,
    SupportSessionUpdate,
)
from app.schemas.wire import PageQuery
from app.services.support import addenda, clinical_notes, session_responses, session_series
from app.services.support import sessions as support_sessions

router = Router(tags=["support"])


@router.post("/cases/{case_id}/support-sessions", status_code=201)
async def create_case_support_session(
    caller: SupportSessionRecorder,
    session: Session,
    case_id: UUID,
    payload: SupportSessionCreate,
) -> SupportSession:
    """Plan a support session, or record one that was held or missed.

    A session with `planned_at` alone is planned; `attendance` records it as held or missed. The staff of the case can
    plan sessions for each other. A worker can record a session that they held on any case visible to them.
    """
    return await support_sessions.create_case_support_session(session, caller, case_id, payload)


@router.post("/cases/{case_id}/support-sessions/series", status_code=201)
async def create_case_support_session_series(
    caller: SupportSessionRecorder,
    session: Session,
    case_id: UUID,
    payload: SupportSessionSeriesCreate,
) -> SupportSessionSeries:
    """Plan a series of support sessions.

    Creates up to 60 planned sessions on the same weekday and at the same local time, 1 to 12 weeks apart. Each session
    can then be changed separately. The timeline of the case gets one entry for the series.
    """
    return await session_series.create_case_support_session_series(session, caller, case_id, payload)


@router.get("/cases/{case_id}/support-sessions")
async def list_case_support_sessions(
    caller: SupportSessionReader,
    reader: Reader,
    case_id: UUID,
    filters: Annotated[CaseSupportSessionFilters, Query()],
) -> SupportSessionList:
    """List the support sessions of a case, newest first by default.

    By default, the list is sorted by time of creation. `from` and `to` filter by `at`: the time held or, if the session
    was not held, the planned time.
    """
    return await session_responses.list_case_support_sessions(reader, caller, case_id, filters)


@router.get("/support-sessions")
async def list_support_sessions(
    caller: SupportSessionReader,
    reader: Reader,
    filters: Annotated[SupportSessionFilters, Query()],
) -> SupportSessionSummaryList:
    """List the support sessions of all cases, latest first by default.

    Returns the sessions of the cases that the caller can see. With the caller's id as `worker_id`, the list contains the
    caller's own sessions.
    """
    return await session_responses.list_support_sessions(reader, caller, filters)


@router.get("/support-sessions/{support_session_id}")
async def get_support_session(
    _caller: SupportSessionReader,
    reader: Reader,
    support_session_id: UUID,
) -> SupportSession:
    """Get a support session.

    `has_clinical_note` is true only for callers who can read the note.
    """
    return await session_responses.get_support_session(reader, support_session_id)


@router.patch("/support-sessions/{support_session_id}")
async def update_support_session(
    caller: SupportSessionRecorder,
    session: Session,
    support_session_id: UUID,
    expected_version: ExpectedVersion,
    payload: SupportSessionUpdate,
) -> SupportSession:
    """Update a planned support session, record it as held or missed, or correct the record.

    A recorded session can be corrected by its author for 24 hours. After that it is frozen, and only addenda can be
    added. The worker of a recorded session cannot be changed.
    """
    return await support_sessions.update_support_session(
        session, caller, support_session_id, expected_version, payload
    )


@router.post("/support-sessions/{support_session_id}/cancel")
async def cancel_support_session(
    caller: SupportSessionRecorder,
    session: Session,
    support_session_id: UUID,
    expected_version: ExpectedVersion,
    payload: SupportSessionCancellation,
) -> SupportSession:
    """Cancel a planned support session.

    The status must be `planned`. The reason is stored with the session.
    """
    return await support_sessions.cancel_support_session(
        session, caller, support_session_id, expected_version, payload
    )


@router.get("/support-sessions/{support_session_id}/clinical-note")
async def get_clinical_note(
    _caller: ClinicalNoteReader,
    reader: Reader,
    support_session_id: UUID,
) -> ClinicalNote:
    """Get the clinical note on a support session.

    Only the author and the supervisors of the case's team can read it. For all other callers, the response is the same
    404 as for a session without a note.
    """
    return await clinical_notes.get_clinical_note(reader, support_session_id)


@router.put("/support-sessions/{support_session_id}/clinical-note")
async def replace_clinical_note(
    caller: ClinicalNoteEditor,
    session: Session,
    support_session_id: UUID,
    expected_version: ExpectedVersionIfAny,
    payload: ClinicalNoteUpdate,
) -> ClinicalNote:
    """Create or replace the clinical note on a support session.

    Only the worker who held the session can write the note, after the session was recorded as held or missed. The note
    can be replaced for 24 hours. `If-Match` is required if the note exists.
    """
    return await clinical_notes.replace_clinical_note(
        session, caller, support_session_id, expected_version, payload
    )


@router.post("/support-sessions/{support_session_id}/addenda", status_code=201)
async def create_support_session_addendum(
    caller: SupportSessionRecorder,
    session: Session,
    support_session_id: UUID,
    payload: SupportSessionAddendumCreate,
) -> SupportSessionAddendum:
    """Add an addendum to a support session.

    The status must be `held` or `missed`. A clinical addendum has the same readers as a clinical note.
    """
    return await addenda.create_support_session_addendum(session, caller, support_session_id, payload)


@router.get("/support-sessions/{support_session_id}/addenda")
async def list_support_session_addenda(
    caller: SupportSessionReader,
    reader: Reader,
    support_session_id: UUID,
    page: Annotated[PageQuery, Query()],
) -> SupportSessionAddendumList:
    """List the addenda of a support session, newest first.

    Clinical addenda are included only for their author and the supervisors of the case's team.
    """
    return await addenda.list_support_session_addenda(reader, caller, support_session_id, page)
