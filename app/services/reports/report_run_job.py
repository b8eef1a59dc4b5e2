"""The job of a report run: compute the reports, and store their files.

Each report is read with an access of its own, opened for the requester, so that the access log contains an event with name,
period and filters of each report, and so that the current roles and teams of the requester apply.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access import log
from app.access.caller import Caller
from app.access.report_reader import BEGIN_REPORT_SQL, REPORT_SECONDS, ReportReader, ReportTooSlow
from app.access.vault import get_vault
from app.database.engine import Database
from app.errors import FirstStepError, Forbidden
from app.kit.jobs import JobKind
from app.models import ReportRun, ReportRunContent
from app.models.record import utc_now
from app.rendering.printed_file import PrintedFile
from app.schemas.reports import ReportQuery, ReportResult
from app.services.reports.reports import compute_report

OPEN_REPORT_RUN_SQL = "SELECT * FROM access.open_report_run($1, $2, $3)"
FAILURES: dict[type[FirstStepError], str] = {Forbidden: "not_allowed", ReportTooSlow: "too_slow"}
"""Reasons for a failure that a retry cannot resolve."""
TITLES = {"en": "Reports", "km": "របាយការណ៍"}


def compute_secret(run_id: UUID) -> bytes:
    """Return the secret with which the job reads for the requester."""
    return get_vault().blind_index.compute_digest(b"report_run", run_id.bytes)


async def produce_report_run(session: AsyncSession, payload: Mapping[str, Any]) -> None:
    """Compute the reports of a run and store the files, unless the run has ended.

    A run that another attempt cannot finish fails with its reason. Every other error is raised, so that the job is repeated.
    """
    run = await session.get(ReportRun, UUID(payload["run_id"]))
    if run is None or run.finished_at is not None:
        return
    try:
        results = await _compute_reports(session.info["database"], run)
    except (Forbidden, ReportTooSlow) as error:
        await _end_run(session, run.id, status="failed", failure=FAILURES[type(error)])
        return
    printed, workbook = await asyncio.to_thread(_render_files, results, run.language)
    content = ReportRunContent(id=run.id, missing_characters=printed.missing_characters)
    content.pdf, content.xlsx = printed.content, workbook
    session.add(content)
    await _end_run(session, run.id, status="finished", done=len(results))


async def fail_report_run(session: AsyncSession, payload: Mapping[str, Any]) -> None:
    """Record that the last attempt of the job failed."""
    await _end_run(session, UUID(payload["run_id"]), status="failed", failure="technical")


async def _end_run(session: AsyncSession, run_id: UUID, **values: object) -> None:
    await session.execute(
        update(ReportRun)
        .where(col(ReportRun.id) == run_id, col(ReportRun.finished_at).is_(None))
        .values(version=ReportRun.version + 1, finished_at=utc_now(), **values)
        .execution_options(synchronize_session=False)
    )


async def _compute_reports(database: Database, run: ReportRun) -> list[ReportResult]:
    """Return the figures of the reports. The progress is committed after each of them."""
    results: list[ReportResult] = []
    own = Database(database.url, pool_size=1, reports_url=database.reports_url)
    await own.open()
    try:
        for item in run.reports:
            await _record_progress(own, run.id, len(results))
            async with _open_reader(own, run) as (reader, caller):
                query = _build_query(run, item["by"])
                results.append(await compute_report(reader, caller, item["name"], query, run.language))
    finally:
        await own.close()
    return results


def _build_query(run: ReportRun, by: Sequence[str]) -> ReportQuery:
    return ReportQuery.model_validate({
        "from": run.first_day.isoformat(), "to": run.last_day.isoformat(), "by": ",".join(by) if by else [],
        "compare": "previous" if run.compares else None, "grant_code": run.grant_code, "format": "pdf",
        "language": run.language,
    })  # fmt: skip


async def _record_progress(database: Database, run_id: UUID, done: int) -> None:
    async with database.session_factory.begin() as session:
        await session.execute(
            update(ReportRun)
            .where(col(ReportRun.id) == run_id, col(ReportRun.finished_at).is_(None))
            .values(version=ReportRun.version + 1, status="running", done=done)
        )


@asynccontextmanager
async def _open_reader(database: Database, run: ReportRun) -> AsyncIterator[tuple[ReportReader, Caller]]:
    """Open an access for the requester, and yield a reader with it. At the end, write the log entry.

    Raises:
        Forbidden: the requester is not active.
    """
    opened = await database.access_pool.fetchrow(
        OPEN_REPORT_RUN_SQL, run.id, compute_secret(run.id), uuid4().hex
    )
    if opened["event_id"] is None:
        raise Forbidden
    caller = Caller.from_opened_access(
        dict(opened), subject_id=run.requested_by_id, kind="person", session_id=run.id
    )
    outcome, status = "failed", 500
    async with database.report_pool.acquire() as connection:
        reader = ReportReader(connection)
        try:
            await connection.execute(BEGIN_REPORT_SQL.format(caller.access.setting, REPORT_SECONDS))
            yield reader, caller
            outcome, status = "allowed", 200
        except FirstStepError as error:
            outcome, status = log.get_outcome(error.status), error.status
            raise
        finally:
            await connection.execute("ROLLBACK")
            await log.conclude_access(
                database, log.Conclusion(caller.access, outcome, status, reader.records, reader.changes)
            )


def _render_files(results: Sequence[ReportResult], language: str) -> tuple[PrintedFile, bytes]:
    from app.rendering.strip_pdf import render_strips_pdf  # noqa: PLC0415 - slow to import and rarely needed
    from app.services.reports.printed_report import build_report_strips  # noqa: PLC0415 - same
    from app.services.reports.xlsx_file import render_xlsx  # noqa: PLC0415 - same

    parts = [build_report_strips(result, language) for result in results]
    return render_strips_pdf(parts, TITLES[language], language), render_xlsx(results, language)


REPORT_RUN = JobKind("report_run", produce_report_run, fail=fail_report_run)
