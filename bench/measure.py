"""Measuring: operations as raw requests, a load client in a process of its own, processor time by process."""

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
from bench.load import REQUEST_SEPARATOR, UNIQUE_ID_PLACEHOLDER, is_complete_response
from bench.programs import HOST, OURS, PLAIN, PROGRAMS, Program, RunningProgram
from bench.stage import ROOT, BearerTokens, BenchEnvironment

CONNECTIONS = 30
THREADS = 2
"""Of wrk."""
WARM_UP_SECONDS = 2
"""Seconds before every run."""
REFERRAL_BODY_COUNT = 500
"""Different referrals; each is sent many times, under another external_id."""


@dataclass(frozen=True, slots=True)
class Operation:
    """Something a client asks for."""

    name: str
    description: str
    expected_status: int
    build_requests: Callable[[BenchEnvironment, BearerTokens], list[bytes]]
    programs: tuple[Program, ...] = PROGRAMS
    """Which of them answer it."""

    def build_request_file(self, program: Program, stage: BenchEnvironment) -> bytes:
        """Return the requests as the load clients read them."""
        bearers = stage.plain_tokens if program is PLAIN else stage.first_step_tokens
        return b"".join(raw + REQUEST_SEPARATOR for raw in self.build_requests(stage, bearers))


def _build_request(method: str, target: str, bearer: str, body: bytes = b"") -> bytes:
    lines = [f"{method} {target} HTTP/1.1", f"Host: {HOST}", "Accept: */*", f"Authorization: Bearer {bearer}"]
    if body:
        lines += [
            "Content-Type: application/json",
            f"Idempotency-Key: {UNIQUE_ID_PLACEHOLDER.decode()}",
            f"Content-Length: {len(body)}",
        ]
    return "\r\n".join([*lines, "", ""]).encode() + body


def _get_case_requests(stage: BenchEnvironment, bearers: BearerTokens) -> list[bytes]:
    return [
        _build_request("GET", f"/v1/cases/{case_id}", bearers.worker) for case_id in stage.worker_case_ids
    ]


def _list_cases_requests(_: BenchEnvironment, bearers: BearerTokens) -> list[bytes]:
    return [_build_request("GET", "/v1/cases?limit=50", bearers.supervisor)]


def _create_referral_requests(_: BenchEnvironment, bearers: BearerTokens) -> list[bytes]:
    draw = random.Random(7)  # noqa: S311 - invented referrals, the same in every run
    told = [
        {"external_id": UNIQUE_ID_PLACEHOLDER.decode(), **generate_referral(draw, number)}
        for number in range(REFERRAL_BODY_COUNT)
    ]
    bodies = [json.dumps(_drop_nulls(body), ensure_ascii=False).encode() for body in told]
    return [_build_request("POST", "/v1/referrals", bearers.api_client, body) for body in bodies]


def _drop_nulls(value: Any) -> Any:
    """Leave out what is not said, as a partner's system would."""
    if isinstance(value, dict):
        return {name: _drop_nulls(part) for name, part in value.items() if part is not None}
    return [_drop_nulls(part) for part in value] if isinstance(value, list) else value


def _open_case_file_requests(stage: BenchEnvironment, bearers: BearerTokens) -> list[bytes]:
    paths = [
        path
        for case_id, plan_id in stage.cases_with_history
        for path in (
            f"/v1/cases/{case_id}",
            f"/v1/cases/{case_id}/people",
            f"/v1/care-plans/{plan_id}",
            f"/v1/cases/{case_id}/reviews",
        )
    ]
    return [_build_request("GET", path, bearers.worker) for path in paths]


def _get_timeline_requests(stage: BenchEnvironment, bearers: BearerTokens) -> list[bytes]:
    return [
        _build_request("GET", f"/v1/cases/{case_id}/timeline", bearers.worker)
        for case_id, _ in stage.cases_with_history
    ]


def _get_agenda_requests(_: BenchEnvironment, bearers: BearerTokens) -> list[bytes]:
    return [_build_request("GET", "/v1/me/agenda", bearers.worker)]


OPERATIONS = (
    Operation("R1", "a social worker with 25 cases reads one, with its child", 200, _get_case_requests),
    Operation(
        "L1",
        "a supervisor lists 50 cases of a caseload of thousands, newest first",
        200,
        _list_cases_requests,
    ),
    Operation("W1", "a partner's system sends a referral", 201, _create_referral_requests),
    Operation(
        "O1",
        "a worker opens a file of two years: the case, the people, the care plan, the reviews, one of them a request",
        200,
        _open_case_file_requests,
        (OURS,),
    ),
    Operation("T1", "the first page of that file's timeline", 200, _get_timeline_requests, (OURS,)),
    Operation("A1", "the agenda of a worker with 25 cases", 200, _get_agenda_requests, (OURS,)),
)


