"""Measure operations: raw requests, a load client in a separate process, and processor time per process."""

import json
import os
import random
import secrets
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.caseload import generate_referral
from bench.environment import ROOT, BearerTokens, BenchEnvironment
from bench.load import REQUEST_SEPARATOR, UNIQUE_ID_PLACEHOLDER, is_complete_response
from bench.programs import FIRST_STEP, HOST, PLAIN, PROGRAMS, Program, RunningProgram

CONNECTIONS = 30
THREADS = 2
"""Number of threads of wrk."""
WARM_UP_SECONDS = 2
"""Seconds of load before each run."""
REFERRAL_BODY_COUNT = 500
"""Number of different referrals. Each is sent many times with a new external_id."""


@dataclass(frozen=True, slots=True)
class Operation:
    """A request that is measured."""

    name: str
    description: str
    expected_status: int
    build_requests: Callable[[BenchEnvironment, BearerTokens], list[bytes]]
    programs: tuple[Program, ...] = PROGRAMS
    """The programs that support the operation."""

    def build_request_file(self, program: Program, environment: BenchEnvironment) -> bytes:
        """Return the requests in the format of the load clients."""
        tokens = environment.plain_tokens if program is PLAIN else environment.first_step_tokens
        return b"".join(request + REQUEST_SEPARATOR for request in self.build_requests(environment, tokens))


def build_request(method: str, target: str, bearer: str, body: bytes = b"") -> bytes:
    lines = [f"{method} {target} HTTP/1.1", f"Host: {HOST}", "Accept: */*", f"Authorization: Bearer {bearer}"]
    if body:
        lines += [
            "Content-Type: application/json",
            f"Idempotency-Key: {UNIQUE_ID_PLACEHOLDER.decode()}",
            f"Content-Length: {len(body)}",
        ]
    return "\r\n".join([*lines, "", ""]).encode() + body


def _get_case_requests(environment: BenchEnvironment, tokens: BearerTokens) -> list[bytes]:
    return [
        build_request("GET", f"/v1/cases/{case_id}", tokens.worker) for case_id in environment.worker_case_ids
    ]


def _list_cases_requests(_: BenchEnvironment, tokens: BearerTokens) -> list[bytes]:
    return [build_request("GET", "/v1/cases?limit=50", tokens.supervisor)]


def _create_referral_requests(_: BenchEnvironment, tokens: BearerTokens) -> list[bytes]:
    rng = random.Random(7)  # noqa: S311 - must be reproducible, not secret
    payloads = [
        {"external_id": UNIQUE_ID_PLACEHOLDER.decode(), **generate_referral(rng, number)}
        for number in range(REFERRAL_BODY_COUNT)
    ]
    bodies = [json.dumps(drop_nulls(payload), ensure_ascii=False).encode() for payload in payloads]
    return [build_request("POST", "/v1/referrals", tokens.api_client, body) for body in bodies]


def drop_nulls(value: Any) -> Any:
    """Remove null values, which partners do not send."""
    if isinstance(value, dict):
        return {name: drop_nulls(part) for name, part in value.items() if part is not None}
    return [drop_nulls(part) for part in value] if isinstance(value, list) else value


def _open_case_file_requests(environment: BenchEnvironment, tokens: BearerTokens) -> list[bytes]:
    paths = [
        path
        for case_id, plan_id in environment.cases_with_history
        for path in (
            f"/v1/cases/{case_id}",
            f"/v1/cases/{case_id}/people",
            f"/v1/care-plans/{plan_id}",
            f"/v1/cases/{case_id}/reviews",
        )
    ]
    return [build_request("GET", path, tokens.worker) for path in paths]


def _get_timeline_requests(environment: BenchEnvironment, tokens: BearerTokens) -> list[bytes]:
    return [
        build_request("GET", f"/v1/cases/{case_id}/timeline", tokens.worker)
        for case_id, _ in environment.cases_with_history
    ]


def _get_agenda_requests(_: BenchEnvironment, tokens: BearerTokens) -> list[bytes]:
    return [build_request("GET", "/v1/me/agenda", tokens.worker)]


OPERATIONS = (
    Operation("R1", "a social worker with 25 cases reads one case with its child", 200, _get_case_requests),
    Operation(
        "L1",
        "a supervisor with thousands of cases lists the newest 50",
        200,
        _list_cases_requests,
    ),
    Operation("W1", "an API client of a partner sends a referral", 201, _create_referral_requests),
    Operation(
        "O1",
        "a worker reads a case with two years of history: case, people, care plan and reviews, one of them per request",
        200,
        _open_case_file_requests,
        (FIRST_STEP,),
    ),
    Operation(
        "T1", "the first page of the timeline of such a case", 200, _get_timeline_requests, (FIRST_STEP,)
    ),
    Operation("A1", "the agenda of a worker with 25 cases", 200, _get_agenda_requests, (FIRST_STEP,)),
)


def measure_response_size(
    program: RunningProgram, operation: Operation, environment: BenchEnvironment
) -> int:
    """Send one request, and return the size of the response body in bytes.

    Raises:
        RuntimeError: the response does not have the expected status.
    """
    tokens = environment.plain_tokens if program.program is PLAIN else environment.first_step_tokens
    request = operation.build_requests(environment, tokens)[0]
    with socket.create_connection((HOST, program.port), timeout=10) as connection:
        connection.sendall(request.replace(UNIQUE_ID_PLACEHOLDER, secrets.token_hex(12).encode()))
        response = b""
        while not is_complete_response(response):
            if not (part := connection.recv(65536)):
                break
            response += part
    head, _, body = response.partition(b"\r\n\r\n")
    if head[9:12] != str(operation.expected_status).encode():
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
