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

from bench.caseload import telling_of
from bench.load import NEXT, UNIQUE, is_whole
from bench.programs import HOST, OURS, PLAIN, PROGRAMS, Program, Running
from bench.stage import ROOT, Bearers, Stage

CONNECTIONS = 30
THREADS = 2
"""Of wrk."""
WARM_UP = 2
"""Seconds before every run."""
BODIES = 500
"""Different referrals; each is sent many times, under another external_id."""


@dataclass(frozen=True, slots=True)
class Operation:
    """Something a client asks for."""

    name: str
    what: str
    status: int
    requests: Callable[[Stage, Bearers], list[bytes]]
    programs: tuple[Program, ...] = PROGRAMS
    """Which of them answer it."""

    def file(self, program: Program, stage: Stage) -> bytes:
        """Return the requests as the load clients read them."""
        bearers = stage.plain if program is PLAIN else stage.first_step
        return b"".join(raw + NEXT for raw in self.requests(stage, bearers))


def _raw(method: str, target: str, bearer: str, body: bytes = b"") -> bytes:
    lines = [f"{method} {target} HTTP/1.1", f"Host: {HOST}", "Accept: */*", f"Authorization: Bearer {bearer}"]
    if body:
        lines += [
            "Content-Type: application/json",
            f"Idempotency-Key: {UNIQUE.decode()}",
            f"Content-Length: {len(body)}",
        ]
    return "\r\n".join([*lines, "", ""]).encode() + body


def _read_case(stage: Stage, bearers: Bearers) -> list[bytes]:
    return [_raw("GET", f"/v1/cases/{case_id}", bearers.worker) for case_id in stage.worker_cases]


def _list_cases(_: Stage, bearers: Bearers) -> list[bytes]:
    return [_raw("GET", "/v1/cases?limit=50", bearers.supervisor)]


def _send_referral(_: Stage, bearers: Bearers) -> list[bytes]:
    draw = random.Random(7)  # noqa: S311 - invented referrals, the same in every run
    told = [{"external_id": UNIQUE.decode(), **telling_of(draw, number)} for number in range(BODIES)]
    bodies = [json.dumps(_said(body), ensure_ascii=False).encode() for body in told]
    return [_raw("POST", "/v1/referrals", bearers.client, body) for body in bodies]


def _said(value: Any) -> Any:
    """Leave out what is not said, as a partner's system would."""
    if isinstance(value, dict):
        return {name: _said(part) for name, part in value.items() if part is not None}
    return [_said(part) for part in value] if isinstance(value, list) else value


def _open_file(stage: Stage, bearers: Bearers) -> list[bytes]:
    paths = [
        path
        for case_id, plan_id in stage.lived
        for path in (
            f"/v1/cases/{case_id}",
            f"/v1/cases/{case_id}/people",
            f"/v1/care-plans/{plan_id}",
            f"/v1/cases/{case_id}/reviews",
        )
    ]
    return [_raw("GET", path, bearers.worker) for path in paths]


def _read_timeline(stage: Stage, bearers: Bearers) -> list[bytes]:
    return [_raw("GET", f"/v1/cases/{case_id}/timeline", bearers.worker) for case_id, _ in stage.lived]


def _read_agenda(_: Stage, bearers: Bearers) -> list[bytes]:
    return [_raw("GET", "/v1/me/agenda", bearers.worker)]


OPERATIONS = (
    Operation("R1", "a social worker with 25 cases reads one, with its child", 200, _read_case),
    Operation("L1", "a supervisor lists 50 cases of a caseload of thousands, newest first", 200, _list_cases),
    Operation("W1", "a partner's system sends a referral", 201, _send_referral),
    Operation(
        "O1",
        "a worker opens a file of two years: the case, the people, the care plan, the reviews, one of them a request",
        200,
        _open_file,
        (OURS,),
    ),
    Operation("T1", "the first page of that file's timeline", 200, _read_timeline, (OURS,)),
    Operation("A1", "the agenda of a worker with 25 cases", 200, _read_agenda, (OURS,)),
)


def answer_size(program: Running, operation: Operation, stage: Stage) -> int:
    """Ask once, and return the bytes of the answer's body; raises RuntimeError for an answer that is not the wanted one."""
    raw = operation.requests(stage, stage.plain if program.program is PLAIN else stage.first_step)[0]
    with socket.create_connection((HOST, program.port), timeout=10) as connection:
        connection.sendall(raw.replace(UNIQUE, secrets.token_hex(12).encode()))
        answer = b""
        while not is_whole(answer):
            if not (part := connection.recv(65536)):
                break
            answer += part
    head, _, body = answer.partition(b"\r\n\r\n")
    if head[9:12] != str(operation.status).encode():
        raise RuntimeError(
            f"{program.program.name} answers {operation.name} with {head[9:12].decode()}: {body[:300]!r}"
        )
    return len(body)


@dataclass(frozen=True, slots=True)
class Run:
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


def measured(program: Running, operation: Operation, stage: Stage, file: Path, seconds: int) -> Run:
    """Warm up, load, and return what happened."""
    _load(program.port, file, WARM_UP)
    watched = (program.pid, stage.postgres_pid, os.getpid())
    started, before = time.perf_counter(), [busy_seconds(), *map(processor_seconds, watched)]
    said = _load(program.port, file, seconds)
    passed, after = time.perf_counter() - started, [busy_seconds(), *map(processor_seconds, watched)]
    busy, app, postgres, ours = map(_between, before, after)
    return Run(
        program=program.program.name,
        operation=operation.name,
        per_second=round(said["requests"] / said["seconds"], 1),
        p50_ms=said["p50_ms"],
        p99_ms=said["p99_ms"],
        errors=int(said["errors"]),
        app_us=_each(app, said["requests"]),
        postgres_us=_each(postgres, said["requests"]),
        others_cores=_others(busy, postgres, ours, passed),
    )


def _between(before: float | None, after: float | None) -> float | None:
    return None if before is None or after is None else after - before


def _others(busy: float | None, postgres: float | None, ours: float | None, passed: float) -> float | None:
    """Cores used by what is neither PostgreSQL nor this process and its children (the programs, the client)."""
    if busy is None or postgres is None or ours is None:
        return None
    return round(max(0.0, busy - postgres - ours) / passed, 2)


def _each(seconds: float | None, requests: float) -> float | None:
    return None if seconds is None else round(1e6 * seconds / max(1, requests), 1)


def client() -> str:
    """Name the load client this machine has."""
    return "wrk" if shutil.which("wrk") else "bench.load"


def _load(port: int, file: Path, seconds: int) -> dict[str, float]:
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


def processor_seconds(pid: int) -> float | None:
    """Return the processor time that a process and all below it have used so far; None where there is no /proc."""
    try:
        stats = [_stat(entry) for entry in Path("/proc").iterdir() if entry.name.isdigit()]
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


def busy_seconds() -> float | None:
    """Return the processor time that anybody has used so far, other guests of the host included."""
    try:
        user, nice, system, _, _, *rest = map(
            int, Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]
        )
    except OSError:
        return None
    return (user + nice + system + sum(rest)) / os.sysconf("SC_CLK_TCK")


def _stat(entry: Path) -> tuple[int, int, int] | None:
    """Return a process's id, its parent's, and its ticks, those of its ended children included."""
    try:
        fields = (entry / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None  # it ended while we looked
    return int(entry.name), int(fields[1]), sum(map(int, fields[11:15]))
