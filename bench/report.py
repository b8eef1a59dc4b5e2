"""What a measurement says: medians, ratios of one run, and the two files that are kept."""

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

from bench.measure import CONNECTIONS, OPERATIONS, WARM_UP_SECONDS, MeasuredRun, load_client_name
from bench.programs import PROGRAMS, WORKERS

RESULTS_DIR = Path(__file__).parent / "results"
FIGURES = ("per_second", "p50_ms", "p99_ms", "app_us", "postgres_us")
COMPARED_PROGRAMS = (("ours", "limit"), ("ours", "plain"), ("limit", "wire"))
TARGET_RATIOS = {"R1": (0.6, 1.0, 3.0), "L1": (0.6, 2.0, 3.0), "W1": (0.5, 1.0, 3.0)}
"""Ours against limit; ours against plain at the first landing; ours against plain in the end."""

DISTURBANCE_THRESHOLD_CORES = 0.1
"""Cores used by others from which a measurement is called disturbed."""

Result = dict[str, Any]


def build_result(
    runs: Sequence[MeasuredRun],
    sizes: Mapping[str, Mapping[str, int]],
    facts: Mapping[str, Any],
    absent: Mapping[str, str],
) -> Result:
    """Gather everything that was found out."""
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
            **facts,
        },
        "programs": {program.name: program.description for program in PROGRAMS},
        "operations": {operation.name: operation.description for operation in OPERATIONS},
        "absent": dict(absent),
        "answer_bytes": sizes,
        "others_cores": average_other_cores(runs),
        "medians": medians,
        "ratios": {name: _compute_ratios(found) for name, found in medians.items()},
        "runs": [asdict(run) for run in runs],
    }


def average_other_cores(runs: Sequence[MeasuredRun]) -> float | None:
    """How many cores other processes had while this was measured, on average; None where nobody can tell."""
    told = [run.others_cores for run in runs if run.others_cores is not None]
    return round(sum(told) / len(told), 2) if told else None


def describe_disturbance(result: Result) -> str | None:
    """Say that the machine was not ours alone, where it was not."""
    others, cores = result["others_cores"], result["machine"]["cores"]
    if others is None or others < DISTURBANCE_THRESHOLD_CORES:
        return None
    return (
        f"**Disturbed**: other processes had {others:.1f} of the {cores} cores meanwhile. The rates and the ratios of rates "
        "are rough; the processor time a request says more. Repeat it on a quiet machine."
    )


def describe_machine() -> dict[str, Any]:
    """Say what was measured on, and nothing that names it."""
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
    found = list(runs)
    columns = {name: [getattr(run, name) for run in found] for name in FIGURES}
    return {name: None if None in values else round(median(values), 3) for name, values in columns.items()}


def _compute_ratios(found: Mapping[str, Mapping[str, Any]]) -> dict[str, float]:
    return {
        f"{one}/{other}": round(found[one]["per_second"] / found[other]["per_second"], 3)
        for one, other in COMPARED_PROGRAMS
        if one in found and other in found and found[other]["per_second"]
    }


def render_table(result: Result) -> Table:
    """Draw the medians for a terminal."""
    drawn = Table(title="Medians; only ratios of one run count")
    for heading in _HEADINGS:
        drawn.add_column(heading, justify="left" if heading in _HEADINGS[:2] else "right")
    for row in _rows(result):
        drawn.add_row(*row)
    return drawn


_HEADINGS = (
    "operation", "program", "requests/s", "p50 ms", "p99 ms", "program µs", "PostgreSQL µs", "answer bytes", "ours ÷ this", "by processor",
)  # fmt: skip


def _rows(result: Result) -> Iterable[tuple[str, ...]]:
    for operation, programs in result["medians"].items():
        ours = programs.get("ours", {})
        for program, figures in programs.items():
            rate = figures["per_second"]
            yield (
                operation, program, f"{rate:,.0f}", f"{figures['p50_ms']:.1f}", f"{figures['p99_ms']:.1f}",
                *("-" if figures[name] is None else f"{figures[name]:,.0f}" for name in ("app_us", "postgres_us")),
                f"{result['answer_bytes'][program][operation]:,}", _format_ratio(_divide(ours.get("per_second"), rate)),
                _format_ratio(_divide(_processor_us(figures), _processor_us(ours))),
            )  # fmt: skip


def _processor_us(figures: Mapping[str, Any]) -> float | None:
    """Return the processor time of a request, in the program and in PostgreSQL."""
    app, postgres = figures.get("app_us"), figures.get("postgres_us")
    return None if app is None or postgres is None else float(app + postgres)


def _divide(one: float | None, other: float | None) -> float | None:
    return one / other if one and other else None


def _format_ratio(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"


def render_markdown(result: Result) -> str:
    """Write the result as a page."""
    lines = [
        f"# Load, {result['date']}",
        "",
        _describe_setup(result),
        "",
        "Machines are noisy: only ratios of one run count. How to read the columns: `bench/README.md`.",
        "",
        *([f"{disturbed}\n"] if (disturbed := describe_disturbance(result)) else []),
        _markdown_row(_HEADINGS),
        _markdown_row(["---"] * 2 + ["---:"] * (len(_HEADINGS) - 2)),
        *map(_markdown_row, _rows(result)),
        "",
        *_build_target_table(result),
        *(f"{name} was not measured: {why}.\n" for name, why in result["absent"].items()),
        *(f"- {name}: {what}" for name, what in {**result["operations"], **result["programs"]}.items()),
        "",
        "To repeat: `make bench`; for parts of it, `.venv/bin/python -m bench --help`.",
        "",
    ]
    return "\n".join(lines)


def _describe_setup(result: Result) -> str:
    on, how = result["machine"], result["measured_with"]
    return (
        f"{on['cores']} cores, {on['memory_gib']} GiB, {on['system']} {on['architecture']}, Python {on['python']}, "
        f"PostgreSQL {how['postgres']} on the same machine, synchronous_commit on; {on['workers']} workers a program; "
        f"{how['cases']:,} cases; {how['client']} with {how['connections']} keep-alive connections, {how['seconds']}-second "
        f"runs after {how['warm_up_seconds']} s of warm-up, {how['repeats']} repeats interleaved between programs, medians."
    )


def _markdown_row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _build_target_table(result: Result) -> Iterable[str]:
    yield _markdown_row(
        ("operation", "ours ÷ limit", "bar", "ours ÷ plain", "bar now", "bar in the end", "p99 ÷ p50", "bar")
    )
    yield _markdown_row(["---"] + ["---:"] * 7)
    for operation, ratios in result["ratios"].items():
        limit, plain = ratios.get("ours/limit"), ratios.get("ours/plain")
        if limit is None or plain is None:
            continue
        ours = result["medians"][operation]["ours"]
        bars = TARGET_RATIOS[operation]
        tail = ours["p99_ms"] / ours["p50_ms"]
        yield _markdown_row(
            (
                operation,
                f"{limit:.2f}",
                f"≥ {bars[0]}",
                f"{plain:.2f}",
                f"≥ {bars[1]}",
                f"≥ {bars[2]}",
                f"{tail:.1f}",
                "< 4",
            )
        )
    yield ""


def write_results(result: Result, name: str) -> None:
    """Write both files."""
    RESULTS_DIR.mkdir(exist_ok=True)
    (RESULTS_DIR / f"{name}.json").write_text(json.dumps(result, indent=2, ensure_ascii=False) + "\n")
    (RESULTS_DIR / f"{name}.md").write_text(render_markdown(result))
