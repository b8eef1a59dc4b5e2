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
from bench.measure import OPERATIONS, Operation, Run, answer_size, measured
from bench.programs import LIMIT, OURS, PROGRAMS, WIRE, Program, Running, running
from bench.stage import ROOT, Stage, staged

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

    stage: Stage
    folder: Path
    operations: Sequence[Operation]
    started: list[Running] = field(default_factory=list)
    sizes: dict[str, dict[str, int]] = field(default_factory=dict)
    absent: dict[str, str] = field(default_factory=dict)

    def start(self, programs: Sequence[Program], stack: ExitStack) -> None:
        """Start the programs, the wire last: it answers as many bytes as ours does, or else the limit."""
        for program in sorted(programs, key=lambda p: p is WIRE):
            try:
                self.started.append(self._started(program, stack))
            except RuntimeError as error:
                self.absent[program.name] = "it did not serve when this was measured"
                progress.console.print(f"{program.name} is left out: {error}", markup=False)

    def _started(self, program: Program, stack: ExitStack) -> Running:
        known = self.sizes.get(OURS.name) or self.sizes.get(LIMIT.name) or {}
        sizes = ",".join(str(known.get(op.name, 1700)) for op in OPERATIONS if WIRE in op.programs)
        environment = {**self.stage.environment, "BENCH_SIZES": sizes}
        found = stack.enter_context(running(program, environment, self.folder / f"{program.name}.log"))
        answered = [op for op in self.operations if program in op.programs]
        self.sizes[program.name] = {op.name: answer_size(found, op, self.stage) for op in answered}
        for operation in answered:
            self._requests(program, operation).write_bytes(operation.file(program, self.stage))
        return found

    def _requests(self, program: Program, operation: Operation) -> Path:
        return self.folder / f"{program.name}-{operation.name}.http"

    def runs(self, seconds: int, repeats: int) -> Iterator[Run]:
        """Measure the programs in turn, each repeat beginning with another one."""
        for repeat in range(repeats):
            turn = repeat % len(self.started)
            in_turn = [*self.started[turn:], *self.started[:turn]]
            for operation in self.operations:
                for running_program in (it for it in in_turn if it.program in operation.programs):
                    file = self._requests(running_program.program, operation)
                    yield measured(running_program, operation, self.stage, file, seconds)


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
    Console(width=130).print(report.table(result))
    if disturbed := report.disturbance(result):
        print(disturbed)
    if failed := sum(run["errors"] for run in result["runs"]):
        print(f"{failed} requests failed: this measurement does not count, and is not kept.")
        raise typer.Exit(1)
    if only is None:
        report.keep(result, keep)


def _measure(
    programs: Sequence[Program], operations: Sequence[Operation], seconds: int, repeats: int, cases: int
) -> report.Result:
    task = progress.add_task("building the stage", total=None)
    with (
        TemporaryDirectory() as folder,
        staged(ROOT / "var", cases, lambda what: progress.update(task, description=what)) as stage,
        ExitStack() as stack,
    ):
        progress.update(task, description="starting the programs")
        bench = Bench(stage, Path(folder), operations)
        bench.start(programs, stack)
        each = sum(it.program in op.programs for it in bench.started for op in operations)
        progress.update(task, total=each * repeats)
        runs: list[Run] = []
        for run in bench.runs(seconds, repeats):
            runs.append(run)
            told = f"{run.operation} {run.program} {run.per_second:,.0f}/s"
            progress.update(task, advance=1, description=told)
        facts = {"seconds": seconds, "repeats": repeats, "cases": cases, "postgres": stage.postgres_version}
        return report.result_of(runs, bench.sizes, facts, bench.absent)


if __name__ == "__main__":
    typer.run(main)
