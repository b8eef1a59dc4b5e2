"""The first walk as somebody takes it who has nothing but Python: `run`, sign in, refer, accept, read the log, stop."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest

from app.embedded import ADMIN, EmbeddedServer
from tests.world import referral

PATIENCE = 90.0
"""Seconds for the first start on a busy machine: it makes a database and invents a caseload."""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Served:
    """First Step in processes of its own."""

    def __init__(self, home: Path, **environment: str) -> None:
        self.home = home
        self.port = free_port()
        kept = {name: value for name, value in os.environ.items() if not name.startswith("FIRSTSTEP_")}
        kept.pop("PYTHONDONTWRITEBYTECODE", None)
        self.environment = {**kept, "FIRSTSTEP_HOME": str(home), "PORT": str(self.port), **environment}
        self.url = f"http://127.0.0.1:{self.port}"
        self.clients: list[httpx.Client] = []

    def command(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "app.cli", *words],
            env=self.environment, capture_output=True, text=True, check=False, timeout=PATIENCE,
        )  # fmt: skip

    def start(self) -> subprocess.Popen[bytes]:
        with (self.home.parent / "run.log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "app.cli", "run"],
                env=self.environment, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            with suppress(httpx.HTTPError):
                if httpx.get(f"{self.url}/readyz").status_code == 200:
                    return process
            assert process.poll() is None, (self.home.parent / "run.log").read_text()[-2000:]
            time.sleep(0.05)
        raise AssertionError("not ready")

    @contextmanager
    def running(self) -> Iterator[None]:
        process = self.start()
        try:
            yield
        finally:
            while self.clients:
                self.clients.pop().close()
            process.send_signal(signal.SIGINT)
            assert process.wait(30) == 0
            assert not EmbeddedServer(self.home).is_running()

    @property
    def demo(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.home / "demo.json").read_text())
        return found

    def staff(self, role: str) -> httpx.Client:
        person = next(user for user in self.demo["users"] if role in user["roles"])
        answer = httpx.post(
            f"{self.url}/v1/auth/login", json={"email": person["email"], "password": person["password"]}
        )
        assert answer.status_code == 200, answer.text
        return self.bearing(answer.json()["access_token"])

    def partner(self, number: int) -> httpx.Client:
        system = [client for client in self.demo["api_clients"] if "referrals" in client["scopes"]][number]
        answer = httpx.post(
            f"{self.url}/v1/oauth/token",
            data={"grant_type": "client_credentials"},
            auth=(system["client_id"], system["client_secret"]),
        )
        assert answer.status_code == 200, answer.text
        return self.bearing(answer.json()["access_token"])

    def bearing(self, token: str) -> httpx.Client:
        self.clients.append(httpx.Client(base_url=self.url, headers={"authorization": f"Bearer {token}"}, timeout=20))
        return self.clients[-1]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Served:
    return Served(tmp_path_factory.mktemp("served") / "var")


def test_the_first_walk_over_real_http(served: Served) -> None:
    with served.running():
        assert (served.home / "demo.json").stat().st_mode & 0o777 == 0o600
        assert served.demo["base_url"] == served.url
        roles = {role for user in served.demo["users"] for role in user["roles"]}
        assert roles >= {
            "social_worker", "supervisor", "programme_manager", "finance_officer", "me_officer",
            "data_protection_officer", "administrator",
        }  # fmt: skip

        partner = served.partner(0)
        told = partner.post("/v1/referrals", json=referral(), headers={"idempotency-key": "walk-1"})
        again = partner.post("/v1/referrals", json=json.loads(told.request.content), headers={"idempotency-key": "walk-1"})
        assert told.status_code == again.status_code == 201
        assert again.headers["idempotent-replayed"] == "true"
        assert again.json() == told.json()
        path = f"/v1/referrals/{told.json()['id']}"
        assert served.partner(1).get(path).status_code == 404

        supervisor = served.staff("supervisor")
        seen = supervisor.get(path)
        assert seen.status_code == 200, seen.text
        taken = supervisor.post(f"{path}/acknowledge", json={}, headers={"if-match": seen.headers["etag"]})
        assert taken.status_code == 200, taken.text
        refused = supervisor.post(f"{path}/accept", json={}, headers={"if-match": taken.headers["etag"]})
        assert refused.status_code == 409
        assert {"lead_worker_missing", "screening_missing"} <= {unmet["code"] for unmet in refused.json()["unmet"]}

        case = served.staff("social_worker").get("/v1/cases", params={"limit": 1})
        shown = {item["child_id"] for item in case.json()["items"]}
        entries = served.staff("data_protection_officer").get(
            "/v1/audit/accesses", params={"request_id": case.headers["x-request-id"]}
        )
        assert {entry["child_id"] for entry in entries.json()["items"]} == shown
        assert len(shown) == 1
        assert httpx.get(f"{served.url}/docs").status_code == 200


async def test_the_apis_own_database_role_sees_nothing_by_hand(served: Served) -> None:
    with served.running():
        connection = await asyncpg.connect(served.demo["database"]["api"])
        try:
            assert await connection.fetch("SELECT * FROM children") == []
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute("DELETE FROM access_entries")
        finally:
            await connection.close()


def test_a_kill_is_survived_and_a_second_server_from_the_same_home_is_refused(served: Served) -> None:
    process = served.start()
    second = served.command("migrate")
    assert second.returncode == 1
    assert "already runs" in second.stderr
    process.kill()
    process.wait()
    until = time.monotonic() + 10
    while time.monotonic() < until:  # the workers notice that they are orphans
        try:
            httpx.get(f"{served.url}/healthz")
        except httpx.HTTPError:
            break
    with served.running():
        assert served.staff("social_worker").get("/v1/cases").status_code == 200


async def test_a_postgresql_of_ones_own_is_used_without_seeding_and_with_a_first_administrator(
    tmp_path: Path,
) -> None:
    own = EmbeddedServer(tmp_path / "own", durable=False)
    admin = own.start("own-password")
    try:
        connection = await asyncpg.connect(admin)
        await connection.execute("CREATE DATABASE somewhere")
        await connection.close()
        url = own.url(ADMIN, "own-password", "somewhere")
        theirs = Served(tmp_path / "var", FIRSTSTEP_DATABASE_URL=url)
        made = theirs.command("migrate", "--json")
        # Tests run without fsync, and production refuses to trust a log to that.
        assert "synchronous_commit or fsync is off" in made.stderr
        theirs.environment["FIRSTSTEP_MODE"] = "demo"
        (theirs.home / "demo.json").write_text("{}")
        made = theirs.command("migrate", "--json")
        assert made.returncode == 0, made.stderr
        created = theirs.command("users", "create-admin", "first@fsc.example", "First Administrator", "--json")
        assert json.loads(created.stdout)["email"] == "first@fsc.example"
        again = theirs.command("users", "create-admin", "second@fsc.example", "Second", "--json")
        assert again.returncode == 1
    finally:
        own.stop()
