"""Restore a backup: check it, load it into a new database, verify that, and put it in place.

Nothing of the installation changes before the new database is verified.
"""

import asyncio
import os
import tempfile
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg

from app.access.accessed_records import AccessedRecord
from app.access.acts import ActWithoutPermission
from app.access.configuration_changes import ConfigurationChanges
from app.access.key_canaries import find_foreign_key
from app.access.key_ring_copy import MAX_COPY_BYTES, decrypt_key_ring
from app.access.keyring import KeyRing
from app.access.log import record_command
from app.access.private_files import create_file
from app.config import Settings
from app.database.connections import connect, get_role, hold_set_up_lock
from app.database.urls import get_api_url, get_owner_url, get_reports_url, is_same_database, replace_database
from app.errors import Conflict
from app.server.backup.administrator import get_administrator_url
from app.server.backup.manifest import DUMP_NAME, Manifest
from app.server.backup.postgres_programs import find_program, run_program
from app.server.backup.revived_credentials import EndedCredentials, end_revived_credentials
from app.server.backup.schema_comparison import apply_roles, compare_with_baseline
from app.server.backup.target_database import (
    create_successor,
    examine_target,
    get_maintenance_url,
    replace_target_database,
    require_no_connections,
)
from app.server.backup.verification import verify_content, verify_schema
from app.server.doctor import Finding, examine_installation, has_errors
from app.server.installation import (
    ProgressReporter,
    acquire_home_lock,
    bring_up_to_date,
    is_set_up_by_run,
    prepare_database,
)

MISSING_ROLES_SQL = """
    SELECT name, format('CREATE ROLE %I NOLOGIN', name) FROM unnest($1::text[]) AS name
     WHERE name NOT IN (SELECT rolname FROM pg_roles)
"""
CATALOG_PRIVILEGES = " ACL pg_catalog "
"""Entries of the table of contents that the script of the roles replaces."""
MAX_PARALLEL_JOBS = 4


@dataclass(frozen=True, slots=True)
class RestoreRequest:
    """The backup to restore, and the answers of the operator."""

    directory: Path
    keys: Path
    get_passphrase: Callable[[], str]
    """Called only if the key ring comes from the backup."""
    confirm_replacement: Callable[[str], None]
    """Called with the name of a database that is not empty. Raises an error unless the operator confirms it."""
    reset_passwords: bool = False


@dataclass(frozen=True, slots=True)
class RestoreResult:
    """The findings of all checks, and where the databases are."""

    findings: list[Finding]
    database: str
    replaced_database: str | None = None
    """The database that was replaced, under its new name."""
    ended: EndedCredentials | None = None
    """None if a check failed. The restored database is then not in place and has the name `database`."""

    @property
    def is_in_place(self) -> bool:
        """Whether the installation uses the restored database."""
        return self.ended is not None

    @property
    def is_healthy(self) -> bool:
        """Whether no check failed."""
        return self.is_in_place and not has_errors(self.findings)

    def describe(self) -> str:
        """Return one line per finding, and the state of the databases."""
        lines = [finding.to_line() for finding in self.findings]
        if self.ended is None:
            lines.append(
                f"A check failed. The restored database has the name {self.database}; the installation does not use it."
            )
            return "\n".join(lines)
        lines.append(f"Restored the database {self.database}. {self.ended.describe()}")
        if self.replaced_database:
            lines.append(
                f"The replaced database has the name {self.replaced_database} and accepts no connections. Drop it when "
                "it is not needed."
            )
        return "\n".join(lines)

    def to_document(self) -> dict[str, Any]:
        """Return the JSON form of the result."""
        return {
            "in_place": self.is_in_place,
            "healthy": self.is_healthy,
            "findings": [finding._asdict() for finding in self.findings],
            "database": self.database,
            "replaced_database": self.replaced_database,
            "ended": self.ended and self.ended._asdict(),
        }


