"""Report runs: request several reports in one PDF and one spreadsheet, and download the files."""

import hashlib
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.caller import Caller
from app.access.reader import NoShownRecord, ReadQuery, RecordReader
from app.errors import Fault, Forbidden, InvalidInput, NotFound
from app.kit.grant_codes import validate_grant_exists
from app.kit.jobs import enqueue_job
from app.kit.list_query import ListQuery
from app.kit.resources import Resource
from app.kit.state_machine import raise_if_unmet
from app.models import ReportRun, ReportRunContent
from app.models.record import new_id, utc_now
from app.rendering.printed_file import PrintedFile
from app.schemas.fault_messages import VALIDATION_MESSAGES
from app.schemas.report_runs import ReportRun as ReportRunSchema
from app.schemas.report_runs import ReportRunCreate, ReportRunFilters, ReportRunList
from app.services.reports.catalogue import REPORTS
from app.services.reports.definition import Report
from app.services.reports.files import PDF_MEDIA_TYPE, XLSX_MEDIA_TYPE, PrintedReport, ReportFile
from app.services.reports.report_run_job import REPORT_RUN, compute_secret
from app.services.reports.reports import check_dimensions

LIFETIME = timedelta(hours=24)
"""Time for which the files can be downloaded. `access.delete_expired_rows()` deletes them."""
RECORD_KIND = "report_run"
NO_CHILD = NoShownRecord("a report run belongs to no child")
COLUMN_FIELDS = [name for name in ReportRunSchema.model_fields if name in ReportRun.model_fields]
CONTENT_QUERY = ReadQuery(
    select(
        col(ReportRun.id),
        col(ReportRun.status),
        col(ReportRun.language),
        col(ReportRun.reports),
        col(ReportRun.first_day),
        col(ReportRun.last_day),
        col(ReportRun.finished_at),
        col(ReportRunContent.pdf_encrypted),
        col(ReportRunContent.xlsx_encrypted),
        col(ReportRunContent.missing_characters),
    )
    .outerjoin(ReportRunContent, col(ReportRunContent.id) == col(ReportRun.id))
    .where(
        col(ReportRun.id) == bindparam("run_id"), col(ReportRun.requested_by_id) == bindparam("caller_id")
    ),
    shows=NO_CHILD,
)


def _row_to_fields(row: Any) -> dict[str, Any]:
    return dict(zip(COLUMN_FIELDS, row, strict=False))


RUNS = Resource(
    ListQuery(
        "report_runs",
        ReportRun,
        select(*(getattr(ReportRun, name) for name in COLUMN_FIELDS)),
        filters={
            "status": col(ReportRun.status) == bindparam("status"),
            "requested_by_id": col(ReportRun.requested_by_id) == bindparam("requested_by_id"),
        },
        sorts={"created_at": col(ReportRun.created_at)},
        shows=NO_CHILD,
    ),
    ReportRunSchema,
    ReportRunList,
    _row_to_fields,
)


async def create_report_run(
    session: AsyncSession, caller: Caller, payload: ReportRunCreate
) -> ReportRunSchema:
    """Request the files. A job computes them after the transaction has committed.

    Raises:
        Forbidden: no role of the caller can read one of the reports.
        InvalidInput: a report does not have one of its dimensions, or no grants, or the grant does not exist.
        AlreadyExists: the id is taken.
    """
    if any(caller.roles.isdisjoint(REPORTS[item.name].readers) for item in payload.reports):
        raise Forbidden
    if faults := _check_reports(payload):
        raise InvalidInput(faults)
    await validate_grant_exists(session, payload.grant_code)
    run_id = payload.id or new_id()
    run = ReportRun(
        id=run_id,
        requested_by_id=caller.id,
        reports=[item.model_dump() for item in payload.reports],
        secret_hash=hashlib.sha256(compute_secret(run_id)).digest(),
        **payload.model_dump(exclude={"id", "reports"}),
    )
    created = await RUNS.save(session, run)
    enqueue_job(session, REPORT_RUN, {"run_id": str(run_id)})
    return created


def _check_reports(payload: ReportRunCreate) -> list[Fault]:
    faults = []
    for index, item in enumerate(payload.reports):
        report = REPORTS[item.name]
        faults += check_dimensions(report, item.by, f"/reports/{index}/by")
        faults += _check_year(report, payload)
        if payload.grant_code is not None and not report.has_grants:
            detail = "The records of this report have no grant. Remove the report or `grant_code`."
            faults.append(Fault(f"/reports/{index}/name", "field_unfit", detail))
    return faults


def _check_year(report: Report, payload: ReportRunCreate) -> list[Fault]:
    year = payload.first_day.year
    if not report.period.is_year or (payload.first_day, payload.last_day) == (
        date(year, 1, 1),
        date(year, 12, 31),
    ):
        return []
    return [Fault("/last_day", "period_not_year", VALIDATION_MESSAGES["period_not_year"])]


async def list_report_runs(reader: RecordReader, caller: Caller, filters: ReportRunFilters) -> ReportRunList:
    """Return one page of the caller's runs, newest first unless `sort` is given."""
    return await RUNS.list_page(reader, caller, filters, within={"requested_by_id": caller.id})


OWNER_QUERY = ReadQuery(
    select(*(getattr(ReportRun, name) for name in COLUMN_FIELDS)).where(
        col(ReportRun.id) == bindparam("run_id"), col(ReportRun.requested_by_id) == bindparam("caller_id")
    ),
    shows=NO_CHILD,
)


async def get_report_run(reader: RecordReader, caller: Caller, run_id: UUID) -> ReportRunSchema:
    """Return a run with its progress.

    Raises:
        NotFound: the run does not exist, or another user requested it.
    """
    row = await reader.fetch_required(OWNER_QUERY, run_id=run_id, caller_id=caller.id)
    return ReportRunSchema(**_row_to_fields(row))


async def download_report_run(
    reader: RecordReader, caller: Caller, run_id: UUID, file_format: str
) -> ReportFile | PrintedReport:
    """Return a file of a finished run.

    Raises:
        Forbidden: the caller has lost the role that can read one of the reports.
        NotFound: the run does not exist, another user requested it, or its files were deleted.
        GateRefused: the run is not finished.
    """
    row = await reader.fetch_required(CONTENT_QUERY, run_id=run_id, caller_id=caller.id)
    if any(caller.roles.isdisjoint(REPORTS[report["name"]].readers) for report in row.reports):
        raise Forbidden
    if row.status != "finished":
        raise_if_unmet([Fault(None, "run_unfinished", "The run must be finished.")])
    if row.pdf_encrypted is None or row.finished_at < utc_now() - LIFETIME:
        raise NotFound("The files were deleted 24 hours after the end of the run.")
    reader.record_access(RECORD_KIND, run_id)
    name = f"reports-{row.first_day}-{row.last_day}.{file_format}"
    if file_format == "pdf":
        content = ReportRunContent.pdf.decrypt(row.id, row.pdf_encrypted)
        return PrintedReport(name, PDF_MEDIA_TYPE, PrintedFile(content, row.missing_characters), row.language)
    return ReportFile(name, XLSX_MEDIA_TYPE, ReportRunContent.xlsx.decrypt(row.id, row.xlsx_encrypted))
