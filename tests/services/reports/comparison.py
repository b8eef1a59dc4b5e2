"""Compare the reports with their slow computations."""

from dataclasses import replace
from datetime import date
from typing import Any

from app.access.report_reader import ReportReader
from app.services.reports.catalogue import REPORTS
from app.services.reports.query import Period, build_empty_figures, compute_table
from tests.services.reports.slow_entries import ENTRY_REPORTS
from tests.services.reports.slow_exits import EXIT_REPORTS
from tests.services.reports.slow_figures import Rows
from tests.services.reports.slow_fund import FUND_REPORTS
from tests.services.reports.slow_intake import INTAKE_REPORTS
from tests.services.reports.slow_outcomes import OUTCOME_REPORTS
from tests.services.reports.slow_outreach import OUTREACH_REPORTS
from tests.services.reports.slow_pathway import PATHWAY_REPORTS
from tests.services.reports.slow_times import TIME_REPORTS

SLOW_REPORTS = {
    **INTAKE_REPORTS,
    **ENTRY_REPORTS,
    **PATHWAY_REPORTS,
    **TIME_REPORTS,
    **EXIT_REPORTS,
    **FUND_REPORTS,
    **OUTCOME_REPORTS,
    **OUTREACH_REPORTS,
}
COUNTED_TABLES = (
    "children", "cases", "referrals", "assessments", "care_plans", "goals", "actions", "support_sessions", "reviews",
    "service_referrals", "follow_ups", "disbursements", "break_glass", "exit_plans", "status_periods", "assignment_periods",
    "feedback", "funds", "outreach_activities", "outreach_participants",
)  # fmt: skip


ACT = "report.read_entry_profile"
"""Act of an access that can compute all reports, including those with encrypted answers."""


async def load_rows(superuser: Any, today: date) -> Rows:
    """Return the rows of the counted tables. The connection must decode JSON."""
    tables = {
        table: await superuser.fetch(f"SELECT * FROM {table}")  # noqa: S608 - the tables above
        for table in (*COUNTED_TABLES, "targets", "caseload_standards", "team_members", "users")
    }
    return Rows(tables, today)


async def find_differences(
    reader: ReportReader, name: str, rows: Rows, period: Period, by: list[str], grant_code: str | None = None
) -> list[Any]:
    """Return the figures of a report that are not those of its slow computation."""
    table = await compute_table(reader, REPORTS[name], period, by, grant_code)
    rows = replace(rows, grant_code=grant_code)
    groups, total = SLOW_REPORTS[name].compute_groups(rows, period.first_day, period.last_day, by)
    pairs: list[tuple[tuple[str, ...], Any, Any]] = [
        ((), table.total, total),
        ((), build_empty_figures(REPORTS[name].measures), SLOW_REPORTS[name].compute([])),
    ]
    if by:
        pairs += [
            (group, table.by_group.get(group), groups.get(group)) for group in {*table.by_group, *groups}
        ]
    return [(name, by, *pair) for pair in pairs if pair[1] != pair[2]]
