"""Two first starts at once against one PostgreSQL server: one creates the roles and the keys, the other one is refused."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest

from app.access.key_canaries import list_canaries
from app.access.keyring import KeyRing
from app.config import Settings
from app.database.embedded import ADMIN_ROLE, EmbeddedServer
from app.database.migrations import create_database_roles
from app.database.urls import DatabaseUrls
from app.server.key_rotation import list_keys
from tests.support.server_process import ServerProcess, temporary_home

PASSWORD = "first-start"


@pytest.fixture
async def directory() -> AsyncIterator[Path]:
    with temporary_home() as path:
        yield path


@pytest.fixture
async def admin_url(directory: Path) -> AsyncIterator[str]:
    """The URL of an empty database on a server without roles of First Step."""
    server = EmbeddedServer(directory / "external", durable=False)
    server.start(PASSWORD)
    try:
        yield server.build_url(ADMIN_ROLE, PASSWORD, "postgres")
    finally:
        server.stop()


async def migrate_at_once(installations: list[ServerProcess]) -> list[tuple[int | None, str]]:
    """Run `migrate` in all installations at the same time. Return the exit status and the messages of each."""
    processes = [
        await asyncio.create_subprocess_exec(
            sys.executable, "-m", "app.cli", "migrate",
            env=installation.environment, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )
        for installation in installations
    ]  # fmt: skip
    outputs = await asyncio.gather(*(process.communicate() for process in processes))
    return [(p.returncode, out.decode()) for p, (out, _) in zip(processes, outputs, strict=True)]


async def find_registered_keys(url: str) -> set[str]:
    connection = await asyncpg.connect(url)
    try:
        return {canary.key_id for canary in await list_canaries(connection)}
    finally:
        await connection.close()


def list_ring_keys(home: Path) -> set[str]:
    keys = list_keys(Settings(home=home))
    return {"blind_index", "release_draw", *keys["encryption"], *keys["signing"]}


async def test_two_first_starts_with_two_homes_create_one_set_of_roles_and_keys(
    directory: Path, admin_url: str
) -> None:
    # Catches: `hold_set_up_lock` without the lock; `create_database_roles` that resets passwords.
    homes = [directory / "a", directory / "b"]
    results = await migrate_at_once([ServerProcess(home, FIRSTSTEP_DATABASE_URL=admin_url) for home in homes])
    assert sorted(status or 0 for status, _ in results) == [0, 1], results
    winner, loser = (0, 1) if results[0][0] == 0 else (1, 0)
    message = results[loser][1]
    assert "The database roles exist already" in message
    assert "Traceback" not in message
    assert not (homes[loser] / "keys.json").exists()
    assert await find_registered_keys(admin_url) == list_ring_keys(homes[winner])


async def test_two_first_migrations_with_the_owner_url_create_one_key_ring(
    directory: Path, admin_url: str
) -> None:
    # Catches: `_load_or_create_key_ring` called outside the lock.
    urls = await create_database_roles(admin_url)
    homes = [directory / "a", directory / "b"]
    results = await migrate_at_once(
        [ServerProcess(home, FIRSTSTEP_OWNER_DATABASE_URL=urls.owner) for home in homes]
    )
    assert sorted(status or 0 for status, _ in results) == [0, 1], results
    winner, loser = (0, 1) if results[0][0] == 0 else (1, 0)
    assert "keys.json is missing" in results[loser][1]
    assert not (homes[loser] / "keys.json").exists()
    assert await find_registered_keys(urls.owner) == list_ring_keys(homes[winner])

    other = KeyRing.load_or_create(homes[loser] / "keys.json")
    status, message = (
        await migrate_at_once([ServerProcess(homes[loser], FIRSTSTEP_OWNER_DATABASE_URL=urls.owner)])
    )[0]
    assert status == 1
    assert "belongs to another database" in message
    assert other.encryption_active not in message


async def test_two_installations_with_role_prefixes_share_a_cluster(directory: Path, admin_url: str) -> None:
    # Catches: `run_sql_script` without `render_sql_script`.
    urls: dict[str, DatabaseUrls] = {}
    for prefix in ("firststep", "second"):
        connection = await asyncpg.connect(admin_url)
        await connection.execute(f"CREATE DATABASE {prefix}_data")
        await connection.close()
        url = admin_url.replace("/postgres?", f"/{prefix}_data?")
        installation = ServerProcess(
            directory / prefix, FIRSTSTEP_DATABASE_URL=url, FIRSTSTEP_ROLE_PREFIX=prefix
        )
        migration = installation.run_command("migrate")
        assert migration.returncode == 0, migration.stderr
        health = installation.run_command("doctor", "--json")
        assert json.loads(health.stdout)["healthy"], health.stdout
        urls[prefix] = DatabaseUrls.load(directory / prefix)
    assert "second_api:" in urls["second"].api
    roles = await list_roles_with_privileges(urls["second"].owner)
    assert {"second_api", "second_gate", "second_owner", "second_reports"} <= roles
    assert not {role for role in roles if role.startswith("firststep")}
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await asyncpg.connect(urls["second"].api.replace("/second_data?", "/firststep_data?"))


async def list_roles_with_privileges(url: str) -> set[str]:
    """List the roles that own or can use something in a database, and those that a policy names."""
    connection = await asyncpg.connect(url)
    try:
        rows = await connection.fetch(
            """SELECT relowner::regrole::text FROM pg_class UNION SELECT proowner::regrole::text FROM pg_proc
                UNION SELECT grantee::regrole::text FROM pg_class, aclexplode(relacl) WHERE grantee <> 0
                UNION SELECT role::regrole::text FROM pg_policy, unnest(polroles) role"""
        )
        return {row[0] for row in rows} - {ADMIN_ROLE}
    finally:
        await connection.close()
