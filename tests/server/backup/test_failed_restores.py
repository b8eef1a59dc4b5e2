"""Restores that fail, or whose result differs from the backup, change nothing."""

import re
from typing import Any

import asyncpg
import pytest

from app.access.keyring import KeyRing
from app.config import Settings
from app.errors import Unavailable
from app.server.backup.create import BackupPaths
from app.server.backup.manifest import Manifest
from tests.support.backups import BackupBench, list_databases, list_errors
from tests.support.database_cluster import Cluster
from tests.support.raw_sql import open_access

CHANGE_CONTENT_SQL = """
    SET session_replication_role = replica;
    DELETE FROM places WHERE code = (SELECT max(code) FROM places);
    DELETE FROM access_events WHERE id = (SELECT id FROM access_events ORDER BY id DESC LIMIT 1);
    UPDATE users SET totp_encrypted = 'cannot be decrypted' WHERE id = (SELECT id FROM users LIMIT 1);
    ALTER TABLE access_entries DISABLE TRIGGER prevent_update_and_delete;
"""
CHANGE_RULES_SQL = """
    DROP POLICY visible_in_scope ON cases;
    GRANT SELECT ON sessions TO firststep_reports;
    CREATE OR REPLACE FUNCTION access.is_kind_with_tiers(p_kind text) RETURNS boolean LANGUAGE sql IMMUTABLE RETURN false;
    CREATE FUNCTION access.everything() RETURNS SETOF children LANGUAGE sql SECURITY DEFINER AS 'SELECT * FROM children';
"""


async def back_up_after(
    bench: BackupBench, cluster: Cluster, name: str, statements: str
) -> tuple[Settings, BackupPaths]:
    """Back up a database that was changed, with the manifest of the unchanged one. Return the settings of a target."""
    source = await bench.create_source(f"{name}_source")
    assert source.api_database_url is not None
    api = await asyncpg.connect(source.api_database_url.get_secret_value())
    await open_access(api, "manager")
    await api.close()
    _, before = await bench.back_up(source, f"{name}_before")
    await cluster.execute_as_superuser(statements, f"{name}_source")
    paths, after = await bench.back_up(source, f"{name}_after")
    manifest = after.model_copy(update={"database": before.database})
    manifest = manifest.authenticate(KeyRing.load_configured(source))
    (paths.directory / "manifest.json").write_text(manifest.model_dump_json())
    return await bench.create_target(f"{name}_target"), paths


async def test_restore_with_other_content_is_not_put_in_place(bench: BackupBench, cluster: Cluster) -> None:
    # Catches: each check of `verify_content` replaced by `ok`.
    target, paths = await back_up_after(bench, cluster, "content", CHANGE_CONTENT_SQL)
    result = await bench.restore(target, paths)
    messages = {finding.check: finding.message for finding in result.findings if finding.level == "error"}
    assert set(messages) == {"rows", "log", "log rules", "content"}
    assert re.search(r"access_events \(0 instead of 1\), places \(\d+ instead of \d+\)", messages["rows"])
    assert "does not end with the last event" in messages["log"]
    assert "access_entries" in messages["log rules"]
    assert "a value cannot be decrypted" in messages["content"]
    assert not result.is_in_place
    assert not result.is_healthy
    assert await list_databases(cluster, "content_target") == ["content_target", result.database]
    assert f"The restored database has the name {result.database}" in result.describe()
    empty = await cluster.connect("content_target")
    assert await empty.fetchval("SELECT to_regclass('public.children')") is None
    await empty.close()


async def test_restore_with_other_rules_is_not_put_in_place(bench: BackupBench, cluster: Cluster) -> None:
    # Catches: `find_differences` returns an empty list.
    target, paths = await back_up_after(bench, cluster, "rules", CHANGE_RULES_SQL)
    result = await bench.restore(target, paths)
    (message,) = list_errors(result)
    for difference in (
        "POLICY cases visible_in_scope is missing",
        "ACL TABLE sessions differs",
        "FUNCTION is_kind_with_tiers(text) differs",
        "FUNCTION everything() is additional",
    ):
        assert difference in message
    assert not result.is_in_place


async def test_failed_load_leaves_the_empty_database(
    bench: BackupBench,
    backup: tuple[BackupPaths, Manifest],
    cluster: Cluster,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Catches: the DROP DATABASE of `create_successor` removed.
    async def fail(*_: Any, **__: Any) -> None:
        raise Unavailable("pg_restore failed: could not write to a file: No space left on device.")

    target = await bench.create_target("failed_load")
    monkeypatch.setattr("app.server.backup.restore.run_program", fail)
    with pytest.raises(Unavailable, match="No space left"):
        await bench.restore(target, backup[0])
    assert await list_databases(cluster, "failed_load") == ["failed_load"]
