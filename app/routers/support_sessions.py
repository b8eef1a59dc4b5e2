"""Support sessions, the clinical notes on them, and what was added later."""

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
from app.http.session import ExpectedVersion, ExpectedVersionIfAny, Session
from app.schemas.support_sessions import (
    ClinicalNote,
    ClinicalNoteUpdate,
    SupportSession,
    SupportSessionAddendum,
    SupportSessionAddendumCreate,
    SupportSessionCancellation,
    SupportSessionCreate,
    SupportSessionFilters,
    SupportSessionSeries,
    SupportSessionSeriesCreate,
    SupportSessionUpdate,
)
from app.schemas.wire import Page, PageQuery
from app.services.support import addenda as support_sessions_addenda
from app.services.support import clinical_notes as support_sessions_notes
from app.services.support import session_series as support_sessions_series
from app.services.support import sessions as support_sessions

router = Router(tags=["support"])


@router.post("/cases/{case_id}/support-sessions", status_code=201)
async def create_case_support_session(
    caller: SupportSessionRecorder,
    session: Session,
    case_id: UUID,
    payload: SupportSessionCreate,
) -> SupportSession:
    """Plan a session, or write down one that was held or missed."""
    return await support_sessions.create_case_support_session(session, caller, case_id, payload)


@router.post("/cases/{case_id}/support-sessions/series", status_code=201)
async def create_case_support_session_series(
    caller: SupportSessionRecorder,
    session: Session,
    case_id: UUID,
    payload: SupportSessionSeriesCreate,
) -> SupportSessionSeries:
    """Plan a series at once: every Tuesday at nine, for eight weeks."""
    return await support_sessions_series.create_case_support_session_series(session, caller, case_id, payload)


@router.get("/cases/{case_id}/support-sessions")
async def list_case_support_sessions(
    caller: SupportSessionReader,
    session: Session,
    case_id: UUID,
    filters: Annotated[SupportSessionFilters, Query()],
) -> Page[SupportSession]:
    """List a case's sessions, newest first."""
    return await support_sessions.list_case_support_sessions(session, caller, case_id, filters)


@router.get("/support-sessions/{support_session_id}")
async def get_support_session(
    caller: SupportSessionReader,  # noqa: ARG001 - the door
    session: Session,
    support_session_id: UUID,
) -> SupportSession:
    """Read one session."""
    return await support_sessions.get_support_session(session, support_session_id)


@router.patch("/support-sessions/{support_session_id}")
async def update_support_session(
    caller: SupportSessionRecorder,
    session: Session,
    support_session_id: UUID,
    expected_version: ExpectedVersion,
    payload: SupportSessionUpdate,
) -> SupportSession:
    """Change a planned session, record it as held or missed, or correct your own record within a day."""
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
    """Call off a planned session."""
    return await support_sessions.cancel_support_session(
        session, caller, support_session_id, expected_version, payload
    )


@router.get("/support-sessions/{support_session_id}/clinical-note")
async def get_clinical_note(
    caller: ClinicalNoteReader,  # noqa: ARG001 - the door
    session: Session,
    support_session_id: UUID,
) -> ClinicalNote:
    """Read the clinical note on a session: for its author and the supervisor of the case's team."""
    return await support_sessions_notes.get_clinical_note(session, support_session_id)


@router.put("/support-sessions/{support_session_id}/clinical-note")
async def replace_clinical_note(
    caller: ClinicalNoteEditor,
    session: Session,
    support_session_id: UUID,
    expected_version: ExpectedVersionIfAny,
    payload: ClinicalNoteUpdate,
) -> ClinicalNote:
    """Write the clinical note on a session you held, or change it within a day."""
    return await support_sessions_notes.replace_clinical_note(
        session, caller, support_session_id, expected_version, payload
    )


@router.post("/support-sessions/{support_session_id}/addenda", status_code=201)
async def create_support_session_addendum(
    caller: SupportSessionRecorder,
    session: Session,
    support_session_id: UUID,
    payload: SupportSessionAddendumCreate,
) -> SupportSessionAddendum:
    """Add something to a session that was held or missed."""
    return await support_sessions_addenda.create_support_session_addendum(
        session, caller, support_session_id, payload
    )


@router.get("/support-sessions/{support_session_id}/addenda")
async def list_support_session_addenda(
    caller: SupportSessionReader,
    session: Session,
    support_session_id: UUID,
    page: Annotated[PageQuery, Query()],
) -> Page[SupportSessionAddendum]:
    """List what was added to a session, newest first, as far as you may read it."""
    return await support_sessions_addenda.list_support_session_addenda(
        session, caller, support_session_id, page
    )
