"""The job of a report run: compute the reports, and store their files.

Each report is read with a separate access, opened for the requester, so that the access log contains an event with
name, period and filters of each report, and so that the current roles and teams of the requester apply.
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
from app.access.acts import Act, ActWithoutPermission
from app.access.caller import Caller
from app.access.permissions import Permission
from app.access.report_reader import BEGIN_REPORT_SQL, REPORT_SECONDS, ReportReader, ReportTooSlow
from app.access.vault import get_vault
from app.database.engine import Database
from app.errors import FirstStepError, Forbidden
from app.kit.jobs import JobKind, renew_lease
from app.models import ReportRun, ReportRunContent
from app.models.record import utc_now
from app.rendering.printed_file import PrintedFile
from app.schemas.reports import ReportQuery, ReportResult
from app.services.reports.catalogue import REPORTS
from app.services.reports.reports import compute_report
from app.services.reports.table_rows import SlowReport

OPEN_REPORT_RUN_SQL = "SELECT * FROM access.open_report_run($1, $2, $3, $4)"
TOO_SLOW = "too_slow"
TITLES = {"en": "Reports", "km": "របាយការណ៍"}
RunPart = ReportResult | SlowReport


def compute_secret(run_id: UUID) -> bytes:
    """Return the secret with which the job reads for the requester."""
    return get_vault().blind_index.compute_digest(b"report_run", run_id.bytes)


async def produce_report_run(session: AsyncSession, payload: Mapping[str, Any]) -> None:
    """Compute the reports of a run and store the files, unless the run has ended.

    A report that takes too long becomes a note in the files. A run that another attempt cannot finish fails with its
    reason. Every other error is raised, so that the job is repeated.
    """
    database: Database = session.info["database"]
    own = Database(database.url, pool_size=1, reports_url=database.reports_url)
    await own.open()
    try:
        run = await _load_run(own, UUID(payload["run_id"]))
        if run is None or run.finished_at is not None:
            return
        try:
            parts = await _compute_parts(session, own, run)
        except Forbidden:
            await _end_run(session, run.id, status="failed", failure="not_allowed")
            return
    finally:
        await own.close()
    if all(isinstance(part, SlowReport) for part in parts):
        await _end_run(session, run.id, status="failed", failure=TOO_SLOW)
        return
    await renew_lease(session)
    printed, workbook = await asyncio.to_thread(_render_files, parts, run.language)
    content = ReportRunContent(id=run.id, missing_characters=printed.missing_characters)
    content.pdf, content.xlsx = printed.content, workbook
    session.add(content)
    await _end_run(session, run.id, status="finished", done=len(parts), reports=_list_outcomes(run, parts))


async def fail_report_run(session: AsyncSession, payload: Mapping[str, Any]) -> None:
    """Record that the last attempt of the job failed."""
    await _end_run(session, UUID(payload["run_id"]), status="failed", failure="technical")


async def _load_run(own: Database, run_id: UUID) -> ReportRun | None:
    async with own.session_factory() as session:
        return await session.get(ReportRun, run_id)


async def _end_run(session: AsyncSession, run_id: UUID, **values: object) -> None:
    await session.execute(
        update(ReportRun)
        .where(col(ReportRun.id) == run_id, col(ReportRun.finished_at).is_(None))
        .values(version=ReportRun.version + 1, finished_at=utc_now(), **values)
        .execution_options(synchronize_session=False)
    )


def _list_outcomes(run: ReportRun, parts: Sequence[RunPart]) -> list[dict[str, Any]]:
    """Return the reports of a run, with the reason of those that have no figures."""
    return [
        {**item, "failure": TOO_SLOW} if isinstance(part, SlowReport) else item
        for item, part in zip(run.reports, parts, strict=True)
    ]


async def _compute_parts(session: AsyncSession, own: Database, run: ReportRun) -> list[RunPart]:
    """Return the figures of the reports. The progress is committed after each of them, and the lease begins again."""
    parts: list[RunPart] = []
    for item in run.reports:
        await renew_lease(session)
        await _record_progress(own, run.id, len(parts))
        try:
            parts.append(await _compute_report(own, run, item["name"], item["by"]))
        except ReportTooSlow:
            parts.append(SlowReport(item["name"], run.first_day, run.last_day))
    return parts


async def _compute_report(own: Database, run: ReportRun, name: str, by: Sequence[str]) -> ReportResult:
    act = (
        ActWithoutPermission.report_read_entry_profile if REPORTS[name].needs_run else Permission.report_read
    )
    async with _open_reader(own, run, act) as (reader, caller):
        return await compute_report(reader, caller, name, _build_query(run, by), run.language)


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
async def _open_reader(
    database: Database, run: ReportRun, act: Act
) -> AsyncIterator[tuple[ReportReader, Caller]]:
    """Open an access for the requester, and yield a reader with it. At the end, write the log entry.

    Raises:
        Forbidden: the requester is not active.
    """
    opened = await database.access_pool.fetchrow(
        OPEN_REPORT_RUN_SQL, run.id, compute_secret(run.id), act, uuid4().hex
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


def _render_files(parts: Sequence[RunPart], language: str) -> tuple[PrintedFile, bytes]:
    from app.rendering.strip_pdf import render_strips_pdf  # noqa: PLC0415 - slow to import and rarely needed
    from app.services.reports.printed_report import build_part_strips  # noqa: PLC0415 - same
    from app.services.reports.xlsx_file import render_xlsx  # noqa: PLC0415 - same

    strips = [build_part_strips(part, language) for part in parts]
    return render_strips_pdf(strips, TITLES[language], language), render_xlsx(parts, language)


REPORT_RUN = JobKind("report_run", produce_report_run, fail=fail_report_run)
