"""Report a growth measurement: medians, ratios to the smallest database, and the result files."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from statistics import median
from typing import Any

from rich.table import Table

from bench.growth.chart import draw_growth_chart
from bench.growth.measure import GrowthRun
from bench.operations import OPERATIONS
from bench.report import RESULTS_DIR, describe_machine

MAX_RATIO = 1.3
"""The bar: time in PostgreSQL per request in the largest database, divided by that in the smallest."""
FIGURES = ("postgres_ms", "postgres_cpu_us", "program_cpu_us", "latency_ms", "statements", "planned")

Result = dict[str, Any]


def build_result(
    runs: Sequence[GrowthRun], facts: Mapping[int, Mapping[str, int]], setup: Mapping[str, Any]
) -> Result:
    """Return the result as a JSON document."""
    measured = [operation for operation in OPERATIONS if any(run.operation == operation.name for run in runs)]
    return {
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "machine": describe_machine(),
        "measured_with": setup,
        "databases": {str(case_count): dict(database) for case_count, database in facts.items()},
        "operations": {
            operation.name: _build_operation(
                operation.description, [run for run in runs if run.operation == operation.name], facts
            )
            for operation in measured
        },
        "runs": [asdict(run) for run in runs],
    }


def _build_operation(description: str, runs: Sequence[GrowthRun], case_counts: Iterable[int]) -> Result:
    medians = {
        str(case_count): _compute_medians([run for run in runs if run.case_count == case_count])
        for case_count in case_counts
    }
    milliseconds = [figures["postgres_ms"] for figures in medians.values()]
    return {
        "description": description,
        "medians": medians,
        "ratio": _divide(milliseconds[-1], milliseconds[0]),
    }


def _divide(dividend: float | None, divisor: float | None) -> float | None:
    return round(dividend / divisor, 2) if dividend and divisor else None


def _compute_medians(runs: Sequence[GrowthRun]) -> dict[str, float | None]:
    """Return the median of each figure, or None if it is unknown or every run failed."""
    columns = {name: [getattr(run, name) for run in runs] for name in FIGURES}
    return {
        name: None if None in values or not values else round(median(values), 3)
        for name, values in columns.items()
    }


def render_table(result: Result) -> Table:
    """Return the medians as a table for the terminal."""
    table = Table(title="Time in PostgreSQL per request, ms. Compare only results of one run.")
    for heading in _headings(result):
        table.add_column(heading, justify="left" if heading == "operation" else "right")
    for row in _rows(result):
        table.add_row(*row)
    return table


def _headings(result: Result) -> list[str]:
    case_counts = [f"{int(case_count):,}" for case_count in result["databases"]]
    return [
        "operation",
        *(f"{case_count} cases" for case_count in case_counts),
        f"ratio, bar ≤ {MAX_RATIO}",
        "processor µs",
        "its ratio",
        "program µs",
        "latency ms",
        "statements",
        "planned",
    ]


def _rows(result: Result) -> Iterable[list[str]]:
    for name, operation in result["operations"].items():
        medians = list(operation["medians"].values())
        yield [
            name,
            *(_format(figures["postgres_ms"], "{:,.2f}") for figures in medians),
            _format(operation["ratio"], "{:.2f}" if _is_within_bar(operation) else "**{:,.2f}**"),
            _format_range(medians, "postgres_cpu_us"),
            _format(_divide(medians[-1]["postgres_cpu_us"], medians[0]["postgres_cpu_us"]), "{:,.2f}"),
            _format_range(medians, "program_cpu_us"),
            _format_range(medians, "latency_ms"),
            _format(medians[-1]["statements"], "{:.1f}"),
            _format(medians[-1]["planned"], "{:.1f}"),
        ]


def _is_within_bar(operation: Result) -> bool:
    return operation["ratio"] is not None and operation["ratio"] <= MAX_RATIO


def _format(value: float | None, pattern: str) -> str:
    return "-" if value is None else pattern.format(value)


def _format_range(medians: Sequence[Mapping[str, Any]], figure: str) -> str:
    """Return the figure of the smallest and of the largest database."""
    return f"{_format(medians[0][figure], '{:,.0f}')} → {_format(medians[-1][figure], '{:,.0f}')}"


def render_markdown(result: Result) -> str:
    """Return the result as a Markdown page."""
    headings = _headings(result)
    missed = [name for name, operation in result["operations"].items() if not _is_within_bar(operation)]
    lines = [
        f"# Growth, {result['date']}",
        "",
        _describe_setup(result),
        "",
        "![Time in PostgreSQL per request in each database](growth.svg)",
        "",
        _markdown_row(headings),
        _markdown_row(["---", *["---:"] * (len(headings) - 1)]),
        *map(_markdown_row, _rows(result)),
        "",
        f"Above the bar or failed: {', '.join(missed)}." if missed else "Every operation is within the bar.",
        "",
        "With an arrow: the smallest and the largest database. `statements` and `planned` are of the largest.",
        "",
        *(f"- {name}: {operation['description']}" for name, operation in result["operations"].items()),
        "",
        "| database | cases | access entries | links | search tokens | GB |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
        *(_describe_database(name, facts) for name, facts in result["databases"].items()),
        "",
        "`make bench-growth` repeats the measurement.",
        "",
    ]
    return "\n".join(lines)


def _describe_setup(result: Result) -> str:
    machine, setup = result["machine"], result["measured_with"]
    return (
        f"{machine['cores']} cores, {machine['memory_gib']} GiB, {machine['system']} {machine['architecture']}, "
        f"Python {machine['python']}, PostgreSQL on the same machine, synchronous_commit on; one client that sends "
        f"requests one after the other; {setup['seconds']:g}-second runs after a warm-up; medians of "
        f"{setup['repeats']} repeats, interleaved between the databases."
    )


def _markdown_row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _describe_database(name: str, facts: Mapping[str, int]) -> str:
    counts = (facts["cases"], facts["access_entries"], facts["case_links"], facts["name_tokens"])
    return _markdown_row([name, *(f"{count:,}" for count in counts), f"{facts['bytes'] / 1e9:.1f}"])


def write_results(result: Result) -> None:
    """Write the result as JSON, as Markdown and as a picture."""
    (RESULTS_DIR / "growth.json").write_text(json.dumps(result, indent=2, ensure_ascii=False) + "\n")
    (RESULTS_DIR / "growth.md").write_text(render_markdown(result))
    (RESULTS_DIR / "growth.svg").write_bytes(draw_growth_chart(result["operations"], MAX_RATIO).content)
