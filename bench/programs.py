"""The programs that are measured, started as anybody would start them: uvicorn, two workers, uvloop and httptools."""

import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from bench.stage import ROOT

HOST = "127.0.0.1"
WORKERS = 2
STARTUP_TIMEOUT_SECONDS = 40
"""Seconds a program may take until it serves."""


@dataclass(frozen=True, slots=True)
class Program:
    """Something that answers the three operations."""

    name: str
    description: str
    target: str
    """Module and attribute for uvicorn."""
    options: tuple[str, ...] = ()


WIRE = Program("wire", "bare Starlette, constant bytes", "bench.wire:app")
LIMIT = Program("limit", "bare Starlette and asyncpg, the whole promise by hand", "bench.limit:app")
PLAIN = Program("plain", "FastAPI and SQLModel as usual, nothing sealed, one audit row", "bench.plain:app")
OURS = Program(
    "ours", "First Step", "app.main:create_app", ("--factory", "--no-server-header", "--no-proxy-headers")
)
PROGRAMS = (WIRE, LIMIT, PLAIN, OURS)


@dataclass(frozen=True, slots=True)
class RunningProgram:
    """A started program."""

    program: Program
    port: int
    pid: int


@contextmanager
def run_program(program: Program, environment: Mapping[str, str], log: Path) -> Iterator[RunningProgram]:
    """Start a program and end it; raises RuntimeError, with the end of its log, if it does not serve."""
    port = _find_free_port()
    command = (
        sys.executable, "-m", "uvicorn", program.target, "--host", HOST, "--port", str(port), "--workers", str(WORKERS),
        "--loop", "uvloop", "--http", "httptools", "--no-access-log", "--log-level", "warning", *program.options,
    )  # fmt: skip
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("FIRSTSTEP_")}
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603 - our own words, no shell
            command,
            cwd=ROOT,
            env={**inherited, **environment},
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        _wait_until_ready(process, port, log)
        yield RunningProgram(program, port, process.pid)
    finally:
        _stop_process(process)


def _stop_process(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # its own session: nobody else is in it
        process.wait()


def _find_free_port() -> int:
    with socket.socket() as taken:
        taken.bind((HOST, 0))
        return int(taken.getsockname()[1])


def _wait_until_ready(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    ends = time.monotonic() + STARTUP_TIMEOUT_SECONDS
    while time.monotonic() < ends and process.poll() is None:
        with suppress(OSError):
            if get_status(port, "/readyz") in {200, 204}:
                return
        time.sleep(0.2)
    raise RuntimeError(log.read_text(errors="replace")[-2000:])


def get_status(port: int, path: str) -> int:
    """Return the status of a GET."""
    connection = http.client.HTTPConnection(HOST, port, timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    finally:
        connection.close()
