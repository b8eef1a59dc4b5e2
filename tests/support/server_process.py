"""Run First Step in separate processes, as `make run` does, and sign in over real HTTP."""

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx

from app.database.embedded import EmbeddedServer

START_TIMEOUT_SECONDS = 120.0
"""Seconds for the first start on a busy machine, which creates a database and a caseload."""

# A shell starts background processes with SIGINT ignored, and child processes inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@contextmanager
def temporary_home() -> Iterator[Path]:
    """A temporary directory. pytest resets the permissions of its own, which PostgreSQL's account must be able to search."""
    with tempfile.TemporaryDirectory(prefix="firststep-served-") as name:
        yield Path(name)


class ServerProcess:
    """First Step with a home directory, a port and processes of its own."""

    def __init__(self, home: Path, **environment: str) -> None:
        self.home = home
        self.port = free_port()
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("FIRSTSTEP_")}
        inherited.pop("PYTHONDONTWRITEBYTECODE", None)
        self.environment = {
            **inherited, "FIRSTSTEP_HOME": str(home), "FIRSTSTEP_MODE": "demo", "PORT": str(self.port), "FIRSTSTEP_DEMO_CHILDREN": "6", **environment,
        }  # fmt: skip
        self.url = f"http://127.0.0.1:{self.port}"
        self.clients: list[httpx.Client] = []

    def run_command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "app.cli", *arguments],
            env=self.environment, capture_output=True, text=True, check=False, timeout=START_TIMEOUT_SECONDS,
        )  # fmt: skip

    def start(self, until: Callable[[], bool] | None = None) -> subprocess.Popen[bytes]:
        """Start the server, and wait until it is ready or until another condition is true."""
        is_reached = until or self.is_ready
        with (self.home.parent / "run.log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "app.cli", "run"],
                env=self.environment, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        deadline = time.monotonic() + START_TIMEOUT_SECONDS
        while time.monotonic() < deadline:
            if is_reached():
                return process
            assert process.poll() is None, (self.home.parent / "run.log").read_text()[-2000:]
            time.sleep(0.05)
        raise AssertionError("not ready")

    def is_ready(self) -> bool:
        with suppress(httpx.HTTPError):
            return httpx.get(f"{self.url}/readyz").status_code == 200
        return False

    @contextmanager
    def running(self) -> Iterator[None]:
        process = self.start()
        try:
            yield
        finally:
            self.stop(process)

    def stop(self, process: subprocess.Popen[bytes], stop_signal: signal.Signals = signal.SIGINT) -> None:
        while self.clients:
            self.clients.pop().close()
        process.send_signal(stop_signal)
        assert process.wait(30) == 0
        assert not EmbeddedServer(self.home).is_running()

    @property
    def demo_data(self) -> dict[str, Any]:
        data: dict[str, Any] = json.loads((self.home / "demo.json").read_text())
        return data

    def staff_client(self, role: str) -> httpx.Client:
        user = next(user for user in self.demo_data["users"] if role in user["roles"])
        response = httpx.post(
            f"{self.url}/v1/auth/login",
            json={"email": user["email"], "password": user["password"]},
            timeout=20,
        )
        assert response.status_code == 200, response.text
        return self.client_with_token(response.json()["access_token"])

    def partner_client(self, number: int) -> httpx.Client:
        return self.api_client("referrals", number)

    def api_client(self, scope: str, number: int = 0) -> httpx.Client:
        client = [client for client in self.demo_data["api_clients"] if scope in client["scopes"]][number]
        response = httpx.post(
            f"{self.url}/v1/oauth/token",
            data={"grant_type": "client_credentials"},
            auth=(client["client_id"], client["client_secret"]),
            timeout=20,
        )
        assert response.status_code == 200, response.text
        return self.client_with_token(response.json()["access_token"])

    def client_with_token(self, token: str) -> httpx.Client:
        self.clients.append(
            httpx.Client(base_url=self.url, headers={"authorization": f"Bearer {token}"}, timeout=20)
        )
        return self.clients[-1]
