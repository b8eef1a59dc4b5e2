"""`python -m bench`: prepare the environment, start the programs, measure them, and report the results."""

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
from bench.environment import ROOT, BenchEnvironment, prepare_environment
from bench.measure import MeasuredRun, measure_response_size, measure_run
from bench.operations import OPERATIONS, Operation
from bench.programs import FIRST_STEP, LIMIT, PROGRAMS, WIRE, Program, RunningProgram, run_program

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
    """The running programs and their environment."""

    environment: BenchEnvironment
    folder: Path
    operations: Sequence[Operation]
    running_programs: list[RunningProgram] = field(default_factory=list)
    response_sizes: dict[str, dict[str, int]] = field(default_factory=dict)
    unavailable: dict[str, str] = field(default_factory=dict)

    def start_programs(self, programs: Sequence[Program], stack: ExitStack) -> None:
        """Start the programs, `wire` last, because its responses copy the sizes of the responses of the others."""
        for program in sorted(programs, key=lambda program: program is WIRE):
            try:
                self.running_programs.append(self._start_program(program, stack))
            except RuntimeError as error:
                self.unavailable[program.name] = "it did not start"
                progress.console.print(f"{program.name} is omitted: {error}", markup=False)

    def _start_program(self, program: Program, stack: ExitStack) -> RunningProgram:
        sizes = self.response_sizes.get(FIRST_STEP.name) or self.response_sizes.get(LIMIT.name) or {}
        wire_sizes = ",".join(
            str(sizes.get(operation.name, 1700)) for operation in OPERATIONS if WIRE in operation.programs
        )
        environment = {**self.environment.environment_variables, "BENCH_SIZES": wire_sizes}
        log = self.folder / f"{program.name}.log"
        running_program = stack.enter_context(run_program(program, environment, log))
        operations = [operation for operation in self.operations if program in operation.programs]
        self.response_sizes[program.name] = {
            operation.name: measure_response_size(running_program, operation, self.environment)
            for operation in operations
        }
        for operation in operations:
            self._request_file(program, operation).write_bytes(
                operation.build_request_file(program, self.environment)
            )
        return running_program

    def _request_file(self, program: Program, operation: Operation) -> Path:
        return self.folder / f"{program.name}-{operation.name}.http"

    def measure_runs(self, seconds: int, repeats: int) -> Iterator[MeasuredRun]:
        """Measure every program and operation. Each repeat starts with another program."""
        for repeat in range(repeats):
            first = repeat % max(1, len(self.running_programs))
            for operation in self.operations:
                for running_program in [*self.running_programs[first:], *self.running_programs[:first]]:
                    if running_program.program in operation.programs:
                        file = self._request_file(running_program.program, operation)
                        yield measure_run(running_program, operation, self.environment, file, seconds)


def main(
    seconds: Annotated[int, typer.Option(min=1, help="Duration of one run.")] = 10,
    repeats: Annotated[int, typer.Option(min=1, help="Runs of each program and operation.")] = 3,
    cases: Annotated[int, typer.Option(min=4000, help="Number of cases.")] = 10_000,
    only: Annotated[
        list[str] | None, typer.Option(help=f"Programs and operations to measure, of {', '.join(NAMES)}.")
    ] = None,
    json_only: Annotated[
        bool, typer.Option("--json", help="Print the result as JSON and write no files.")
    ] = False,
    keep: Annotated[
        str | None,
        typer.Option(
            help="Name of the result files. By default, `load` if everything is measured, else no files."
        ),
    ] = None,
) -> None:
    """Measure First Step and compare it with the other programs."""
    names = set(only or ())
    if unknown := names - set(NAMES):
        raise typer.BadParameter(f"Unknown: {', '.join(sorted(unknown))}.")
    programs = [program for program in PROGRAMS if program.name in names] or [
        program for program in PROGRAMS if not program.optional
    ]
    operations = [operation for operation in OPERATIONS if operation.name in names] or list(OPERATIONS)
    with progress:
        result = _measure(programs, operations, seconds, repeats, cases)
    if json_only:
        print(json.dumps(result, indent=2, ensure_ascii=False))
        return
    Console(width=130).print(report.render_table(result))
    if disturbance := report.describe_disturbance(result):
        print(disturbance)
    failures = [
        f"{run['errors']} of {run['operation']} in {run['program']}"
        for run in result["runs"]
        if run["errors"]
    ]
    if failures:
        print(
            f"Requests failed: {', '.join(failures)}. The measurement is invalid, and no files are written."
        )
        raise typer.Exit(1)
    if keep or only is None:
        report.write_results(result, keep or "load")


def _measure(
    programs: Sequence[Program], operations: Sequence[Operation], seconds: int, repeats: int, cases: int
) -> report.Result:
    task = progress.add_task("preparing the environment", total=None)
    with (
        TemporaryDirectory() as folder,
        prepare_environment(
            ROOT / "var", cases, lambda message: progress.update(task, description=message)
        ) as environment,
        ExitStack() as stack,
    ):
        progress.update(task, description="starting the programs")
        bench = Bench(environment, Path(folder), operations)
        bench.start_programs(programs, stack)
        runs_per_repeat = sum(
            running_program.program in operation.programs
            for running_program in bench.running_programs
            for operation in operations
        )
        progress.update(task, total=runs_per_repeat * repeats)
        runs: list[MeasuredRun] = []
        for run in bench.measure_runs(seconds, repeats):
            runs.append(run)
            description = f"{run.operation} {run.program} {run.per_second:,.0f}/s"
            progress.update(task, advance=1, description=description)
        setup = {
            "seconds": seconds,
            "repeats": repeats,
            "cases": cases,
            "postgres": environment.postgres_version,
        }
        return report.build_result(runs, bench.response_sizes, setup, bench.unavailable)


if __name__ == "__main__":
    typer.run(main)
