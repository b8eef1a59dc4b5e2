"""Report a measurement: medians, ratios between programs, and the result files."""

import json
import os
import platform
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

from rich.table import Table

from bench.measure import CONNECTIONS, WARM_UP_SECONDS, MeasuredRun, load_client_name
from bench.operations import OPERATIONS
from bench.programs import PROGRAMS, WORKERS

RESULTS_DIR = Path(__file__).parent / "results"
FIGURES = ("per_second", "p50_ms", "p99_ms", "app_us", "postgres_us")
COMPARED_PROGRAMS = (("ours", "limit"), ("ours", "plain"), ("ours", "postgraphile"), ("limit", "wire"))
BARS = {
    "R1": {"limit": 0.5, "plain": 3.0, "postgraphile": 1.0},
    "L1": {"limit": 0.8, "plain": 2.4, "postgraphile": 0.75},
    "W1": {"limit": 0.4, "plain": 1.0},
}
"""Least ratios of First Step to other programs (see `_compute_ratio`)."""
MAX_TAIL_RATIO = 4
"""Bar of p99 ÷ p50: the ratio must be below it."""

DISTURBANCE_THRESHOLD_CORES = 0.1
"""A measurement is disturbed if other processes used at least this many cores."""

Result = dict[str, Any]


def build_result(
    runs: Sequence[MeasuredRun],
    sizes: Mapping[str, Mapping[str, int]],
    setup: Mapping[str, Any],
    absent: Mapping[str, str],
) -> Result:
    """Return the result as a JSON document."""
    medians = {
        operation.name: {
            program.name: _compute_medians(
                run for run in runs if (run.program, run.operation) == (program.name, operation.name)
            )
            for program in PROGRAMS
            if any((run.program, run.operation) == (program.name, operation.name) for run in runs)
        }
        for operation in OPERATIONS
    }
    return {
        "date": f"{datetime.now(UTC):%Y-%m-%d}",
        "machine": describe_machine(),
        "measured_with": {
            "client": load_client_name(),
            "connections": CONNECTIONS,
            "warm_up_seconds": WARM_UP_SECONDS,
            **setup,
        },
        "programs": {program.name: program.description for program in PROGRAMS if program.name in sizes},
        "operations": {operation.name: operation.description for operation in OPERATIONS},
        "absent": dict(absent),
        "answer_bytes": sizes,
        "others_cores": average_other_cores(runs),
        "medians": medians,
        "ratios": {name: _compute_ratios(by_program) for name, by_program in medians.items()},
        "runs": [asdict(run) for run in runs],
    }


def average_other_cores(runs: Sequence[MeasuredRun]) -> float | None:
    """Return the average number of cores that other processes used, or None if it is unknown."""
    cores = [run.others_cores for run in runs if run.others_cores is not None]
    return round(sum(cores) / len(cores), 2) if cores else None


def describe_disturbance(result: Result) -> str | None:
    """Return a warning if other processes used the machine during the measurement."""
    others, cores = result["others_cores"], result["machine"]["cores"]
    if others is None or others < DISTURBANCE_THRESHOLD_CORES:
        return None
    return (
        f"**Disturbed**: other processes used {others:.1f} of the {cores} cores. The rates and latencies are "
        "inaccurate; the processor time per request is more reliable. Repeat the measurement on an idle machine."
    )


