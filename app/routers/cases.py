"""Endpoints of cases: lists, updates, acts on staffing and life cycle, and charts."""

from typing import Annotated
from uuid import UUID

from fastapi import Query
from starlette.responses import Response

from app.http.language import RequestedLanguage
from app.http.permissions import (
    CaseAssigner,
    CaseBreakGlassUser,
    CaseChartReader,
    CaseCloser,
    CaseEditor,
    CaseExtender,
    CaseFileReader,
    CaseLister,
    CaseReader,
    CaseReopener,
    CaseTimelineReader,
    CaseTransferrer,
    ClinicalNoteSupervisor,
)
from app.http.printed_responses import SvgResponse, build_svg_response
from app.http.route import Router
from app.http.session import ExpectedVersion, Reader, Session
from app.schemas.break_glass import BreakGlassGrant, BreakGlassRequest
from app.schemas.case_file import CaseFile, CaseFileQuery
from app.schemas.cases import (
    Case,
    CaseAssignment,
    CaseFilters,
    CaseList,
    CaseTransfer,
    CaseUpdate,
)
from app.schemas.clinical_handovers import ClinicalHandover, ClinicalHandoverCreate
from app.schemas.exit_plans import CaseClosure, CaseExtension, CaseReopening
from app.schemas.timeline import TimelineEntryList, TimelineFilters
from app.services import case_file
from app.services.cases import break_glass, case_list, cases, extend, staffing, timeline
from app.services.exit import close_case as case_closing
from app.services.exit import reopen_case as case_reopening
from app.services.reviews import ecomap, progress_chart
from app.services.support import clinical_handovers

router = Router(prefix="/cases", tags=["cases"])


@router.get("")
async def list_cases(
    caller: CaseLister,
    reader: Reader,
    filters: Annotated[CaseFilters, Query()],
) -> CaseList:
    """List cases.

    Returns the cases that the caller can see, newest first by default. A social worker sees the cases where they are
    lead worker or co-worker. A supervisor sees the cases of their teams. A programme manager sees all cases that no
    conflict wall hides from them.
    """
    return await case_list.list_cases(reader, caller, filters)


@router.get("/{case_id}")
async def get_case(
    _caller: CaseReader,
    reader: Reader,
    case_id: UUID,
) -> Case:
    """Get a case.

    Returns the case with its child. The access log records that the caller read data of this child.
    """
    return await cases.get_case(reader, case_id)


@router.get("/{case_id}/file")
async def get_case_file(
    caller: CaseFileReader,
    reader: Reader,
    case_id: UUID,
    query: Annotated[CaseFileQuery, Query()],
) -> CaseFile:
    """Get a case with its records.

    Returns the requested parts. A part that is a list contains the first page of the endpoint of this list. Pass its
    `next_cursor` to that endpoint to get the next page. The access log records one access to the child. The response has
    no ETag. To update a record, send its own `version` in the If-Match header.
    """
    return await case_file.get_case_file(reader, caller, case_id, query)


@router.patch("/{case_id}")
async def update_case(
    caller: CaseEditor,
    session: Session,
    case_id: UUID,
    expected_version: ExpectedVersion,
    payload: CaseUpdate,
) -> Case:
    """Update editable fields of a case.

    Only the staff of the case can update it, and only while it is open. Status, team and workers change through acts.
    """
    return await cases.update_case(session, caller, case_id, expected_version, payload)


@router.get("/{case_id}/timeline")
async def list_case_timeline(
    caller: CaseTimelineReader,
    reader: Reader,
    case_id: UUID,
    filters: Annotated[TimelineFilters, Query()],
) -> TimelineEntryList:
    """List the timeline of a case, latest event first.

    Returns the events in the history of the case. Events about records of a tier that the caller cannot read are
    omitted.
    """
    return await timeline.list_case_timeline(reader, caller, case_id, filters)


@router.post("/{case_id}/assign")
async def assign_case(
    caller: CaseAssigner,
    session: Session,
    case_id: UUID,
    expected_version: ExpectedVersion,
    payload: CaseAssignment,
) -> Case:
    """Assign the workers of a case.

    Sets the lead worker and the co-workers. Each of them must be an active worker of the case's team, and must not be
    excluded by a conflict wall. Planned support sessions of workers who lose access are assigned to the lead worker.
    """
    return await staffing.assign_case(session, caller, case_id, expected_version, payload)


