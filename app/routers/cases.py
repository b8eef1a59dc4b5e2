"""Cases: reading them, who works on them, and what happened to them."""

from typing import Annotated
from uuid import UUID

from fastapi import Query

from app.http.permissions import (
    CaseAssigner,
    CaseBreakGlassUser,
    CaseCloser,
    CaseEditor,
    CaseExtender,
    CaseLinker,
    CaseLister,
    CaseReader,
    CaseReopener,
    CaseTimelineReader,
    CaseTransferrer,
)
from app.http.route import Router
from app.http.session import ExpectedVersion, Session
from app.schemas.cases import (
    BreakGlassGrant,
    BreakGlassRequest,
    Case,
    CaseAssignment,
    CaseFilters,
    CaseLink,
    CaseLinkCreate,
    CaseSummary,
    CaseTransfer,
    CaseUpdate,
)
from app.schemas.exit_plans import CaseClosure, CaseExtension, CaseReopening
from app.schemas.timeline import TimelineEntry, TimelineFilters
from app.schemas.wire import Page, PageQuery
from app.services.cases import break_glass as break_glass_grants
from app.services.cases import case_links, cases
from app.services.cases import extend as cases_extend
from app.services.cases import staffing as cases_staffing
from app.services.cases import timeline as timelines
from app.services.exit import close_case as cases_close
from app.services.exit import reopen_case as cases_reopen

router = Router(prefix="/cases", tags=["cases"])


@router.get("")
async def list_cases(
    caller: CaseLister,
    session: Session,
    filters: Annotated[CaseFilters, Query()],
) -> Page[CaseSummary]:
    """List the cases you see, newest first."""
    return await cases.list_cases(session, caller, filters)


@router.get("/{case_id}")
async def get_case(
    caller: CaseReader,  # noqa: ARG001 - the door
    session: Session,
    case_id: UUID,
) -> Case:
    """Read a case with its child."""
    return await cases.get_case(session, case_id)


@router.patch("/{case_id}")
async def update_case(
    caller: CaseEditor,
    session: Session,
    case_id: UUID,
    expected_version: ExpectedVersion,
    payload: CaseUpdate,
) -> Case:
    """Change what needs no act of its own."""
    return await cases.update_case(session, caller, case_id, expected_version, payload)


@router.get("/{case_id}/timeline")
async def list_case_timeline(
    caller: CaseTimelineReader,
    session: Session,
    case_id: UUID,
    filters: Annotated[TimelineFilters, Query()],
) -> Page[TimelineEntry]:
    """Read what happened to a case, newest first."""
    return await timelines.list_case_timeline(session, caller, case_id, filters)


@router.post("/{case_id}/assign")
async def assign_case(
    caller: CaseAssigner,
    session: Session,
    case_id: UUID,
    expected_version: ExpectedVersion,
    payload: CaseAssignment,
) -> Case:
    """Name the lead worker and the co-workers."""
    return await cases_staffing.assign_case(session, caller, case_id, expected_version, payload)


@router.post("/{case_id}/transfer")
async def transfer_case(
    caller: CaseTransferrer,
    session: Session,
    case_id: UUID,
    expected_version: ExpectedVersion,
    payload: CaseTransfer,
) -> Case:
    """Give a case to another team."""
    return await cases_staffing.transfer_case(session, caller, case_id, expected_version, payload)


@router.post("/{case_id}/extend")
async def extend_case(
    caller: CaseExtender,
    session: Session,
    case_id: UUID,
    expected_version: ExpectedVersion,
    payload: CaseExtension,
) -> Case:
    """Extend support past 24 months, until a day, for a reason."""
    return await cases_extend.extend_case(session, caller, case_id, expected_version, payload)


@router.post("/{case_id}/close")
async def close_case(
    caller: CaseCloser,
    session: Session,
    case_id: UUID,
    expected_version: ExpectedVersion,
    payload: CaseClosure,
) -> Case:
    """End support, as the approved exit plan says, or because something happened."""
    return await cases_close.close_case(session, caller, case_id, expected_version, payload)


@router.post("/{case_id}/reopen", status_code=201)
async def reopen_case(
    caller: CaseReopener,
    session: Session,
    case_id: UUID,
    expected_version: ExpectedVersion,
    payload: CaseReopening,
) -> Case:
    """Open a new case for the child of a closed one, linked with it."""
    return await cases_reopen.reopen_case(session, caller, case_id, expected_version, payload)


@router.post("/{case_id}/break-glass")
async def break_glass(
    caller: CaseBreakGlassUser,
    session: Session,
    case_id: UUID,
    payload: BreakGlassRequest,
) -> BreakGlassGrant:
    """Open a case outside your scope for four hours; your supervisor and the DPO see it at once."""
    return await break_glass_grants.break_glass(session, caller, case_id, payload)


@router.post("/{case_id}/links", status_code=201)
async def create_case_link(
    caller: CaseLinker,
    session: Session,
    case_id: UUID,
    payload: CaseLinkCreate,
) -> CaseLink:
    """Link two children's cases; a wall stands between their workers from then on."""
    return await case_links.create_case_link(session, caller, case_id, payload)


@router.get("/{case_id}/links")
async def list_case_links(
    caller: CaseLinker,
    session: Session,
    case_id: UUID,
    page: Annotated[PageQuery, Query()],
) -> Page[CaseLink]:
    """List the cases linked with this one."""
    return await case_links.list_case_links(session, caller, case_id, page)
