"""The figures of all reports and releases in the demonstration, compared with second computations."""

import json
from datetime import timedelta
from itertools import product

import asyncpg

from app.access.report_reader import ReportReader
from app.database.urls import to_driver_url
from app.kit.dates import add_months, today
from app.services.releases.counts import count_facts
from app.services.releases.menu_reports import MENU
from app.services.releases.periods import ReleasePeriod
from app.services.reports.catalogue import REPORTS
from app.services.reports.query import Period, compute_table
from tests.services.reports.comparison import ACT, find_differences, load_rows
from tests.support.raw_sql import conclude_access, open_access, set_access
from tests.support.scenario import Scenario

FOLLOW_UP_DAYS = 100
"""More days than any report follows the entries of a cohort."""


FACT_MEASURES = {
    "exits": ["exits", "reason_died"], "area_progress": ["rated_twice", "rated_once"], "after_exit": ["due", "exits"],
    "feedback": ["child", "caregiver"],
}  # fmt: skip
"""The measures that together count all facts of a report, if it is not the first one."""


async def assert_released_counts_are_exact(reader: ReportReader) -> None:
    """Assert that the true counts of releases are those of the reports, which leave out deaths among the exits."""
    for year, quarter in product((today().year - 1, today().year), (None, 1, 2, 3, 4)):
        period = ReleasePeriod(year, quarter)
        for name, menu_report in MENU.items():
            is_counted = menu_report.periods in {"any", "years" if period.is_year else "quarters"}
            if menu_report.is_exact or not is_counted or not period.is_closed(FOLLOW_UP_DAYS):
                continue
            report = REPORTS[name]
            table = await compute_table(reader, report, Period(period.first_day, period.last_day), [])
            counts = await count_facts(reader, menu_report, period)
            number = sum(sum(cells.values()) for cells in counts.by_quarter.values())
            expected = [
                table.total[measure] for measure in FACT_MEASURES.get(name, [report.measures[0].name])
            ]
            assert number == sum(value for value in expected if isinstance(value, int)), (name, period)


async def assert_reports_are_exact(scenario: Scenario, superuser: asyncpg.Connection) -> None:
    """Assert that every report gives the same figures as a slow second computation, for each quarter of the last two years."""
    await superuser.set_type_codec("jsonb", schema="pg_catalog", encoder=str, decoder=json.loads)
    rows = await load_rows(superuser, today())
    api, reports = [
        await asyncpg.connect(to_driver_url(url)) for url in (scenario.urls.api, scenario.urls.reports)
    ]
    try:
        access = await open_access(api, "manager", ACT)
        async with reports.transaction():
            await set_access(reports, access)
            for months in range(0, 24, 3):
                first_day = add_months(today().replace(day=1), -months)
                period = Period(first_day, add_months(first_day, 3) - timedelta(days=1))
                for name, report in REPORTS.items():
                    by = [dimension.name for dimension in report.dimensions][:1]
                    assert await find_differences(ReportReader(reports), name, rows, period, by) == []
            await assert_released_counts_are_exact(ReportReader(reports))
        await conclude_access(api, access)
    finally:
        await api.close()
        await reports.close()
