"""The first walk as somebody takes it who has nothing but Python: `run`, sign in, refer, accept, read the log, stop."""

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
def served() -> Iterator[ServerProcess]:
    with temporary_home() as folder:
        yield ServerProcess(folder / "var")


def test_the_first_walk_over_real_http(served: ServerProcess) -> None:
    with served.running():
        assert (served.home / "demo.json").stat().st_mode & 0o777 == 0o600
        assert served.demo_data["base_url"] == served.url
        roles = {role for user in served.demo_data["users"] for role in user["roles"]}
        assert roles >= {
            "social_worker", "supervisor", "programme_manager", "finance_officer", "me_officer",
            "data_protection_officer", "administrator",
        }  # fmt: skip

        partner = served.partner_client(0)
        told = partner.post("/v1/referrals", json=referral_payload(), headers={"idempotency-key": "walk-1"})
        again = partner.post(
            "/v1/referrals", json=json.loads(told.request.content), headers={"idempotency-key": "walk-1"}
        )
        assert told.status_code == again.status_code == 201
        assert again.headers["idempotent-replayed"] == "true"
        assert again.json() == told.json()
        path = f"/v1/referrals/{told.json()['id']}"
        assert served.partner_client(1).get(path).status_code == 404

        supervisor = served.staff_client("supervisor")
        seen = supervisor.get(path)
        assert seen.status_code == 200, seen.text
        taken = supervisor.post(f"{path}/acknowledge", json={}, headers={"if-match": seen.headers["etag"]})
        assert taken.status_code == 200, taken.text
        refused = supervisor.post(f"{path}/accept", json={}, headers={"if-match": taken.headers["etag"]})
        assert refused.status_code == 409
        assert {"lead_worker_missing", "screening_missing"} <= {
            unmet["code"] for unmet in refused.json()["unmet"]
        }

        case = served.staff_client("social_worker").get("/v1/cases", params={"limit": 1})
        shown = {item["child_id"] for item in case.json()["items"]}
        entries = served.staff_client("data_protection_officer").get(
            "/v1/audit/accesses", params={"request_id": case.headers["x-request-id"]}
        )
        assert {entry["child_id"] for entry in entries.json()["items"]} == shown
        assert len(shown) == 1
        assert httpx.get(f"{served.url}/docs").status_code == 200


async def test_the_apis_own_database_role_sees_nothing_by_hand(served: ServerProcess) -> None:
    with served.running():
        connection = await asyncpg.connect(served.demo_data["database"]["api"])
        try:
            assert await connection.fetch("SELECT * FROM children") == []
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.execute("DELETE FROM access_entries")
        finally:
            await connection.close()


def test_a_kill_is_survived_and_a_second_server_from_the_same_home_is_refused(served: ServerProcess) -> None:
    process = served.start()
    second = served.run_command("migrate")
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
        assert served.staff_client("social_worker").get("/v1/cases").status_code == 200


@pytest.fixture
def folder() -> Iterator[Path]:
    with temporary_home() as found:
        yield found


async def test_a_postgresql_of_ones_own_is_used_without_seeding_and_with_a_first_administrator(
    folder: Path,
) -> None:
    own = EmbeddedServer(folder / "own", durable=False)
    admin = own.start("own-password")
    try:
        connection = await asyncpg.connect(admin)
        await connection.execute("CREATE DATABASE somewhere")
        await connection.close()
        url = own.build_url(ADMIN_ROLE, "own-password", "somewhere")
        theirs = ServerProcess(folder / "var", FIRSTSTEP_DATABASE_URL=url)
        made = theirs.run_command("migrate", "--json")
        # Tests run without fsync, and production refuses to trust a log to that.
        assert "synchronous_commit or fsync is off" in made.stderr
        theirs.environment["FIRSTSTEP_MODE"] = "demo"
        (theirs.home / "demo.json").write_text("{}")
        made = theirs.run_command("migrate", "--json")
        assert made.returncode == 0, made.stderr
        created = theirs.run_command(
            "users", "create-admin", "first@fsc.example", "First Administrator", "--json"
        )
        assert json.loads(created.stdout)["email"] == "first@fsc.example"
        again = theirs.run_command("users", "create-admin", "second@fsc.example", "Second", "--json")
        assert again.returncode == 1
    finally:
        own.stop()