def measure_response_size(program: RunningProgram, operation: Operation, stage: BenchEnvironment) -> int:
    """Ask once, and return the bytes of the answer's body; raises RuntimeError for an answer that is not the wanted one."""
    raw = operation.build_requests(
        stage, stage.plain_tokens if program.program is PLAIN else stage.first_step_tokens
    )[0]
    with socket.create_connection((HOST, program.port), timeout=10) as connection:
        connection.sendall(raw.replace(UNIQUE_ID_PLACEHOLDER, secrets.token_hex(12).encode()))
        answer = b""
        while not is_complete_response(answer):
            if not (part := connection.recv(65536)):
                break
            answer += part
    head, _, body = answer.partition(b"\r\n\r\n")
    if head[9:12] != str(operation.expected_status).encode():
        raise RuntimeError(
            f"{program.program.name} answers {operation.name} with {head[9:12].decode()}: {body[:300]!r}"
        )
    return len(body)


@dataclass(frozen=True, slots=True)
class MeasuredRun:
    """One measurement."""

    program: str
    operation: str
    per_second: float
    p50_ms: float
    p99_ms: float
    errors: int
    app_us: float | None
    """Microseconds of processor time a request, in the program."""
    postgres_us: float | None
    """The same in PostgreSQL, its background work included."""
    others_cores: float | None
    """Cores that processes which are not part of this had meanwhile: they should have none."""


def measure_run(
    program: RunningProgram, operation: Operation, stage: BenchEnvironment, file: Path, seconds: int
) -> MeasuredRun:
    """Warm up, load, and return what happened."""
    _run_load_client(program.port, file, WARM_UP_SECONDS)
    watched = (program.pid, stage.postgres_pid, os.getpid())
    started, before = time.perf_counter(), [system_cpu_seconds(), *map(process_tree_cpu_seconds, watched)]
    said = _run_load_client(program.port, file, seconds)
    passed, after = (
        time.perf_counter() - started,
        [system_cpu_seconds(), *map(process_tree_cpu_seconds, watched)],
    )
    busy, app, postgres, ours = map(_difference, before, after)
    return MeasuredRun(
        program=program.program.name,
        operation=operation.name,
        per_second=round(said["requests"] / said["seconds"], 1),
        p50_ms=said["p50_ms"],
        p99_ms=said["p99_ms"],
        errors=int(said["errors"]),
        app_us=_per_request_us(app, said["requests"]),
        postgres_us=_per_request_us(postgres, said["requests"]),
        others_cores=_other_processes_cores(busy, postgres, ours, passed),
    )


def _difference(before: float | None, after: float | None) -> float | None:
    return None if before is None or after is None else after - before


def _other_processes_cores(
    busy: float | None, postgres: float | None, ours: float | None, passed: float
) -> float | None:
    """Cores used by what is neither PostgreSQL nor this process and its children (the programs, the client)."""
    if busy is None or postgres is None or ours is None:
        return None
    return round(max(0.0, busy - postgres - ours) / passed, 2)


def _per_request_us(seconds: float | None, requests: float) -> float | None:
    return None if seconds is None else round(1e6 * seconds / max(1, requests), 1)


def load_client_name() -> str:
    """Name the load client this machine has."""
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
    done = subprocess.run(command, check=True, capture_output=True, cwd=ROOT)  # noqa: S603 - our own words, no shell
    said: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return said


def process_tree_cpu_seconds(pid: int) -> float | None:
    """Return the processor time that a process and all below it have used so far; None where there is no /proc."""
    try:
        stats = [_read_process_stat(entry) for entry in Path("/proc").iterdir() if entry.name.isdigit()]
    except OSError:
        return None
    family, known = {pid}, {found[0]: found for found in stats if found}
    for _ in range(len(known)):
        more = {child for child, (_, parent, _) in known.items() if parent in family} - family
        if not more:
            break
        family |= more
    ticks = sum(known[member][2] for member in family if member in known)
    return ticks / os.sysconf("SC_CLK_TCK")


def system_cpu_seconds() -> float | None:
    """Return the processor time that anybody has used so far, other guests of the host included."""
    try:
        user, nice, system, _, _, *rest = map(
            int, Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]
        )
    except OSError:
        return None
    return (user + nice + system + sum(rest)) / os.sysconf("SC_CLK_TCK")


def _read_process_stat(entry: Path) -> tuple[int, int, int] | None:
    """Return a process's id, its parent's, and its ticks, those of its ended children included."""
    try:
        fields = (entry / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None  # it ended while we looked
    return int(entry.name), int(fields[1]), sum(map(int, fields[11:15]))
