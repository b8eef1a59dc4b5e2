"""Publish statistics of the latest closed quarter in the demonstration, and request a report run of the latest year."""

from uuid import UUID

from app.access.permissions import Permission
from app.access.reader import session_reader
from app.access.report_reader import open_report_reader
from app.demo.organisation import DemoContext
from app.demo.outreach import MONITORING_OFFICER
from app.schemas.releases import Release, ReleaseCreate
from app.schemas.report_runs import ReportRunCreate, ReportRunItem
from app.services.releases import preparation, publication, responses
from app.services.releases.periods import ReleasePeriod, list_latest_closed_periods
from app.services.reports.report_runs import create_report_run

PROGRAMME_MANAGER = "kunthea.manager"
TABLES = (
    "open_cases", "open_cases_by_kind", "new_cases", "new_cases_by_sex", "new_cases_by_kind", "support_sessions",
    "support_sessions_by_session_status", "new_cases_by_province", "outreach_participants_by_figure",
)  # fmt: skip


async def create_demo_release(context: DemoContext) -> None:
    """Publish a release of the latest closed quarter. Tables that the audit refuses are omitted."""
    period, tables = next(list_latest_closed_periods()), set(TABLES)
    while tables:
        release = await _audit(context, await _publish(context, await _prepare(context, period, tables)))
        if release.status == "published":
            return
        tables -= set(release.tables_to_drop)


async def create_demo_report_run(context: DemoContext) -> None:
    """Request a run with the profile at the entry. The job process computes it when the server has started."""
    *_, year = map(ReleasePeriod.parse, list_latest_closed_periods())
    reports = [
        ReportRunItem(name="entry_profile", by=["disability"]),
        ReportRunItem(name="entry_profile", by=["school"]),
        ReportRunItem(name="new_cases", by=["sex", "age_band"]),
        ReportRunItem(name="outreach_participants", by=["topic"]),
    ]
    payload = ReportRunCreate(
        reports=reports, first_day=year.first_day, last_day=year.last_day, language="km"
    )
    async with context.run_as(MONITORING_OFFICER, Permission.report_run) as (session, caller):
        await create_report_run(session, caller, payload)


async def _prepare(context: DemoContext, period: str, tables: set[str]) -> Release:
    payload = ReleaseCreate(period=period, tables=sorted(tables))
    async with (
        context.run_as(MONITORING_OFFICER, Permission.release_prepare) as (session, caller),
        context.database.report_pool.acquire() as connection,
        open_report_reader(connection, caller.access) as reader,
    ):
        return await preparation.create_release(session, reader, caller, payload)


async def _publish(context: DemoContext, release: Release) -> UUID:
    async with context.run_as(PROGRAMME_MANAGER, Permission.release_publish) as (session, caller):
        await publication.publish_release(session, caller, release.id, release.version)
    return release.id


async def _audit(context: DemoContext, release_id: UUID) -> Release:
    """Audit a release immediately. The job that the publication has added finds nothing to do."""
    while True:
        async with context.run_as(PROGRAMME_MANAGER, Permission.release_publish) as (session, caller):
            await publication.audit_next_report(session, {"release_id": str(release_id)})
            await session.flush()  # the query of the response bypasses the session
            release = await responses.get_release(session_reader(session), caller, release_id)
        if release.status != "auditing":
            return release
