"""`python -m bench`: build the stage, start every program, measure them in turn, print and keep what was found."""

import json
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from bench import report
from bench.measure import OPERATIONS, MeasuredRun, Operation, measure_response_size, measure_run
from bench.programs import LIMIT, OURS, PROGRAMS, WIRE, Program, RunningProgram, run_program
from bench.stage import ROOT, BenchEnvironment, prepare_environment

NAMES = (*(program.name for program in PROGRAMS), *(operation.name for operation in OPERATIONS))
progress = Progress(
    TextColumn("{task.description}"),
    BarColumn(),
    MofNCompleteColumn(),
    TimeElapsedColumn(),
    console=Console(stderr=True),
)


@dataclass(slots=True)
class Bench:
    """Several programs on one stage."""

    environment: BenchEnvironment
    folder: Path
    operations: Sequence[Operation]
    running_programs: list[RunningProgram] = field(default_factory=list)
    response_sizes: dict[str, dict[str, int]] = field(default_factory=dict)
    unavailable: dict[str, str] = field(default_factory=dict)

    def start_programs(self, programs: Sequence[Program], stack: ExitStack) -> None:
        """Start the programs, the wire last: it answers as many bytes as ours does, or else the limit."""
        for program in sorted(programs, key=lambda p: p is WIRE):
            try:
                self.running_programs.append(self._start_program(program, stack))
            except RuntimeError as error:
                self.unavailable[program.name] = "it did not serve when this was measured"
                progress.console.print(f"{program.name} is left out: {error}", markup=False)

    def _start_program(self, program: Program, stack: ExitStack) -> RunningProgram:
        known = self.response_sizes.get(OURS.name) or self.response_sizes.get(LIMIT.name) or {}
        sizes = ",".join(str(known.get(op.name, 1700)) for op in OPERATIONS if WIRE in op.programs)
        environment = {**self.environment.environment_variables, "BENCH_SIZES": sizes}
        found = stack.enter_context(run_program(program, environment, self.folder / f"{program.name}.log"))
        answered = [op for op in self.operations if program in op.programs]
        self.response_sizes[program.name] = {
            op.name: measure_response_size(found, op, self.environment) for op in answered
        }
        for operation in answered:
            self._request_file(program, operation).write_bytes(
                operation.build_request_file(program, self.environment)
            )
        return found

    def _request_file(self, program: Program, operation: Operation) -> Path:
        return self.folder / f"{program.name}-{operation.name}.http"

    def measure_runs(self, seconds: int, repeats: int) -> Iterator[MeasuredRun]:
        """Measure the programs in turn, each repeat beginning with another one."""
        for repeat in range(repeats):
            turn = repeat % len(self.running_programs)
            in_turn = [*self.running_programs[turn:], *self.running_programs[:turn]]
            for operation in self.operations:
                for running_program in (it for it in in_turn if it.program in operation.programs):
                    file = self._request_file(running_program.program, operation)
                    yield measure_run(running_program, operation, self.environment, file, seconds)


def main(
    seconds: Annotated[int, typer.Option(min=1, help="Length of one run.")] = 10,
    repeats: Annotated[int, typer.Option(min=1, help="Runs of each program and operation.")] = 3,
    cases: Annotated[int, typer.Option(min=4000, help="How many cases there are.")] = 10_000,
    only: Annotated[list[str] | None, typer.Option(help=f"Of {', '.join(NAMES)}: measure these.")] = None,
    json_only: Annotated[
        bool, typer.Option("--json", help="Print the result as JSON; keep no files.")
    ] = False,
    keep: Annotated[
        str, typer.Option(help="Name of the kept files, where everything is measured.")
    ] = "first-landing",
) -> None:
    """Measure First Step beside programs that bound it from above and below."""
    wanted = set(only or NAMES)
    if unknown := wanted - set(NAMES):
        raise typer.BadParameter(f"Unknown: {', '.join(sorted(unknown))}.")
    programs = [p for p in PROGRAMS if p.name in wanted] or list(PROGRAMS)
    operations = [o for o in OPERATIONS if o.name in wanted] or list(OPERATIONS)
    with progress:
        result = _measure(programs, operations, seconds, repeats, cases)
    if json_only:
        print(json.dumps(result, indent=2, ensure_ascii=False))
        return
    Console(width=130).print(report.render_table(result))
    if disturbed := report.describe_disturbance(result):
        print(disturbed)
    if failed := sum(run["errors"] for run in result["runs"]):
        print(f"{failed} requests failed: this measurement does not count, and is not kept.")
        raise typer.Exit(1)
    if only is None:
        report.write_results(result, keep)


def _measure(
    programs: Sequence[Program], operations: Sequence[Operation], seconds: int, repeats: int, cases: int
) -> report.Result:
    task = progress.add_task("building the stage", total=None)
    with (
        TemporaryDirectory() as folder,
        prepare_environment(
            ROOT / "var", cases, lambda what: progress.update(task, description=what)
        ) as stage,
        ExitStack() as stack,
    ):
        progress.update(task, description="starting the programs")
        bench = Bench(stage, Path(folder), operations)
        bench.start_programs(programs, stack)
        each = sum(it.program in op.programs for it in bench.running_programs for op in operations)
        progress.update(task, total=each * repeats)
        runs: list[MeasuredRun] = []
        for run in bench.measure_runs(seconds, repeats):
            runs.append(run)
            told = f"{run.operation} {run.program} {run.per_second:,.0f}/s"
            progress.update(task, advance=1, description=told)
        facts = {"seconds": seconds, "repeats": repeats, "cases": cases, "postgres": stage.postgres_version}
        return report.build_result(runs, bench.response_sizes, facts, bench.unavailable)


if __name__ == "__main__":
    typer.run(main)
