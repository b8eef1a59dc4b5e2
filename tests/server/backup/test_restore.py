"""Restores: what they verify, what they refuse, and what they leave unchanged."""

import dataclasses
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from app.access.key_ring_copy import encrypt_key_ring
from app.access.keyring import KeyRing
from app.config import Settings
from app.database.urls import get_owner_url
from app.errors import Conflict, Unavailable
from app.server.backup.create import BackupPaths
from app.server.backup.manifest import Manifest
from app.server.backup.restore import RestoreRequest
from tests.support.access_log import raise_alerts
from tests.support.backups import (
    PASSPHRASE,
    BackupBench,
    list_databases,
    list_errors,
    refuse_passphrase,
    refuse_replacement,
)
from tests.support.database_cluster import Cluster


async def test_restore_is_verified_and_recorded_in_the_log(
    bench: BackupBench, backup: tuple[BackupPaths, Manifest], cluster: Cluster
) -> None:
    paths, manifest = backup
    target = await bench.create_target("verified")
    result = await bench.restore(target, paths)
    assert list_errors(result) == []
    assert (result.is_in_place, result.database, result.replaced_database) == (True, "verified", None)
    checks = [finding.check for finding in result.findings]
    assert checks[:5] == ["rows", "log", "log rules", "content", "rules"]
    assert {"sign-in api", "sign-in owner", "keys", "schema"} <= set(checks)
    assert await list_databases(cluster, "verified") == ["verified"]
    connection = await cluster.connect("verified")
    try:
        event = await connection.fetchrow(
            "SELECT v.kind, v.act, e.record_kind, e.record_id, e.changes ->> 'events' AS events FROM access_events v"
            " JOIN access_entries e ON e.event_id = v.id ORDER BY v.id DESC LIMIT 1"
        )
        assert tuple(event)[:4] == ("system", "database.restore", "backup", manifest.id)
        assert f'"new": {manifest.database.log.events}' in event["events"]
        assert await connection.fetchval("SELECT count(*) FROM sessions WHERE revoked_at IS NULL") == 0
        assert await raise_alerts(connection) == 1
        alert = await connection.fetchrow("SELECT kind, act, record_id, actor_id FROM alerts")
        assert tuple(alert) == ("account_change", "database.restore", manifest.id, None)
        active = "SELECT count(*) FROM pg_stat_user_tables WHERE last_analyze IS NOT NULL"
        assert await connection.fetchval(active) > 50
    finally:
        await connection.close()


async def test_key_ring_comes_from_its_copy(
    bench: BackupBench, backup: tuple[BackupPaths, Manifest], source: Settings
) -> None:
    paths, _ = backup
    target = await bench.create_target("restored_keys", with_keys=False)
    request = RestoreRequest(paths.directory, paths.keys, lambda: PASSPHRASE, refuse_replacement)
    for changed, message in (
        ({"get_passphrase": lambda: "another passphrase"}, "The passphrase is wrong"),
        ({"keys": paths.directory / "absent"}, "no copy of one at"),
        ({"keys": paths.directory / "manifest.json"}, "is another file"),
    ):
        with pytest.raises(Conflict, match=message):
            await bench.run_restore(target, dataclasses.replace(request, **changed))
        assert not target.key_ring_path.exists()
    assert list_errors(await bench.run_restore(target, request)) == []
    assert target.key_ring_path.stat().st_mode & 0o777 == 0o600
    assert KeyRing.load(target.key_ring_path).to_json() == KeyRing.load_configured(source).to_json()


async def test_key_ring_of_another_database_is_refused(
    bench: BackupBench, backup: tuple[BackupPaths, Manifest], tmp_path: Path
) -> None:
    target = await bench.create_target("foreign_keys", with_keys=False)
    foreign_copy = tmp_path / "foreign.keys"
    foreign_copy.write_text(encrypt_key_ring(KeyRing.generate(), PASSPHRASE))
    request = RestoreRequest(backup[0].directory, foreign_copy, lambda: PASSPHRASE, refuse_replacement)
    with pytest.raises(Conflict, match="belongs to the backup of another database"):
        await bench.run_restore(target, request)
    KeyRing.load_or_create(target.key_ring_path)
    with pytest.raises(Conflict, match="It is not the one of the backup"):
        await bench.restore(target, backup[0])


