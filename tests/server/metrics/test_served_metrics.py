"""The metrics of a running server: a process of its own that adds up the numbers of all workers."""

import os
import signal
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

from tests.support.processes import list_descendants
from tests.support.server_process import ServerProcess, free_port, temporary_home

REQUESTS = 40


class MonitoredServer(ServerProcess):
    """A server with metrics."""

    def __init__(self, home: Path) -> None:
        self.metrics_port = free_port()
        super().__init__(home, FIRSTSTEP_MODE="production", FIRSTSTEP_METRICS_PORT=str(self.metrics_port))

    def read_metric(self, name: str) -> float | None:
        """Return the value of a sample, or None if it does not exist, or the metrics are not served."""
        with suppress(httpx.HTTPError):
            for line in httpx.get(f"http://127.0.0.1:{self.metrics_port}/metrics").text.splitlines():
                if line.startswith(f"first_step_{name} "):
                    return float(line.rpartition(" ")[2])
        return None


@pytest.fixture(scope="module")
def server() -> Iterator[MonitoredServer]:
    with temporary_home() as path:
        yield MonitoredServer(path / "var")


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_metrics_include_terminated_workers(server: MonitoredServer) -> None:
    # Catches: the supervisor without `measurements`; the section of a worker emptied at its start.
    count = 'http_request_duration_seconds_count{method="GET",route="/healthz",status="2xx"}'
    process = server.start()
    try:
        for _ in range(REQUESTS):  # each on a new connection, so that both workers serve some
            assert httpx.get(f"{server.url}/healthz").status_code == 200
        assert server.read_metric(count) == REQUESTS
        wait_until(lambda: (server.read_metric('pool_size{pool="read"}') or 0) == 16)
        assert server.read_metric("database_up") == 1
        assert server.read_metric('process_ends_total{process="worker"}') == 0
        _, jobs, *workers = list_descendants(process.pid)[:4]  # the metrics process is the first one
        for pid in (jobs, *workers):
            os.kill(pid, signal.SIGKILL)
        ends = ('process_ends_total{process="worker"}', 'process_ends_total{process="jobs"}')
        wait_until(lambda: [server.read_metric(name) for name in ends] == [2, 1])
        wait_until(server.is_ready)
        assert httpx.get(f"{server.url}/healthz").status_code == 200
        assert server.read_metric(count) == REQUESTS + 1
        assert httpx.get(f"{server.url}/metrics").status_code == 404
    finally:
        server.stop(process)


def test_port_of_the_metrics_that_is_in_use_prevents_the_start(server: MonitoredServer) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", server.metrics_port))
        other.listen()
        result = server.run_command("run")
    assert result.returncode == 1
    assert (
        f"Port {server.metrics_port} is used by another program. Set FIRSTSTEP_METRICS_PORT" in result.stderr
    )