def restore_backup(
    settings: Settings, request: RestoreRequest, report_progress: ProgressReporter
) -> RestoreResult:
    """Restore a backup into the database of this installation.

    Raises:
        Conflict: the backup is damaged, does not fit this version or this key ring, or the database is in use or not empty.
        Unavailable: the database cannot be reached, or `pg_restore` is missing or failed.
    """
    report_progress("Checking the backup …")
    manifest = Manifest.load(request.directory)
    manifest.require_known_revision()
    manifest.verify_files(request.directory)
    ring = _load_key_ring(settings, request, manifest)
    manifest.verify_code(ring)
    with acquire_home_lock(settings.home) if is_set_up_by_run(settings) else nullcontext():
        server = prepare_database(settings, report_progress, reset_passwords=request.reset_passwords)
        try:
            _require_roles(settings, manifest)
            return asyncio.run(_Restore(settings, request, manifest, ring, report_progress).run())
        finally:
            if server is not None:
                server.stop()


def _load_key_ring(settings: Settings, request: RestoreRequest, manifest: Manifest) -> KeyRing:
    """Return the key ring of this installation, or else the one of the backup.

    Raises:
        Conflict: it does not belong to the backup.
    """
    if settings.keys is not None or settings.key_ring_path.exists():
        ring = KeyRing.load_configured(settings)
        if problem := find_foreign_key(ring, manifest.database.canaries):
            raise Conflict(f"{problem} It is not the one of the backup.")
        return ring
    if not request.keys.is_file() or request.keys.stat().st_size > MAX_COPY_BYTES:
        raise Conflict(
            f"There is no key ring, and no copy of one at {request.keys}. Name the copy that belongs to the backup "
            "with `--keys`."
        )
    ring = decrypt_key_ring(request.keys.read_text(errors="replace"), request.get_passphrase())
    if find_foreign_key(ring, manifest.database.canaries):
        raise Conflict(f"{request.keys} belongs to the backup of another database.")
    return ring


def _require_roles(settings: Settings, manifest: Manifest) -> None:
    """Check that the URLs of all roles are known, and that the owner has the name that the dump contains.

    Raises:
        Conflict: the owner has another name.
        Unavailable: a URL is missing.
    """
    get_api_url(settings), get_reports_url(settings)  # each raises an error if the URL is missing
    owner, expected = get_role(get_owner_url(settings)), f"{manifest.database.role_prefix}_owner"
    if owner != expected:
        raise Conflict(
            f"The backup belongs to roles that begin with {manifest.database.role_prefix}. Set FIRSTSTEP_ROLE_PREFIX="
            f"{manifest.database.role_prefix}, or give the URLs of these roles."
        )


