"""Measure the cost of every report in generated caseloads of several sizes.

`python -m bench.reports` needs about two minutes for the sizes 120 and 10,000.
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

from app.access.keyring import KeyRing
from app.access.report_reader import ReportReader
from app.config import get_settings
from app.database.embedded import ADMIN_ROLE, EmbeddedServer
from app.database.urls import to_driver_url
from app.kit.dates import add_months, today
from app.services.reports.catalogue import REPORTS
from app.services.reports.query import Period, compute_table
from bench.growth.generate import GrowthSize, create_structure, generate_rows
from bench.report import describe_machine
from tests.support.database_cluster import ADMIN_PASSWORD, SERVER_SETTINGS, Cluster, create_template_database
from tests.support.raw_sql import open_access, set_access

RESULTS_FILE = Path(__file__).parent / "results" / "reports.json"
REPEATS = 3
MONTHS = 24
"""Length of the measured period, which contains all generated cases."""


async def _measure_size(cluster: Cluster, case_count: int) -> dict[str, float]:
    """Return the milliseconds of each report in a database with a number of cases."""
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
        await admin.execute("ANALYZE")
        return {name: await _measure_report(api, reports, name) for name in REPORTS}
    finally:
        for connection in (admin, api, reports):
            await connection.close()
        await cluster.drop(name)


async def _measure_report(api: Any, reports: Any, name: str) -> float:
    """Return the shortest of several times of a report by its first two dimensions, in milliseconds."""
    by = sorted(dimension.name for dimension in REPORTS[name].dimensions)[:2]
    period = Period(add_months(today(), -MONTHS), today())
    access = await open_access(api, "manager", "report.read")
    times = []
    async with reports.transaction():
        await set_access(reports, access)
        for _ in range(REPEATS):
            started = time.perf_counter()
            await compute_table(ReportReader(reports), REPORTS[name], period, by)
            times.append(1000 * (time.perf_counter() - started))
    return round(min(times), 1)


async def _measure_sizes(cluster: Cluster, sizes: list[int]) -> dict[str, dict[str, float]]:
    return {str(size): await _measure_size(cluster, size) for size in sizes}


def main(
    sizes: Annotated[list[int] | None, typer.Option("--cases", help="Numbers of cases.")] = None,
) -> None:
    """Measure every report, print the milliseconds and write them to bench/results/reports.json."""
    KeyRing.load_or_create(get_settings().key_ring_path)
    with TemporaryDirectory() as folder:
        server = EmbeddedServer(Path(folder), durable=False, settings=SERVER_SETTINGS)
        admin = server.start(ADMIN_PASSWORD)
        try:
            cluster = Cluster(server, asyncio.run(create_template_database(server, admin)))
            figures = asyncio.run(_measure_sizes(cluster, sizes or [120, 10_000]))
        finally:
            server.stop()
    result = {
        "machine": describe_machine(),
        "what": "milliseconds of a report over 24 months by two dimensions, by number of cases",
        "figures": figures,
    }
    RESULTS_FILE.write_text(json.dumps(result, indent=2) + "\n")
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    typer.run(main)
