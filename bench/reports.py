"""Measure the cost of every report in generated caseloads of several sizes.

`python -m bench.reports` measures 120, 10,000 and 100,000 cases. `--cases 120 --result FILE` measures one size and writes
another file. The command fails if a report takes longer than the limit at 10,000 cases.
"""

import asyncio
import json
import os
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

from tests.support.environment import TEST_HOME  # sets the environment before `app` is imported

# The processes that generate rows have homes of their own. They read the key ring of this process.
os.environ.setdefault("FIRSTSTEP_KEYS_FILE", str(TEST_HOME / "keys.json"))

# isort: split
import asyncpg
import typer
from rich.progress import track

from app.access.keyring import KeyRing
from app.access.report_reader import ReportReader, ReportTooSlow
from app.config import get_settings
from app.database.embedded import ADMIN_ROLE, EmbeddedServer
from app.database.urls import to_driver_url
from app.kit.dates import add_months, today
from app.services.reports.catalogue import REPORTS
from app.services.reports.query import Period, compute_table
from bench.growth.generate import GrowthSize, create_structure, generate_rows
from bench.report import describe_machine
from tests.services.reports.comparison import ACT
from tests.support.database_cluster import ADMIN_PASSWORD, SERVER_SETTINGS, Cluster, create_template_database
from tests.support.raw_sql import open_access, set_access

RESULTS_FILE = Path(__file__).parent / "results" / "reports.json"
REPEATS = 3
SIZES = (120, 10_000, 100_000)
LIMIT_CASES, LIMIT_MILLISECONDS = 10_000, 2_000.0
"""No report may take longer than this with so many cases."""
ROWS_SQL = Path(__file__).with_name("report_rows.sql")
MONTHS = 24
"""Length of the measured period, which contains all generated cases."""


async def _measure_size(cluster: Cluster, case_count: int) -> dict[str, float | None]:
    """Return the milliseconds of each report in a database with a number of cases, or None if it exceeds its time limit."""
    name = f"reports_{case_count}"
    urls = await cluster.clone(name)
    admin_url = cluster.server.build_url(ADMIN_ROLE, ADMIN_PASSWORD, name)
    size = GrowthSize(
        case_count, event_count=1, session_count=20, history_count=0, entry_count=0, has_referral_tokens=False,
        seed_count=min(4_000, case_count),
    )  # fmt: skip
    admin = await asyncpg.connect(admin_url)
    api, reports = [await asyncpg.connect(to_driver_url(url)) for url in (urls.api, urls.reports)]
    try:
        await create_structure(admin, size)
        await generate_rows(admin_url, size, lambda _: None)
        await _insert_counted_rows(admin)
        return {
            name: await _measure_report(api, reports, name)
            for name in track(REPORTS, f"Measuring {case_count} cases")
        }
    finally:
        for connection in (admin, api, reports):
            await connection.close()
        await cluster.drop(name)


async def _insert_counted_rows(admin: asyncpg.Connection) -> None:
    """Insert the payments, the feedback and the outreach activities."""
    async with admin.transaction():
        # The foreign keys are correct, and the triggers need the access of a person.
        await admin.execute("SET LOCAL session_replication_role = replica")
        await admin.execute(ROWS_SQL.read_text())
    await admin.execute("VACUUM ANALYZE")


async def _measure_report(api: Any, reports: Any, name: str) -> float | None:
    """Return the shortest of several times of a report by its first two dimensions, in milliseconds.

    Returns None if the report exceeds its time limit.
    """
    by = sorted(dimension.name for dimension in REPORTS[name].dimensions)[:2]
    period = Period(add_months(today(), -MONTHS), today())
    times = []
    for _ in range(REPEATS):
        access = await open_access(api, "manager", ACT)  # an access is open for a minute
        async with reports.transaction():
            await set_access(reports, access)
            started = time.perf_counter()
            try:
                table = await compute_table(ReportReader(reports), REPORTS[name], period, by)
            except ReportTooSlow:
                return None
            times.append(1000 * (time.perf_counter() - started))
            if not any(table.total.values()):
                typer.echo(f"{name} counts nothing, so its time is meaningless.", err=True)
    return round(min(times), 1)


async def _measure_sizes(cluster: Cluster, sizes: list[int]) -> dict[str, dict[str, float | None]]:
    return {str(size): await _measure_size(cluster, size) for size in sizes}


def main(
    sizes: Annotated[list[int] | None, typer.Option("--cases", help="Numbers of cases.")] = None,
    result_file: Annotated[Path, typer.Option("--result", help="File to write.")] = RESULTS_FILE,
) -> None:
    """Measure every report, print the milliseconds and write them to a file."""
    KeyRing.load_or_create(get_settings().key_ring_path)
    with TemporaryDirectory() as folder:
        server = EmbeddedServer(Path(folder), durable=False, settings=SERVER_SETTINGS)
        admin = server.start(ADMIN_PASSWORD)
        try:
            cluster = Cluster(server, asyncio.run(create_template_database(server, admin)))
            figures = asyncio.run(_measure_sizes(cluster, sizes or list(SIZES)))
        finally:
            server.stop()
    result = {
        "machine": describe_machine(),
        "what": "milliseconds of a report over 24 months by two dimensions, by number of cases",
        "figures": figures,
    }
    result_file.write_text(json.dumps(result, indent=2) + "\n")
    print(json.dumps(result, indent=2))
    slow = [
        name
        for name, value in figures.get(str(LIMIT_CASES), {}).items()
        if value is None or value > LIMIT_MILLISECONDS
    ]
    if slow:
        typer.echo(
            f"Slower than {LIMIT_MILLISECONDS:.0f} ms at {LIMIT_CASES} cases: {', '.join(slow)}", err=True
        )
        raise typer.Exit(1)


if __name__ == "__main__":
    typer.run(main)
