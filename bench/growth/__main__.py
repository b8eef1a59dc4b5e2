"""`python -m bench.growth`: generate databases of several sizes, measure the operations in each, and report ratios."""

import asyncio
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from bench.growth import report
from bench.growth.databases import open_databases, run_server
from bench.growth.generate import GrowthSize, generate_rows
from bench.growth.measure import GrowthMeasurement, GrowthRun, describe_database
from bench.operations import OPERATIONS

CASE_COUNTS = (10_000, 100_000, 1_000_000)
NAMES = [operation.name for operation in OPERATIONS]
progress = Progress(
    TextColumn("{task.description}"),
    BarColumn(),
    MofNCompleteColumn(),
    TimeElapsedColumn(),
    console=Console(stderr=True),
)


def main(
    cases: Annotated[
        list[int] | None, typer.Option(help="Number of cases, a multiple of 10,000; repeatable.")
    ] = None,
    only: Annotated[list[str] | None, typer.Option(help=f"Operations, of {', '.join(NAMES)}.")] = None,
    seconds: Annotated[float, typer.Option(min=0.1, help="Duration of one run.")] = 3,
    repeats: Annotated[int, typer.Option(min=1, help="Runs of each operation in each database.")] = 3,
    generate_only: Annotated[
        bool, typer.Option("--generate-only", help="Generate the databases and measure nothing.")
    ] = False,
) -> None:
    """Measure how the time in PostgreSQL depends on the number of cases.

    The result files are written if everything is measured.
    """
    sizes = [GrowthSize(case_count) for case_count in sorted(cases or CASE_COUNTS)]
    if any(size.case_count % 10_000 for size in sizes):
        raise typer.BadParameter("The number of cases must be a multiple of 10,000.")
    if unknown := set(only or NAMES) - set(NAMES):
        raise typer.BadParameter(f"Unknown: {', '.join(sorted(unknown))}.")
    with progress:
        _generate(sizes)
        result = None if generate_only else _measure(sizes, only or NAMES, seconds, repeats)
    if result is None:
        return
    Console(width=130).print(report.render_table(result))
    if cases is None and only is None:
        report.write_results(result)


def _generate(sizes: list[GrowthSize]) -> None:
    """Generate the rows that are missing, with a server that does not wait for the disk."""
    with run_server(durable=False) as server:
        for database in open_databases(server, sizes):
            task = progress.add_task(
                f"generating {database.size.case_count:,} cases", total=database.size.case_count
            )

            def advance(count: int, task: TaskID = task) -> None:
                progress.advance(task, count)

            asyncio.run(generate_rows(database.admin_url, database.size, advance))


def _measure(sizes: list[GrowthSize], names: list[str], seconds: float, repeats: int) -> report.Result:
    operations = [operation for operation in OPERATIONS if operation.name in names]
    runs: list[GrowthRun] = []
    with TemporaryDirectory() as folder, run_server(durable=True) as server, ExitStack() as stack:
        databases = open_databases(server, sizes)
        facts = {database.size.case_count: asyncio.run(describe_database(database)) for database in databases}
        measurement = GrowthMeasurement(databases, Path(folder), stack)
        task = progress.add_task("measuring", total=len(databases) * len(operations) * repeats)
        for run in measurement.measure_runs(operations, seconds, repeats):
            progress.update(task, advance=1, description=f"{run.operation} with {run.case_count:,} cases")
            if isinstance(run, GrowthRun):
                runs.append(run)
            else:
                progress.console.print(f"{run.operation} failed: {run.error}", markup=False)
    return report.build_result(runs, facts, {"seconds": seconds, "repeats": repeats})


if __name__ == "__main__":
    typer.run(main)
