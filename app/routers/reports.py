"""Endpoints of reports."""

from typing import Annotated, Final

from fastapi import Query
from starlette.responses import Response

from app.access.report_reader import REPORT_SECONDS
from app.http.language import AcceptedLanguage
from app.http.permissions import ReportViewer
from app.http.printed_responses import PrintedResponse, build_printed_response
from app.http.responses import build_attachment_response, describe_attachment
from app.http.route import Router
from app.http.session import Reader, ReportSource
from app.schemas.reports import ReportCatalogue, ReportName, ReportQuery, ReportResult
from app.services.reports import reports
from app.services.reports.files import (
    PDF_MEDIA_TYPE,
    SVG_MEDIA_TYPE,
    XLSX_MEDIA_TYPE,
    PrintedReport,
    ReportFile,
)

router = Router(prefix="/reports", tags=["reports"])
SECONDS_BY_PREFIX: Final = {"/v1/reports/": 2 * REPORT_SECONDS + 15.0, "/v1/releases": REPORT_SECONDS + 15.0}
"""Time limit of reports and of the preparation of a release, which is longer than that of the other requests.

A comparison with the previous period runs two statements, each with a limit of `REPORT_SECONDS`.
"""


@router.get("")
async def get_report_catalogue(_caller: ReportViewer, _reader: Reader) -> ReportCatalogue:
    """Get the catalogue of reports.

    Each item defines what the report counts, for which period, by which dimensions, and which roles can read it.
    """
    return reports.get_report_catalogue()


@router.get(
    "/{name}",
    response_model=ReportResult,
    responses=describe_attachment("text/csv", XLSX_MEDIA_TYPE, SVG_MEDIA_TYPE, PDF_MEDIA_TYPE),
)
async def get_report(
    caller: ReportViewer,
    reader: ReportSource,
    name: ReportName,
    query: Annotated[ReportQuery, Query()],
    accepted_language: AcceptedLanguage,
) -> Response | PrintedResponse | ReportResult:
    """Get the figures of a report.

    The figures are exact. For a supervisor they count the records of the supervised teams, for the other roles those of all
    teams. Cases behind a conflict wall are included. The access log contains the report, its period and its filters. It
    contains no entry per child. A report whose figures of one period take longer than 30 seconds is rejected with 503 and
    `Retry-After`. A report with `needs_run` in the catalogue is rejected with 409 and the condition `run_required`.

    The formats `svg` and `pdf` have title, period and definition in the language of the request. The picture shows bars,
    or a table for a cohort. The PDF contains the bars and all figures.
    """
    return _build_report_response(await reports.get_report(reader, caller, name, query, accepted_language))


def _build_report_response(report: ReportResult | ReportFile | PrintedReport) -> Response | ReportResult:
    if isinstance(report, ReportFile):
        return build_attachment_response(*report)
    if isinstance(report, PrintedReport):
        return build_printed_response(report.name, report.media_type, report.printed, report.language)
    return report
