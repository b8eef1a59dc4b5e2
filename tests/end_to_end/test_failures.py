"""Failures while the server runs: PostgreSQL dies, workers die, the terminal closes."""

import os
import signal
import time
from collections.abc import Callable, Iterator

import httpx
import pytest

from app.database.embedded import EmbeddedServer
from tests.support.processes import list_descendants
from tests.support.server_process import ServerProcess, temporary_home


@pytest.fixture(scope="module")
def server() -> Iterator[ServerProcess]:
    with temporary_home() as path:
        yield ServerProcess(path / "var", FIRSTSTEP_MODE="production")


def wait_until(condition: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def read_log(server: ServerProcess) -> str:
    return (server.home.parent / "run.log").read_text()


def can_write(server: ServerProcess) -> bool:
    """Return whether a request that writes to the database gets a response that is not a server error."""
    try:
        response = httpx.post(
            f"{server.url}/v1/auth/login", json={"email": "a@b.example", "password": "x" * 12}, timeout=20
        )
    except httpx.HTTPError:
        return False
    return response.status_code == 401


def test_terminated_embedded_database_is_restarted(server: ServerProcess) -> None:
    # Catches: `run_workers` without `check`.
    with server.running():
        assert can_write(server)
        postmaster_file = server.home / "postgres" / "postmaster.pid"
        killed = int(postmaster_file.read_text().split()[0])
        os.kill(killed, signal.SIGKILL)
        wait_until(lambda: '"event":"database_restarted"' in read_log(server))
        wait_until(server.is_ready)
        assert int(postmaster_file.read_text().split()[0]) != killed
        wait_until(lambda: can_write(server))


def test_five_killed_workers_end_the_server_with_the_reason(server: ServerProcess) -> None:
    process = server.start()
    killed: set[int] = set()
    deadline = time.monotonic() + 25
    while len(killed) < 5:
        assert time.monotonic() < deadline
        for pid in sorted(set(list_descendants(process.pid)) - killed)[: 5 - len(killed)]:
            os.kill(pid, signal.SIGKILL)
            killed.add(pid)
        time.sleep(0.05)
    assert process.wait(30) == 1
    assert not EmbeddedServer(server.home).is_running()
    log = read_log(server)
    assert "Processes ended 5 times within 30 seconds." in log
    assert "with signal 9" in log
    assert log.count('"event":"process_ended"') >= 5
    assert "Traceback" not in log


def test_hang_up_stops_the_server_cleanly(server: ServerProcess) -> None:
    server.stop(server.start(), signal.SIGHUP)