async def test_replacement_needs_a_confirmation_and_keeps_the_old_database(
    bench: BackupBench, backup: tuple[BackupPaths, Manifest], cluster: Cluster
) -> None:
    target = await bench.create_target("replaced")
    # Catches: a fixed name for the database of the comparison. The restore then drops an existing database of this
    # name.
    await bench.create_target("firststep_baseline")
    await bench.restore(target, backup[0])
    assert await list_databases(cluster, "firststep_baseline") == ["firststep_baseline"]
    await cluster.execute_as_superuser("CREATE TABLE public.newer_work ()", "replaced")

    def refuse(name: str) -> None:
        raise Conflict(f"{name} is not confirmed")

    confirmed: list[str] = []
    request = RestoreRequest(backup[0].directory, backup[0].keys, refuse_passphrase, refuse)
    with pytest.raises(Conflict, match="replaced is not confirmed"):
        await bench.run_restore(target, request)
    assert await list_databases(cluster, "replaced") == ["replaced"]
    result = await bench.run_restore(
        target, dataclasses.replace(request, confirm_replacement=confirmed.append)
    )
    assert list_errors(result) == []
    assert confirmed == ["replaced"]
    assert result.replaced_database is not None
    assert await list_databases(cluster, "replaced") == ["replaced", result.replaced_database]
    assert f"has the name {result.replaced_database} and accepts no connections" in result.describe()
    with pytest.raises(asyncpg.PostgresError, match="not currently accepting connections"):
        await cluster.connect(result.replaced_database)
    connection = await cluster.connect("replaced")
    assert await connection.fetchval("SELECT to_regclass('public.newer_work')") is None
    await connection.close()


@pytest.mark.parametrize(
    "statement",
    [
        "CREATE FUNCTION public.f() RETURNS integer LANGUAGE sql RETURN 1",
        "CREATE DOMAIN public.d AS text",
        "CREATE SCHEMA s",
        "SELECT lo_create(0)",
    ],
)
async def test_database_without_tables_is_not_taken_for_an_empty_one(
    bench: BackupBench, backup: tuple[BackupPaths, Manifest], cluster: Cluster, statement: str
) -> None:
    # Catches: only pg_class examined by IS_EMPTY_SQL. The restore then drops the database.
    name = f"content_{uuid4().hex}"
    target = await bench.create_target(name)
    await cluster.execute_as_superuser(statement, name)

    def refuse(_: str) -> None:
        raise Conflict("not confirmed")

    request = RestoreRequest(backup[0].directory, backup[0].keys, refuse_passphrase, refuse)
    with pytest.raises(Conflict, match="not confirmed"):
        await bench.run_restore(target, request)


async def test_database_in_use_is_refused(
    bench: BackupBench, backup: tuple[BackupPaths, Manifest], cluster: Cluster
) -> None:
    target = await bench.create_target("in_use")
    connection = await cluster.connect("in_use")
    try:
        with pytest.raises(Conflict, match="has 1 open connections"):
            await bench.restore(target, backup[0])
    finally:
        await connection.close()


async def test_missing_url_of_the_api_is_refused_before_the_restore(
    bench: BackupBench, source: Settings, backup: tuple[BackupPaths, Manifest]
) -> None:
    # Catches: only the URL of the owner required. The check after the restore then fails.
    settings = source.model_copy(update={"api_database_url": None, "reports_database_url": None})
    with pytest.raises(Unavailable, match="This command needs FIRSTSTEP_API_DATABASE_URL"):
        await bench.restore(settings, backup[0])


async def test_role_without_the_rights_of_a_superuser_is_refused(
    bench: BackupBench, backup: tuple[BackupPaths, Manifest]
) -> None:
    target = await bench.create_target("limited_restore")
    owner = get_owner_url(target)
    with pytest.raises(Unavailable, match="is not a superuser"):
        await bench.restore(target.model_copy(update={"database_url": _secret(owner)}), backup[0])


def _secret(url: str) -> Any:
    return Settings(database_url=url).database_url


async def test_roles_of_another_prefix_are_refused(
    bench: BackupBench, backup: tuple[BackupPaths, Manifest]
) -> None:
    # Catches: the check removed. The dump contains the names of the roles.
    target = await bench.create_target("other_prefix")
    for file in target.home.glob("*.url"):
        file.write_text(file.read_text().replace("firststep_", "clinic_"))
    with pytest.raises(Conflict, match="Set FIRSTSTEP_ROLE_PREFIX=firststep"):
        await bench.restore(target.model_copy(update={"role_prefix": "clinic"}), backup[0])
