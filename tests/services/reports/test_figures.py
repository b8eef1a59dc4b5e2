"""Every figure of every report equals a slow computation in Python, for generated caseloads."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Any, cast

import asyncpg
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from sqlmodel import SQLModel

from app.access.report_reader import ReportReader
from app.database.urls import to_driver_url
from app.models import Case, Child
from app.models.record import freeze_time
from app.services.reports.catalogue import REPORTS
from app.services.reports.definition import Report
from app.services.reports.query import Period
from tests.services.reports.comparison import ACT, COUNTED_TABLES, SLOW_REPORTS, find_differences, load_rows
from tests.services.reports.generated_caseload import caseloads
from tests.services.reports.generated_days import FIRST_DAY, LAST_DAY, TODAY
from tests.services.reports.generated_pathway import GRANTS
from tests.services.reports.slow_figures import list_groupings
from tests.support.database_cluster import Cluster
from tests.support.raw_sql import open_access, set_access
from tests.support.row_factories import insert_row
from tests.support.scenario import id_of

NOON = datetime.combine(TODAY, time(5), UTC)


DROP_RULES_SQL = """
    SELECT format('ALTER TABLE %s DROP CONSTRAINT IF EXISTS %I CASCADE', conrelid::regclass, conname) FROM pg_constraint
     WHERE contype IN ('c', 'u', 'x') AND conrelid::regclass::text = ANY ($1)
     UNION ALL
    SELECT format('DROP INDEX IF EXISTS %s CASCADE', i.indexrelid::regclass) FROM pg_index i
     WHERE i.indisunique AND NOT i.indisprimary AND i.indrelid::regclass::text = ANY ($1)
       AND NOT EXISTS (SELECT FROM pg_constraint c WHERE c.conindid = i.indexrelid)
"""
"""Removes the rules of the tables, because a report must also count rows that violate them."""


CHANGED_TARGETS = {
    "first_contact": 5 * 24 + 1, "assessment": 20 * 24, "care_plan": 60 * 24, "acknowledgement_routine": 4 * 24,
}  # fmt: skip
"""Targets other than those of a new installation, because reports must read the table."""
CHANGED_STANDARD_SQL = """
    UPDATE caseload_standards
       SET cases_per_worker = 2, weight_high = 3, weight_medium = 1.75, weight_low = 0.5, weight_unknown = 1.25
"""
"""A caseload standard other than that of a new installation."""


@dataclass
class FiguresDatabase:
    """A database of generated caseloads, with a connection per role."""

    superuser: asyncpg.Connection
    api: asyncpg.Connection
    reports: asyncpg.Connection

    async def replace_rows(self, rows: list[SQLModel]) -> None:
        """Replace the rows of the counted tables, without triggers and foreign keys."""
        async with self.superuser.transaction():
            await self.superuser.execute("SET LOCAL session_replication_role = replica")
            for table in COUNTED_TABLES:
                await self.superuser.execute(f"DELETE FROM {table}")  # noqa: S608 - the tables above
            for row in rows:
                await insert_row(self.superuser, row)

    @asynccontextmanager
    async def open_reader(self, name: str) -> AsyncIterator[ReportReader]:
        """Read reports as a member of staff."""
        access = await open_access(self.api, name, ACT)
        async with self.reports.transaction():
            await set_access(self.reports, access)
            yield ReportReader(self.reports)


@pytest.fixture(scope="module")
def runner() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as own_runner:
        yield own_runner


@pytest.fixture(scope="module")
def figures_database(cluster: Cluster, runner: asyncio.Runner) -> Iterator[FiguresDatabase]:
    name = "figures_of_reports"

    async def connect() -> FiguresDatabase:
        urls = await cluster.clone(name)
        superuser = await cluster.connect(name)
        await superuser.set_type_codec("jsonb", schema="pg_catalog", encoder=str, decoder=json.loads)
        for statement in await superuser.fetch(DROP_RULES_SQL, list(COUNTED_TABLES)):
            await superuser.execute(statement[0])
        await superuser.execute(CHANGED_STANDARD_SQL)
        for target, hours in CHANGED_TARGETS.items():
            await superuser.execute("UPDATE targets SET hours = $1 WHERE name = $2", hours, target)
        api, reports = [await asyncpg.connect(to_driver_url(url)) for url in (urls.api, urls.reports)]
        return FiguresDatabase(superuser, api, reports)

    async def disconnect(database: FiguresDatabase) -> None:
        for connection in (database.superuser, database.api, database.reports):
            await connection.close()
        await cluster.drop(name)

    database = runner.run(connect())
    yield database
    runner.run(disconnect(database))


def list_computations(report: Report) -> list[tuple[list[str], str | None]]:
    """Return all groupings. For one grant, return only the totals and the groupings by one dimension."""
    groupings = list_groupings([dimension.name for dimension in report.dimensions])
    of_grant = [(by, GRANTS[0]) for by in groupings if len(by) < 2 and report.has_grants]
    return [*((by, None) for by in groupings), *of_grant]


def create_closed_case(child: Child, opened_on: date, closed_on: date) -> Case:
    return Case(
        number=f"FSC-{opened_on:%Y-%m%d}", child_id=child.id, kind="survivor", status="closed", team_id=id_of("north"),
        lead_worker_id=id_of("worker_north"), opened_on=opened_on, closed_on=closed_on, close_reason="goals_met",
    )  # fmt: skip


async def compare(database: FiguresDatabase, rows: list[SQLModel]) -> None:
    await database.replace_rows(rows)
    stored = await load_rows(database.superuser, TODAY)
    with freeze_time(NOON):
        async with database.open_reader("manager") as reader:
            differences = [
                difference
                for name, report in REPORTS.items()
                for by, grant in list_computations(report)
                for difference in await find_differences(
                    reader, name, stored, Period(FIRST_DAY, LAST_DAY), by, grant
                )
            ]
    assert not differences, differences[:5]


@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    derandomize=True,
    phases=[Phase.generate],
)
@given(rows=caseloads())
def test_figures_equal_the_slow_computation(
    figures_database: FiguresDatabase, runner: asyncio.Runner, rows: list[SQLModel]
) -> None:
    runner.run(compare(figures_database, rows))


@pytest.mark.parametrize("close_reason", ["goals_met", "duplicate", "opened_in_error"])
def test_reopening_by_mistake_does_not_count(
    figures_database: FiguresDatabase, runner: asyncio.Runner, close_reason: str
) -> None:
    # Catches: the report after_exit without the condition on `opened_in_error`.
    child = Child(sex="female")
    child.identity = cast("Any", {})
    first = create_closed_case(child, opened_on=date(2024, 1, 1), closed_on=date(2025, 3, 15))
    later = create_closed_case(child, opened_on=date(2025, 6, 1), closed_on=date(2025, 6, 2))
    later.previous_case_id, later.close_reason = first.id, close_reason
    runner.run(compare(figures_database, [child, first, later]))


def test_every_report_has_a_slow_computation() -> None:
    assert SLOW_REPORTS.keys() == REPORTS.keys()
    assert FIRST_DAY < LAST_DAY < TODAY <= date(2026, 12, 31)
