"""The server as started by `run`: first requests, database role, recovery from a kill, and an external database."""

import json
import time
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import httpx
import pytest

from app.database.embedded import ADMIN_ROLE, EmbeddedServer
from tests.support.scenario import referral_payload
from tests.support.server_process import ServerProcess, temporary_home


@pytest.fixture(scope="module")
def server() -> Iterator[ServerProcess]:
    with temporary_home() as path:
        yield ServerProcess(path / "var")


def test_demonstration_serves_a_referral_from_partner_to_access_log(server: ServerProcess) -> None:
    with server.running():
        assert (server.home / "demo.json").stat().st_mode & 0o777 == 0o600
        assert server.demo_data["base_url"] == server.url
        roles = {role for user in server.demo_data["users"] for role in user["roles"]}
        assert roles >= {
            "social_worker", "supervisor", "programme_manager", "finance_officer", "me_officer",
            "data_protection_officer", "administrator",
        }  # fmt: skip

        partner = server.partner_client(0)
        key = {"idempotency-key": "first-1"}
        created = partner.post("/v1/referrals", json=referral_payload(), headers=key)
        retry = partner.post("/v1/referrals", json=json.loads(created.request.content), headers=key)
        assert created.status_code == retry.status_code == 201
        assert retry.headers["idempotent-replayed"] == "true"
        assert retry.json() == created.json()
        path = f"/v1/referrals/{created.json()['id']}"
        assert server.partner_client(1).get(path).status_code == 404

        supervisor = server.staff_client("supervisor")
        referral = supervisor.get(path)
        assert referral.status_code == 200, referral.text
        acknowledgement = supervisor.post(
            f"{path}/acknowledge", json={}, headers={"if-match": referral.headers["etag"]}
        )
        assert acknowledgement.status_code == 200, acknowledgement.text
        acceptance = supervisor.post(
            f"{path}/accept", json={}, headers={"if-match": acknowledgement.headers["etag"]}
        )
        assert acceptance.status_code == 409
        assert {"lead_worker_missing", "screening_missing"} <= {
            unmet["code"] for unmet in acceptance.json()["unmet"]
        }

        cases = server.staff_client("social_worker").get("/v1/cases", params={"limit": 1})
        child_ids = {item["child_id"] for item in cases.json()["items"]}
        entries = server.staff_client("data_protection_officer").get(
            "/v1/audit/accesses", params={"request_id": cases.headers["x-request-id"]}
        )
        assert {entry["child_id"] for entry in entries.json()["items"]} == child_ids
        assert len(child_ids) == 1
        assert httpx.get(f"{server.url}/docs").status_code == 200


async def test_api_database_role_sees_no_rows_without_access_event(server: ServerProcess) -> None:
    with server.running():
        connection = await asyncpg.connect(server.demo_data["database"]["api"])
        try:
            assert await connection.fetch("SELECT * FROM children") == []
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute("DELETE FROM access_entries")
        finally:
            await connection.close()


def test_server_starts_after_a_kill_and_rejects_a_second_instance(server: ServerProcess) -> None:
    process = server.start()
    second = server.run_command("migrate")
    assert second.returncode == 1
    assert "already runs" in second.stderr
    process.kill()
    process.wait()
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:  # the workers exit when they notice that their parent is gone
        try:
            httpx.get(f"{server.url}/healthz")
        except httpx.HTTPError:
            break
    with server.running():
        assert server.staff_client("social_worker").get("/v1/cases").status_code == 200


@pytest.fixture
def directory() -> Iterator[Path]:
    with temporary_home() as path:
        yield path


async def test_external_postgresql_is_migrated_without_demonstration(directory: Path) -> None:
    external = EmbeddedServer(directory / "external", durable=False)
    admin_url = external.start("external-password")
    try:
        connection = await asyncpg.connect(admin_url)
        await connection.execute("CREATE DATABASE somewhere")
        await connection.close()
        url = external.build_url(ADMIN_ROLE, "external-password", "somewhere")
        installation = ServerProcess(directory / "var", FIRSTSTEP_DATABASE_URL=url)
        installation.environment["FIRSTSTEP_MODE"] = "production"
        migration = installation.run_command("migrate", "--json")
        assert migration.returncode == 0, migration.stderr
        # The test database runs without fsync, which production mode rejects.
        assert "The setting fsync" in installation.run_command("run").stderr
        assert not (installation.home / "demo.json").exists()
        first = installation.run_command(
            "users", "create-admin", "first@fsc.example", "First Administrator", "--json"
        )
        assert json.loads(first.stdout)["email"] == "first@fsc.example"
        second = installation.run_command("users", "create-admin", "second@fsc.example", "Second", "--json")
        assert second.returncode == 1
        confirmer = installation.run_command(
            "users", "create-confirmer", "dpo@fsc.example", "First Confirmer", "--json"
        )
        assert json.loads(confirmer.stdout)["role"] == "data_protection_officer"
    finally:
        external.stop()