@router.post("/{case_id}/transfer")
async def transfer_case(
    caller: CaseTransferrer,
    session: Session,
    case_id: UUID,
    expected_version: ExpectedVersion,
    payload: CaseTransfer,
) -> Case:
    """Transfer a case to another team.

    Sets the team and a lead worker of that team, and removes all co-workers. The former workers lose access.
    """
    return await staffing.transfer_case(session, caller, case_id, expected_version, payload)


@router.post("/{case_id}/extend")
async def extend_case(
    caller: CaseExtender,
    session: Session,
    case_id: UUID,
    expected_version: ExpectedVersion,
    payload: CaseExtension,
) -> Case:
    """Extend a case past 24 months.

    Only programme managers can extend a case. The new last day of support must be after the current one.
    """
    return await extend.extend_case(session, caller, case_id, expected_version, payload)


@router.post("/{case_id}/close")
async def close_case(
    caller: CaseCloser,
    session: Session,
    case_id: UUID,
    expected_version: ExpectedVersion,
    payload: CaseClosure,
) -> Case:
    """Close a case.

    Requires an approved exit plan, a review that decided to begin the exit, and no unpaid or unreconciled
    disbursements. If the case ends unplanned, for example because the child died, neither the review nor the
    reconciliation is required. Closing cancels the planned support sessions and the scheduled review, and creates the
    follow-ups.
    """
    return await case_closing.close_case(session, caller, case_id, expected_version, payload)


@router.post("/{case_id}/reopen", status_code=201)
async def reopen_case(
    caller: CaseReopener,
    session: Session,
    case_id: UUID,
    expected_version: ExpectedVersion,
    payload: CaseReopening,
) -> Case:
    """Reopen a closed case as a new case.

    Opens a new case for the same child and returns it; its `previous_case_id` is the closed case. The people around the
    child are copied. Consents are not copied: the request contains a new one, or a legal basis.
    """
    return await case_reopening.reopen_case(session, caller, case_id, expected_version, payload)


@router.post("/{case_id}/break-glass")
async def open_case_with_break_glass(
    caller: CaseBreakGlassUser,
    session: Session,
    case_id: UUID,
    payload: BreakGlassRequest,
) -> BreakGlassGrant:
    """Open break-glass access to a case.

    Gives the caller read access to a case outside their scope for four hours, without its legal and clinical tiers. The
    caller's supervisor and the data protection officer can read the reason immediately. Break-glass access does not
    pass a conflict wall.
    """
    return await break_glass.open_case_with_break_glass(session, caller, case_id, payload)


@router.post("/{case_id}/clinical-handover", status_code=201)
async def hand_over_clinical_notes(
    caller: ClinicalNoteSupervisor,
    session: Session,
    case_id: UUID,
    expected_version: ExpectedVersion,
    payload: ClinicalHandoverCreate,
) -> ClinicalHandover:
    """Hand over the earlier clinical notes of a case to its lead worker.

    The lead worker can read the clinical notes and clinical addenda that were written before the handover, until another
    person leads the case. Only a supervisor of the team can do this. The data protection officer can read the reason.
    """
    return await clinical_handovers.hand_over_clinical_notes(
        session, caller, case_id, expected_version, payload
    )


@router.get("/{case_id}/ecomap.svg", response_class=SvgResponse)
async def get_case_ecomap(
    _caller: CaseChartReader,
    reader: Reader,
    case_id: UUID,
    language: RequestedLanguage,
) -> Response:
    """Get the ecomap of a case as SVG.

    The drawing shows the child in the centre, with the family, the community and the services around it.
    """
    return build_svg_response(await ecomap.render_ecomap(reader, case_id, language), language)


@router.get("/{case_id}/progress.svg", response_class=SvgResponse)
async def get_case_progress_chart(
    _caller: CaseChartReader,
    reader: Reader,
    case_id: UUID,
    language: RequestedLanguage,
) -> Response:
    """Get the progress chart of a case as SVG.

    The chart shows the rating of each area in the approved assessments and completed reviews.
    """
    return build_svg_response(await progress_chart.render_progress_chart(reader, case_id, language), language)
