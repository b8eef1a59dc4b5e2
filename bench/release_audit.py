"""Audit the tables of many random populations: `python -m bench.release_audit [populations]` (2,000; about 15 minutes).

Each population has 60 to 1,000 records with four dimensions. The script publishes its total and its tables by one and two
dimensions with random rounding, drops the tables that the audit names, and computes what the others reveal. For every
tenth population it computes the same for tables without rounding, to show that the attack finds counts if it can.
"""

import json
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from random import Random
from typing import Annotated

import typer
from rich.progress import track

from app.services.releases.disclosure_audit import CellInterval, DisclosureAudit, Population, PublishedCell
from app.services.releases.table_selection import choose_tables_to_drop
from tests.support.random_populations import create_population, list_tables, publish_exact, publish_rounded

RESULT = Path(__file__).parent / "results" / "release-audit.json"
PERIOD = "2026-Q1"
EXACT_INTERVAL = 10


def compute_intervals(population: Population, cells: Iterable[PublishedCell]) -> list[CellInterval]:
    """Return the intervals of all small counts by no, one and two dimensions."""
    audit = DisclosureAudit({PERIOD: population})
    audit.publish(cells)
    tables = list_tables(PERIOD)
    return audit.compute_intervals(
        (PERIOD, values) for table in tables for values in table.list_cells(population)
    )


def main(populations: Annotated[int, typer.Argument(help="Number of random populations.")] = 2000) -> None:
    """Measure how many small counts become known, and how many tables are dropped."""
    result = {"populations": populations, "tables": 0, "dropped": 0, "small": 0, "narrow": 0, "known": 0}
    exact = {"populations": 0, "small": 0, "known": 0}
    for seed in track(range(populations), "Auditing populations"):
        rng = Random(seed)  # noqa: S311 - reproducible
        population = create_population(rng.randint(60, 1000), rng)
        tables, publish = list_tables(PERIOD), partial(publish_rounded, {PERIOD: population})
        dropped = choose_tables_to_drop({PERIOD: population}, tables, publish)
        cells = [cell for table in tables if table not in dropped for cell in publish(table)]
        intervals = compute_intervals(population, cells)
        result["tables"] += len(tables)
        result["dropped"] += len(dropped)
        result["small"] += len(intervals)
        result["narrow"] += sum(interval.is_narrow for interval in intervals)
        result["known"] += sum(interval.low == interval.high for interval in intervals)
        if seed % EXACT_INTERVAL == 0:
            revealing = [table for table in tables if table.dimensions]
            found = compute_intervals(
                population,
                [cell for table in revealing for cell in publish_exact({PERIOD: population}, table)],
            )
            exact["populations"] += 1
            exact["small"] += len(found)
            exact["known"] += sum(interval.low == interval.high for interval in found)
    RESULT.write_text(json.dumps({"rounded": result, "without_rounding": exact}, indent=2) + "\n")
    typer.echo(RESULT.read_text())


if __name__ == "__main__":
    typer.run(main)