def describe_machine() -> dict[str, Any]:
    """Return the properties of the machine, without anything that identifies it."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "cores": os.cpu_count(),
        "memory_gib": round(memory / 2**30, 1),
        "architecture": platform.machine(),
        "system": platform.system(),
        "python": platform.python_version(),
        "workers": WORKERS,
    }


def _compute_medians(runs: Iterable[MeasuredRun]) -> dict[str, float | None]:
    measured_runs = list(runs)
    columns = {name: [getattr(run, name) for run in measured_runs] for name in FIGURES}
    return {name: None if None in values else round(median(values), 3) for name, values in columns.items()}


def _compute_ratios(medians: Mapping[str, Mapping[str, Any]]) -> dict[str, float]:
    return {
        f"{program}/{reference}": round(ratio, 3)
        for program, reference in COMPARED_PROGRAMS
        if (ratio := _compute_ratio(medians.get(program, {}), medians.get(reference, {})))
    }


def _compute_ratio(program: Mapping[str, Any], reference: Mapping[str, Any]) -> float | None:
    """Return the processor time per request of `reference`, divided by that of `program`. Above 1, `program` needs less."""
    program_us, reference_us = _processor_us(program), _processor_us(reference)
    return reference_us / program_us if reference_us and program_us else None


def render_table(result: Result) -> Table:
    """Return the medians as a table for the terminal."""
    table = Table(title="Medians. Compare only results of one run.")
    for heading in _HEADINGS:
        table.add_column(heading, justify="left" if heading in _HEADINGS[:2] else "right")
    for row in _rows(result):
        table.add_row(*row)
    return table


_HEADINGS = (
    "operation", "program", "requests/s", "p50 ms", "p99 ms", "program µs", "PostgreSQL µs", "response bytes", "ours ÷ this",
)  # fmt: skip


def _rows(result: Result) -> Iterable[tuple[str, ...]]:
    for operation, programs in result["medians"].items():
        first_step = programs.get("ours", {})
        for program, figures in programs.items():
            yield (
                operation, program, f"{figures['per_second']:,.0f}", f"{figures['p50_ms']:.1f}", f"{figures['p99_ms']:.1f}",
                *("-" if figures[name] is None else f"{figures[name]:,.0f}" for name in ("app_us", "postgres_us")),
                f"{result['answer_bytes'][program][operation]:,}", _format_ratio(_compute_ratio(first_step, figures)),
            )  # fmt: skip


def _processor_us(figures: Mapping[str, Any]) -> float | None:
    """Return the processor time per request in the program and PostgreSQL together."""
    app, postgres = figures.get("app_us"), figures.get("postgres_us")
    return None if app is None or postgres is None else float(app + postgres)


def _format_ratio(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"


def render_markdown(result: Result) -> str:
    """Return the result as a Markdown page."""
    lines = [
        f"# Load, {result['date']}",
        "",
        _describe_setup(result),
        "",
        "Compare only results of one run, because machines differ. `bench/README.md` explains the columns.",
        "",
        *([f"{disturbance}\n"] if (disturbance := describe_disturbance(result)) else []),
        _markdown_row(_HEADINGS),
        _markdown_row(["---"] * 2 + ["---:"] * (len(_HEADINGS) - 2)),
        *map(_markdown_row, _rows(result)),
        "",
        *_build_bar_table(result),
        *(f"{name} was not measured: {reason}.\n" for name, reason in result["absent"].items()),
        *(
            f"- {name}: {description}"
            for name, description in {**result["operations"], **result["programs"]}.items()
        ),
        "",
        "`make bench` repeats the measurement; `.venv/bin/python -m bench --help` lists options for parts of it.",
        "",
    ]
    return "\n".join(lines)


def _describe_setup(result: Result) -> str:
    machine, setup = result["machine"], result["measured_with"]
    return (
        f"{machine['cores']} cores, {machine['memory_gib']} GiB, {machine['system']} {machine['architecture']}, "
        f"Python {machine['python']}, PostgreSQL {setup['postgres']} on the same machine, synchronous_commit on; "
        f"{machine['workers']} workers per program; {setup['cases']:,} cases; {setup['client']} with "
        f"{setup['connections']} keep-alive connections; {setup['seconds']}-second runs after "
        f"{setup['warm_up_seconds']} s of warm-up; medians of {setup['repeats']} repeats, interleaved between programs."
    )


def _markdown_row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _build_bar_table(result: Result) -> Iterable[str]:
    """Yield a table with the ratios of First Step and their bars, for the operations that have bars."""
    references = [name for name in BARS["R1"] if name in result["programs"]]
    rows = [
        (
            operation,
            *(
                cell
                for reference in references
                for cell in (
                    _format_ratio(result["ratios"][operation].get(f"ours/{reference}")),
                    f"≥ {bars[reference]}" if reference in bars else "-",
                )
            ),
            _format_ratio(first_step["p99_ms"] / first_step["p50_ms"]),
            f"< {MAX_TAIL_RATIO}",
        )
        for operation, bars in BARS.items()
        if (first_step := result["medians"].get(operation, {}).get("ours"))
    ]
    if rows:
        ratios = [*(f"ours ÷ {reference}" for reference in references), "p99 ÷ p50"]
        yield _markdown_row(["operation", *(cell for ratio in ratios for cell in (ratio, "bar"))])
        yield _markdown_row(["---"] + ["---:"] * 2 * len(ratios))
        yield from map(_markdown_row, rows)
        yield ""


def write_results(result: Result, name: str) -> None:
    """Write the result as JSON and as Markdown."""
    RESULTS_DIR.mkdir(exist_ok=True)
    (RESULTS_DIR / f"{name}.json").write_text(json.dumps(result, indent=2, ensure_ascii=False) + "\n")
    (RESULTS_DIR / f"{name}.md").write_text(render_markdown(result))
