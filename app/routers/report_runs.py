"""Endpoints of report runs."""

from typing import Annotated
from uuid import UUID

from fastapi import Path, Query
from starlette.responses import Response

from app.http.permissions import ReportRequester
from app.http.printed_responses import PrintedResponse, build_printed_response
from app.http.responses import build_attachment_response, describe_attachment
from app.http.route import Router
from app.http.session import Reader, Session
from app.schemas.report_runs import (
    ReportRun,
    ReportRunContentQuery,
    ReportRunCreate,
    ReportRunFilters,
    ReportRunList,
)
from app.services.reports import report_runs
from app.services.reports.files import PDF_MEDIA_TYPE, XLSX_MEDIA_TYPE, PrintedReport, ReportFile

RunId = Annotated[UUID, Path(description="Id of the report run.")]
router = Router(prefix="/report-runs", tags=["reports"])


@router.post("", status_code=202)
async def create_report_run(
    caller: ReportRequester,
    session: Session,
    payload: ReportRunCreate,
) -> ReportRun:
    """Request several reports in one PDF and one spreadsheet.

    A job computes the reports after the response. The caller needs a role that can read each of them. The roles and teams
    that the caller has at the time of the computation apply. The access log gets an event for each report when it is
    computed.

    Each report has a separate time limit. For a report that takes longer than 30 seconds, the files contain a note, and
    its `failure` in `reports` is `too_slow`. Reports with `needs_run` in the catalogue are available here only.
    """
    return await report_runs.create_report_run(session, caller, payload)


@router.get("")
async def list_report_runs(
    caller: ReportRequester,
    reader: Reader,
    filters: Annotated[ReportRunFilters, Query()],
) -> ReportRunList:
    """List the caller's report runs of the last 30 days, newest first by default.

    Runs of other users are not listed.
    """
    return await report_runs.list_report_runs(reader, caller, filters)


@router.get("/{run_id}")
async def get_report_run(
    caller: ReportRequester,
    reader: Reader,
    run_id: RunId,
) -> ReportRun:
    """Get a report run with its progress.

    `done` counts the computed reports. A failed run has the reason in `failure`.
    """
    return await report_runs.get_report_run(reader, caller, run_id)


@router.get(
    "/{run_id}/content",
    response_class=PrintedResponse,
    responses=describe_attachment(PDF_MEDIA_TYPE, XLSX_MEDIA_TYPE),
)
async def download_report_run(
    caller: ReportRequester,
    reader: Reader,
    run_id: RunId,
    query: Annotated[ReportRunContentQuery, Query()],
) -> Response:
    """Download a file of a finished report run.

    Only the requester can download it, for 24 hours after the end of the run. Each download is in the access log.
    """
    return _build_file_response(await report_runs.download_report_run(reader, caller, run_id, query.format))


def _build_file_response(file: ReportFile | PrintedReport) -> Response:
    if isinstance(file, PrintedReport):
        return build_printed_response(*file)
    return build_attachment_response(*file)
