"""Measure operations: a load client in a separate process, and processor time per process."""

import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from bench.environment import ROOT, BenchEnvironment
from bench.load import UNIQUE_ID_PLACEHOLDER, is_complete_response
from bench.operations import Operation
from bench.programs import HOST, RunningProgram

CONNECTIONS = 30
THREADS = 2
"""Number of threads of wrk."""
WARM_UP_SECONDS = 2
"""Seconds of load before each run."""


def measure_response_size(
    program: RunningProgram, operation: Operation, environment: BenchEnvironment
) -> int:
    """Send one request, and return the size of the response body in bytes.

    Raises:
        RuntimeError: the response is an error.
    """
    request = operation.list_program_requests(program.program, environment)[0]
    with socket.create_connection((HOST, program.port), timeout=10) as connection:
        connection.sendall(request.replace(UNIQUE_ID_PLACEHOLDER, secrets.token_hex(12).encode()))
        response = b""
        while not is_complete_response(response):
            if not (part := connection.recv(65536)):
                break
            response += part
    head, _, body = response.partition(b"\r\n\r\n")
    if head[9:10] != b"2":
        raise RuntimeError(
            f"{program.program.name} responds to {operation.name} with {head[9:12].decode()}: {body[:300]!r}"
        )
    return len(body)


@dataclass(frozen=True, slots=True)
class MeasuredRun:
    """The result of one run."""

    program: str
    operation: str
    per_second: float
    p50_ms: float
    p99_ms: float
    errors: int
    app_us: float | None
    """Processor time per request in the program, in microseconds."""
    postgres_us: float | None
    """Processor time per request in PostgreSQL with its background work, in microseconds."""
    others_cores: float | None
    """Cores used by processes that are not part of the measurement."""


def measure_run(
    program: RunningProgram, operation: Operation, environment: BenchEnvironment, file: Path, seconds: int
) -> MeasuredRun:
    """Warm a program up, load it for some seconds, and return the result."""
    _run_load_client(program.port, file, WARM_UP_SECONDS)
    pids = (program.pid, environment.postgres_pid, os.getpid())
    started, before = time.perf_counter(), [system_cpu_seconds(), *map(process_tree_cpu_seconds, pids)]
    load = _run_load_client(program.port, file, seconds)
    elapsed = time.perf_counter() - started
    after = [system_cpu_seconds(), *map(process_tree_cpu_seconds, pids)]
    total, app, postgres, bench = map(_difference, before, after)
    return MeasuredRun(
        program=program.program.name,
        operation=operation.name,
        per_second=round(load["requests"] / load["seconds"], 1),
        p50_ms=load["p50_ms"],
        p99_ms=load["p99_ms"],
        errors=int(load["errors"]),
        app_us=_per_request_us(app, load["requests"]),
        postgres_us=_per_request_us(postgres, load["requests"]),
        others_cores=_other_processes_cores(total, postgres, bench, elapsed),
    )


def _difference(before: float | None, after: float | None) -> float | None:
    return None if before is None or after is None else after - before


def _other_processes_cores(
    total: float | None, postgres: float | None, bench: float | None, elapsed: float
) -> float | None:
    """Return the cores used by processes other than PostgreSQL, the programs and the load client."""
    if total is None or postgres is None or bench is None:
        return None
    return round(max(0.0, total - postgres - bench) / elapsed, 2)


def _per_request_us(seconds: float | None, requests: float) -> float | None:
    return None if seconds is None else round(1e6 * seconds / max(1, requests), 1)


def load_client_name() -> str:
    """Return the name of the load client: wrk if it is installed, else bench.load."""
    return "wrk" if shutil.which("wrk") else "bench.load"


def _run_load_client(port: int, file: Path, seconds: int) -> dict[str, float]:
    stamp = secrets.token_hex(4)
    if wrk := shutil.which("wrk"):
        script = str(Path(__file__).with_name("requests.lua"))
        options = [f"-t{THREADS}", f"-c{CONNECTIONS}", f"-d{seconds}s", "--timeout", "10s", "-s", script]
        command = [wrk, *options, f"http://{HOST}:{port}/", "--", str(file), stamp]
    else:
        command = [
            sys.executable,
            "-m",
            "bench.load",
            str(seconds),
            str(CONNECTIONS),
            str(port),
            str(file),
            stamp,
        ]
    process = subprocess.run(command, check=True, capture_output=True, cwd=ROOT)  # noqa: S603 - fixed arguments, no shell
    figures: dict[str, float] = json.loads(process.stdout.splitlines()[-1])
    return figures


def process_tree_cpu_seconds(pid: int) -> float | None:
    """Return the processor time that a process and its descendants have used, or None on systems without /proc."""
    try:
        stats = [_read_process_stat(entry) for entry in Path("/proc").iterdir() if entry.name.isdigit()]
    except OSError:
        return None
    pids, stats_by_pid = {pid}, {stat[0]: stat for stat in stats if stat}
    for _ in range(len(stats_by_pid)):
        children = {child for child, (_, parent, _) in stats_by_pid.items() if parent in pids} - pids
        if not children:
            break
        pids |= children
    ticks = sum(stats_by_pid[member][2] for member in pids if member in stats_by_pid)
    return ticks / os.sysconf("SC_CLK_TCK")


def system_cpu_seconds() -> float | None:
    """Return the processor time used by all processes and by other guests of the host, or None without /proc."""
    try:
        user, nice, system, _, _, *rest = map(
            int, Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]
        )
    except OSError:
        return None
    return (user + nice + system + sum(rest)) / os.sysconf("SC_CLK_TCK")


def _read_process_stat(entry: Path) -> tuple[int, int, int] | None:
    """Return the id of a process, the id of its parent, and its ticks with those of its exited children."""
    try:
        fields = (entry / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None  # the process has exited
    return int(entry.name), int(fields[1]), sum(map(int, fields[11:15]))
