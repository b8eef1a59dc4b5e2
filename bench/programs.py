"""The measured programs, each with two workers. Those in Python run in uvicorn with uvloop and httptools."""

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

from bench.environment import ROOT
from bench.postgraphile.installation import install_postgraphile

HOST = "127.0.0.1"
WORKERS = 2
STARTUP_TIMEOUT_SECONDS = 40
"""Maximum number of seconds until a program is ready."""


@dataclass(frozen=True, slots=True)
class Program:
    """A program that is measured."""

    name: str
    description: str
    target: str
    """Import string of the application, or the file of a Node program."""
    options: tuple[str, ...] = ()
    optional: bool = False
    """Whether the program is measured only if it is named."""


WIRE = Program("wire", "Starlette with constant responses", "bench.wire:app")
LIMIT = Program(
    "limit",
    "bare ASGI and asyncpg with the guarantees of First Step in their cheapest form, without ORM and validation",
    "bench.limit.app:app",
)
PLAIN = Program(
    "plain",
    "a usual FastAPI and SQLModel application without encryption, with one audit row per request",
    "bench.plain:app",
)
FIRST_STEP = Program(
    "ours", "First Step", "app.main:create_app", ("--factory", "--no-server-header", "--no-proxy-headers")
)
POSTGRAPHILE = Program(
    "postgraphile",
    "PostGraphile 5 on the database of plain, with row-level security, without encryption, with one audit row per request",
    "server.mjs",
    optional=True,
)
PROGRAMS = (WIRE, LIMIT, PLAIN, POSTGRAPHILE, FIRST_STEP)


@dataclass(frozen=True, slots=True)
class RunningProgram:
    """A started program."""

    program: Program
    port: int
    pid: int


@contextmanager
def run_program(program: Program, environment: Mapping[str, str], log: Path) -> Iterator[RunningProgram]:
    """Run a program.

    Raises:
        RuntimeError: the program does not become ready; the message is the end of its log.
    """
    port = _find_free_port()
    command = _build_command(program, port)
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("FIRSTSTEP_")}
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603 - fixed arguments, no shell
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


def _build_command(program: Program, port: int) -> tuple[str, ...]:
    if program is POSTGRAPHILE:
        node, folder = install_postgraphile()
        return (node, str(folder / program.target), HOST, str(port), str(WORKERS))
    return (
        sys.executable, "-m", "uvicorn", program.target, "--host", HOST, "--port", str(port), "--workers", str(WORKERS),
        "--loop", "uvloop", "--http", "httptools", "--no-access-log", "--log-level", "warning", *program.options,
    )  # fmt: skip


def _stop_process(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # the group has the program and its workers only
        process.wait()


def _find_free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def _wait_until_ready(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + STARTUP_TIMEOUT_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        with suppress(OSError):
            if get_status(port, "/readyz") < 500:  # 404 from a program that has no such path
                return
        time.sleep(0.2)
    raise RuntimeError(log.read_text(errors="replace")[-2000:])


def get_status(port: int, path: str) -> int:
    """Return the status of a GET request."""
    connection = http.client.HTTPConnection(HOST, port, timeout=5)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    finally:
        connection.close()