class _Restore:
    """One restore, after the backup was checked."""

    def __init__(
        self,
        settings: Settings,
        request: RestoreRequest,
        manifest: Manifest,
        ring: KeyRing,
        report_progress: ProgressReporter,
    ) -> None:
        self.settings = settings
        self.request = request
        self.manifest = manifest
        self.ring = ring
        self.report_progress = report_progress
        self.admin_url = get_administrator_url(settings)
        self.owner_url = get_owner_url(settings)

    async def run(self) -> RestoreResult:
        """Restore, verify, and put the new database in place unless a check failed."""
        if not is_same_database(self.admin_url, self.owner_url):
            raise Conflict("The URL of the owner and the URL for backups name different databases.")
        # Another restore in this cluster waits, and then finds a database that is not empty.
        async with hold_set_up_lock(get_maintenance_url(self.admin_url), self.report_progress):
            name, is_empty = await examine_target(self.admin_url)
            await self._require_server_version()
            await require_no_connections(self.admin_url)
            if not is_empty:
                self.request.confirm_replacement(name)
            async with create_successor(self.admin_url) as successor:
                await self._load(replace_database(self.admin_url, successor))
                findings, ended = await self._verify_and_complete(successor)
                if ended is None:
                    return RestoreResult(findings, successor)
                self._save_key_ring()
                replaced = await replace_target_database(self.admin_url, successor)
        findings += await examine_installation(self.settings, with_owner=True)
        return RestoreResult(findings, name, replaced, ended)

    async def _require_server_version(self) -> None:
        async with connect(self.admin_url) as connection:
            major = connection.get_server_version().major
        if major < self.manifest.database.server_major:
            raise Conflict(
                f"The backup comes from PostgreSQL {self.manifest.database.server_major}, and this server has version "
                f"{major}. Restore it into a server of the same or a later version."
            )

    async def _load(self, url: str) -> None:
        """Create the roles that the dump names, and load the dump."""
        self.report_progress("Restoring the database …")
        await apply_roles(url, self.manifest.database.role_prefix)
        async with connect(url) as connection:
            major = connection.get_server_version().major
            for name, statement in await connection.fetch(MISSING_ROLES_SQL, self.manifest.database.roles):
                await connection.execute(statement)
                self.report_progress(
                    f"Created the role {name}, which cannot log in until you give it a password."
                )
        program, dump = find_program("pg_restore", major), str(self.request.directory / DUMP_NAME)
        contents = await run_program(program, "--list", dump)
        entries = [line for line in contents.splitlines() if CATALOG_PRIVILEGES not in line]
        with tempfile.NamedTemporaryFile("w", suffix=".list") as list_file:
            list_file.write("\n".join(entries))
            list_file.flush()
            jobs = min(MAX_PARALLEL_JOBS, os.cpu_count() or 1)
            arguments = ("--exit-on-error", f"--jobs={jobs}", f"--use-list={list_file.name}", dump)
            await run_program(program, *arguments, url=url)

    async def _verify_and_complete(self, successor: str) -> tuple[list[Finding], EndedCredentials | None]:
        """Verify the loaded data, upgrade the schema, end revived credentials, and write the event of the restore.

        Without the second result, a check failed.
        """
        admin_url, owner_url = (replace_database(url, successor) for url in (self.admin_url, self.owner_url))
        async with connect(admin_url) as admin, connect(owner_url) as owner:
            self.report_progress("Verifying rows, log and keys …")
            findings = [finding async for finding in verify_content(admin, self.manifest.database, self.ring)]
            if has_errors(findings):
                return findings, None
            await bring_up_to_date(owner, owner_url, self.ring, self.report_progress)
            self.report_progress("Comparing the rules of the database …")
            major, prefix = admin.get_server_version().major, self.manifest.database.role_prefix
            differences = await compare_with_baseline(admin_url, owner_url, major, prefix)
            findings.append(verify_schema(differences))
            if has_errors(findings):
                return findings, None
            ended = await end_revived_credentials(admin, self.ring)
            await self._record_restore(owner, ended)
            self.report_progress("Collecting statistics for the query planner …")
            await admin.execute("ANALYZE")
        return findings, ended

    async def _record_restore(self, owner: asyncpg.Connection, ended: EndedCredentials) -> None:
        facts = self.manifest.database
        values = {
            "taken_at": facts.taken_at,
            "last_event_id": facts.log.last_event_id,
            "events": facts.log.events,
            "entries": facts.log.entries,
            "rows": sum(facts.rows.values()),
            "ended_sessions": ended.sessions,
        }
        changes = ConfigurationChanges()
        changes.add("backup", self.manifest.id, {name: (None, value) for name, value in values.items()})
        record = AccessedRecord(None, None, "backup", str(self.manifest.id))
        await record_command(owner, ActWithoutPermission.database_restore, record, changes)

    def _save_key_ring(self) -> None:
        """Write the key ring of the backup to its file, if this installation has none."""
        if self.settings.keys is None and not self.settings.key_ring_path.exists():
            self.settings.key_ring_path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            create_file(self.settings.key_ring_path, self.ring.to_json())
