"""Backups: what they contain, who can create them, and what a failed one leaves."""

import asyncio
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from pydantic import SecretStr

from app.access.key_ring_copy import decrypt_key_ring
from app.access.keyring import KeyRing
from app.config import Settings
from app.errors import Conflict, FirstStepError, Unavailable
from app.server.backup.create import BackupPaths
from app.server.backup.manifest import DUMP_NAME, FileFacts, Manifest
from tests.support.backups import PASSPHRASE, BackupBench, list_errors
from tests.support.database_cluster import Cluster
from tests.support.raw_sql import conclude_access, open_access
from tests.support.scenario import id_of

CREATE_BACKUP_ROLE_SQL = """
    CREATE ROLE firststep_backup LOGIN BYPASSRLS PASSWORD 'of-the-backup-role';
    GRANT pg_read_all_data TO firststep_backup;
    GRANT CONNECT ON DATABASE backup_source TO firststep_backup;
    GRANT EXECUTE ON FUNCTION pg_export_snapshot() TO firststep_backup;
"""
DROP_BACKUP_ROLE_SQL = "DROP OWNED BY firststep_backup; DROP ROLE firststep_backup"


def list_files(bench: BackupBench, name: str) -> list[str]:
    return sorted(path.name for path in bench.directory.iterdir() if name in path.name)


async def test_backup_contains_private_files_and_a_true_manifest(
    bench: BackupBench, backup: tuple[BackupPaths, Manifest], source: Settings
) -> None:
    paths, manifest = backup
    files = [paths.directory, *paths.directory.iterdir(), paths.keys]
    assert {path.name: oct(path.stat().st_mode & 0o777) for path in files} == {
        "backup": "0o700", "database.dump": "0o600", "manifest.json": "0o600", "backup.keys": "0o600",
    }  # fmt: skip
    ring = KeyRing.load_configured(source)
    loaded = Manifest.load(paths.directory)
    assert loaded == manifest
    loaded.verify_code(ring)
    loaded.verify_files(paths.directory)
    assert decrypt_key_ring(paths.keys.read_text(), PASSPHRASE).to_json() == ring.to_json()
    facts = loaded.database
    assert (facts.schema_revision, facts.role_prefix, facts.server_major) == ("0001", "firststep", 18)
    assert facts.rows["users"] == 11
    assert facts.rows["places"] > 15_000
    assert "access_contexts" not in facts.rows
    assert facts.roles == ["firststep_api", "firststep_gate", "firststep_owner", "firststep_reports"]
    assert {canary.purpose for canary in facts.canaries} == {
        "blind_index",
        "encryption",
        "release_draw",
        "signing",
    }
    assert bench.messages[:2] == ["Counting rows …", "Dumping the database …"]


async def write_events(source: Settings, stopped: threading.Event) -> int:
    """Write pairs of an event and an entry, until another thread sets the stop event. Return their number."""
    assert source.api_database_url is not None
    connection = await asyncpg.connect(source.api_database_url.get_secret_value())
    count = 0
    try:
        while not stopped.is_set():
            await conclude_access(connection, await open_access(connection, "manager"))
            count += 1
    finally:
        await connection.close()
    return count


async def test_counts_of_the_manifest_and_the_dump_are_of_one_moment(
    bench: BackupBench, source: Settings
) -> None:
    # Catches: pg_dump without --snapshot.
    stopped = threading.Event()
    writer = asyncio.create_task(write_events(source, stopped))
    try:
        paths, _ = await bench.back_up(source, "written_meanwhile")
    finally:
        stopped.set()
    assert await writer > 10
    target = await bench.create_target("restored_meanwhile")
    result = await bench.restore(target, paths)
    assert list_errors(result) == []


async def test_two_backups_at_once_do_not_disturb_each_other(bench: BackupBench, source: Settings) -> None:
    results = await asyncio.gather(
        *(bench.back_up(source, name) for name in ("at_once", "at_once", "at_once_2")), return_exceptions=True
    )
    refused = [result for result in results if isinstance(result, BaseException)]
    assert len(refused) == 1
    assert isinstance(refused[0], Conflict | OSError)
    assert list_files(bench, "at_once") == ["at_once", "at_once.keys", "at_once_2", "at_once_2.keys"]
    for name in ("at_once", "at_once_2"):
        manifest = Manifest.load(bench.directory / name)
        manifest.verify_files(bench.directory / name)
        decrypt_key_ring((bench.directory / f"{name}.keys").read_text(), PASSPHRASE)


@pytest.mark.parametrize("existing", ["taken", "taken.keys"])
async def test_existing_target_is_not_overwritten(
    bench: BackupBench, source: Settings, existing: str
) -> None:
    path = bench.directory / existing
    path.write_text("mine")
    with pytest.raises(Conflict, match=f"{existing} exists already"):
        await bench.back_up(source, "taken")
    assert path.read_text() == "mine"
    path.unlink()


@pytest.mark.parametrize(
    ("directory", "keys", "message"),
    [
        ("inside", "inside/keys", "Store the copy of the key ring outside"),
        ("same", "same", "Store the copy of the key ring outside"),
        ("dangling", None, "exists already"),
        ("/", None, "is a directory with a name"),
    ],
)
def test_paths_that_cannot_become_a_backup_are_refused(
    tmp_path: Path, directory: str, keys: str | None, message: str
) -> None:
    # Catches: `path.exists()` instead of `os.path.lexists()`; the check of the path of the keys removed.
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    with pytest.raises(Conflict, match=message):
        BackupPaths.choose(tmp_path / directory, tmp_path / keys if keys else None).require_absent()


