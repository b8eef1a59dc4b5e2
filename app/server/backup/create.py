"""Create a backup, while the server runs or not.

All parts show the database at one moment: the counts of the manifest and the dump share a snapshot. The backup is written to
a hidden directory, which gets its name in one step when it is complete. Several backups can run at the same time.
"""

import asyncio
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

from app.access.key_canaries import find_foreign_key
from app.access.key_ring_copy import encrypt_key_ring
from app.access.keyring import KeyRing
from app.access.private_files import create_file, sync_directory
from app.config import Settings
from app.database.connections import connect
from app.errors import Conflict
from app.server.backup.administrator import get_administrator_url, run_embedded_server
from app.server.backup.database_facts import (
    NO_TIME_LIMITS_SQL,
    read_database_facts,
    require_all_rows,
    require_current_schema,
)
from app.server.backup.manifest import DUMP_NAME, MANIFEST_NAME, DatabaseFacts, FileFacts, Manifest
from app.server.backup.postgres_programs import find_program, run_program
from app.server.installation import ProgressReporter
from app.version import get_version

PROGRESS_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class BackupPaths:
    """The paths of a backup: its directory, and the file with the copy of the key ring."""

    directory: Path
    keys: Path

    @classmethod
    def choose(cls, directory: Path, keys: Path | None) -> "BackupPaths":
        """Return the paths, with `<directory>.keys` as the default for the copy of the key ring.

        Raises:
            Conflict: the directory is the root of the file system.
        """
        directory = Path(os.path.abspath(directory))  # noqa: PTH100 - removes `..`, which has no name
        if not directory.name:
            raise Conflict("A backup is a directory with a name, such as /backup/2026-11-30.")
        return cls(directory, (keys or directory.with_name(f"{directory.name}.keys")).absolute())

    def require_absent(self) -> None:
        """Check that the backup overwrites nothing, and that its directory does not contain the copy of the key ring.

        Raises:
            Conflict: a path exists, or the copy of the key ring is in the directory.
        """
        if self.keys.is_relative_to(self.directory):
            raise Conflict(
                f"Store the copy of the key ring outside {self.directory}. Choose another path for `--keys`."
            )
        for path in (self.directory, self.keys):
            if os.path.lexists(path):  # also a symbolic link to a path that does not exist
                raise Conflict(f"{path} exists already. Choose another name for the backup.")


def create_backup(
    settings: Settings, paths: BackupPaths, passphrase: str, report_progress: ProgressReporter
) -> Manifest:
    """Create a backup of the database and an encrypted copy of the key ring.

    Raises:
        Conflict: a path exists, the key ring is not the one of the database, or the database is empty.
        Unavailable: the database cannot be read, or `pg_dump` is missing or failed.
    """
    paths.require_absent()
    for parent in {paths.directory.parent, paths.keys.parent}:
        parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with run_embedded_server(settings), _create_unfinished_directory(paths.directory) as unfinished:
        facts, ring = asyncio.run(_dump_database(settings, unfinished / DUMP_NAME, report_progress))
        report_progress("Computing the checksum …")
        files = {DUMP_NAME: FileFacts.compute(unfinished / DUMP_NAME)}
        manifest = Manifest(id=uuid4(), program_version=get_version(), database=facts, files=files)
        manifest = manifest.authenticate(ring)
        create_file(unfinished / MANIFEST_NAME, manifest.model_dump_json(indent=2) + "\n")
        _publish(unfinished, paths, encrypt_key_ring(ring, passphrase))
    return manifest


@contextmanager
def _create_unfinished_directory(directory: Path) -> Iterator[Path]:
    """Create a private hidden directory, which is deleted unless the block renames it."""
    unfinished = Path(
        tempfile.mkdtemp(prefix=f".{directory.name}.", suffix=".unfinished", dir=directory.parent)
    )
    try:
        yield unfinished
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def _publish(unfinished: Path, paths: BackupPaths, key_ring_copy: str) -> None:
    """Give a complete backup its name. The directory is renamed last, because a restore begins with it."""
    try:
        create_file(paths.keys, key_ring_copy)
    except FileExistsError:
        raise Conflict(f"{paths.keys} exists already. Choose another name for the backup.") from None
    try:
        unfinished.rename(paths.directory)
    except OSError:
        paths.keys.unlink()
        raise
    sync_directory(paths.directory.parent)


async def _dump_database(
    settings: Settings, dump: Path, report_progress: ProgressReporter
) -> tuple[DatabaseFacts, KeyRing]:
    url = get_administrator_url(settings)
    async with connect(url) as connection:
        program = find_program("pg_dump", connection.get_server_version().major)
        await require_all_rows(connection)
        revision = await require_current_schema(connection)
        await connection.execute(NO_TIME_LIMITS_SQL)
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            snapshot = await connection.fetchval("SELECT pg_export_snapshot()")
            report_progress("Counting rows …")
            facts = await read_database_facts(connection, revision)
            ring = _load_key_ring(settings, facts)
            report_progress("Dumping the database …")
            arguments = (
                "--format=custom",
                "--no-unlogged-table-data",
                f"--snapshot={snapshot}",
                f"--file={dump}",
            )
            progress = asyncio.create_task(_report_size(dump, report_progress))
            try:
                await run_program(program, *arguments, url=url)
            finally:
                progress.cancel()
                await asyncio.wait({progress})
    return facts, ring


def _load_key_ring(settings: Settings, facts: DatabaseFacts) -> KeyRing:
    """Return the key ring, which must have every key of the snapshot. It is therefore read after the snapshot was taken.

    Raises:
        Conflict: a key is missing or differs.
    """
    ring = KeyRing.load_configured(settings)
    if problem := find_foreign_key(ring, facts.canaries):
        raise Conflict(problem)
    return ring


async def _report_size(dump: Path, report_progress: ProgressReporter) -> None:
    while True:
        await asyncio.sleep(PROGRESS_SECONDS)
        with suppress(FileNotFoundError):
            size = os.stat(dump).st_size  # noqa: PTH116 - a short system call
            report_progress(f"Dumping the database: {size / 1024**2:.0f} MiB …")