async def test_role_that_bypasses_row_security_is_sufficient(
    bench: BackupBench, source: Settings, cluster: Cluster, backup: tuple[BackupPaths, Manifest]
) -> None:
    # The statements are those of docs/operations.md.
    await cluster.execute_as_superuser(CREATE_BACKUP_ROLE_SQL, "backup_source")
    try:
        url = cluster.server.build_url("firststep_backup", "of-the-backup-role", "backup_source")
        limited = source.model_copy(update={"backup_database_url": SecretStr(url)})
        paths, manifest = await bench.back_up(limited, "by_the_role")
        assert manifest.database.rows["users"] == backup[1].database.rows["users"]
        assert "firststep_backup" in manifest.database.roles
    finally:
        await cluster.execute_as_superuser(DROP_BACKUP_ROLE_SQL, "backup_source")
    target = await bench.create_target("restored_by_the_role")
    result = await bench.restore(target, paths)
    await cluster.execute_as_superuser(DROP_BACKUP_ROLE_SQL, "restored_by_the_role")
    assert list_errors(result) == []


async def test_role_that_row_security_restricts_is_refused(bench: BackupBench, source: Settings) -> None:
    # Catches: the check removed. pg_dump would fail at the first table.
    for url in (source.owner_database_url, source.api_database_url):
        limited = source.model_copy(update={"backup_database_url": url})
        with pytest.raises(Unavailable, match="Row-level security hides rows from the role"):
            await bench.back_up(limited, "limited")
    with pytest.raises(Unavailable, match="This command needs FIRSTSTEP_BACKUP_DATABASE_URL"):
        await bench.back_up(source.model_copy(update={"backup_database_url": None}), "limited")
    assert list_files(bench, "limited") == []


async def test_key_ring_of_another_database_is_refused(
    bench: BackupBench, source: Settings, tmp_path: Path
) -> None:
    KeyRing.load_or_create(tmp_path / "keys.json")
    with pytest.raises(Conflict, match="belongs to another database"):
        await bench.back_up(source.model_copy(update={"keys_file": tmp_path / "keys.json"}), "foreign")
    assert list_files(bench, "foreign") == []


async def test_failed_backup_leaves_nothing(
    bench: BackupBench, source: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Catches: the unfinished directory kept; the copy of the key ring kept if the rename fails.
    def fail(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(FileFacts, "compute", fail)
        with pytest.raises(OSError, match="No space left"):
            await bench.back_up(source, "full")
    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", fail)
        with pytest.raises(OSError, match="No space left"):
            await bench.back_up(source, "full")
    assert list_files(bench, "full") == []


def run_backup_command(
    bench: BackupBench, source: Settings, name: str, shell: str = 'exec "$0" "$@"'
) -> subprocess.Popen[str]:
    """Start `backup` as a program with the settings of the installation."""
    passphrase = bench.directory / "passphrase"
    passphrase.touch(mode=0o600)
    passphrase.write_text(PASSPHRASE)
    assert source.backup_database_url is not None
    variables = {
        "FIRSTSTEP_HOME": str(bench.directory),
        "FIRSTSTEP_KEYS_FILE": str(source.keys_file),
        "FIRSTSTEP_BACKUP_DATABASE_URL": source.backup_database_url.get_secret_value(),
    }
    command = [
        sys.executable,
        "-m",
        "app.cli",
        "backup",
        str(bench.directory / name),
        f"--passphrase-file={passphrase}",
    ]
    inherited = {key: value for key, value in os.environ.items() if not key.startswith("FIRSTSTEP_")}
    return subprocess.Popen(
        ["/bin/sh", "-c", shell, *command], env={**inherited, **variables}, text=True, start_new_session=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=Path(__file__).parents[3],
    )  # fmt: skip


def test_full_disk_is_explained_and_leaves_nothing(bench: BackupBench, source: Settings) -> None:
    process = run_backup_command(bench, source, "no_space", 'ulimit -f 64; exec "$0" "$@"')
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 1, errors
    assert "pg_dump failed" in errors.splitlines()[-1]
    assert "Traceback" not in errors
    assert list_files(bench, "no_space") == []


@pytest.mark.parametrize("stop_signal", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_stopped_backup_leaves_nothing(
    bench: BackupBench, source: Settings, stop_signal: signal.Signals
) -> None:
    # Catches: `interrupt_on_stop_signals` removed from the command; SIGTERM then leaves the unfinished directory.
    process = run_backup_command(bench, source, "stopped")
    assert process.stderr is not None
    while "Dumping" not in process.stderr.readline():
        assert process.poll() is None
    process.send_signal(stop_signal)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 130, errors
    assert errors == ""
    assert list_files(bench, "stopped") == []


def test_killed_backup_does_not_look_whole(bench: BackupBench, source: Settings) -> None:
    process = run_backup_command(bench, source, "killed")
    assert process.stderr is not None
    while "Dumping" not in process.stderr.readline():
        assert process.poll() is None
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    (left,) = list_files(bench, "killed")
    assert left.startswith(".killed.")
    assert left.endswith(".unfinished")
    with pytest.raises(FirstStepError, match="not a complete backup"):
        Manifest.load(bench.directory / left)


async def test_backup_contains_no_name_of_a_child_in_plain_text(
    backup: tuple[BackupPaths, Manifest], source: Settings
) -> None:
    text = (backup[0].directory / "manifest.json").read_text()
    assert str(id_of("worker_north")) not in text
    assert source.backup_database_url is not None
    assert "tests-only" not in text
    assert (backup[0].directory / DUMP_NAME).stat().st_size > 10_000
