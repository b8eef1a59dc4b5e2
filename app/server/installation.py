"""Prepare an installation: database, schema, keys and places. Every step can be repeated."""

import asyncio
import fcntl
import os
import shutil
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

import asyncpg

from app.access.keyring import KeyRing
from app.config import Settings
from app.database import migrations
from app.database.embedded import ADMIN_ROLE, EmbeddedServer, generate_database_password
from app.database.errors import translate_database_errors
from app.database.urls import DatabaseUrls, is_same_database, to_driver_url
from app.errors import Conflict, Unavailable
from app.services.persons import gazetteer

DATABASE_NAME = "firststep"
UNFINISHED_DEMO_FILE = "demo.unfinished.json"
"""Exists while the demonstration is created. If it exists at a start, the demonstration is created again."""
ProgressReporter = Callable[[str], None]


@dataclass(slots=True)
class Installation:
    """A started installation: settings, database URLs, embedded server, and the lock on the home directory."""

    settings: Settings
    urls: DatabaseUrls
    server: EmbeddedServer | None = None
    lock: IO[str] | None = field(default=None, repr=False)

    def close(self) -> None:
        """Stop the embedded server and release the lock."""
        if self.server is not None:
            self.server.stop()
        if self.lock is not None:
            self.lock.close()


def open_installation(settings: Settings, report_progress: ProgressReporter) -> Installation:
    """Start the embedded database or connect to an external one, upgrade its schema, and load keys and places.

    Raises:
        Conflict: another process uses the same home directory, or the key ring of a database with data is missing.
        Unavailable: the database cannot be started or reached.
    """
    settings.home.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = _acquire_home_lock(settings.home)
    if (settings.home / UNFINISHED_DEMO_FILE).exists():
        _discard_unfinished_demo(settings, report_progress)
    server, urls = None, _get_configured_urls(settings)
    if urls is None and settings.database_url is None:
        server, urls = _start_embedded_database(settings, report_progress)
    elif urls is None and settings.database_url is not None:
        urls = _prepare_external_database(settings, settings.database_url.get_secret_value(), report_progress)
    if urls is None:
        raise Unavailable("No database is configured.")
    installation = Installation(settings, urls, server, lock)
    try:
        asyncio.run(_upgrade_installation(installation, report_progress))
    except BaseException:
        installation.close()
        raise
    return installation


def _acquire_home_lock(home: Path) -> IO[str]:
    lock = (home / "serving.lock").open("a+")
    try:
        # lockf(), because its locks belong to one process. The workers would inherit a flock() lock and keep it after
        # this process has ended.
        fcntl.lockf(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        lock.close()
        raise Conflict(
            f"First Step already runs from {home}. Stop it first, or set FIRSTSTEP_HOME to another directory."
        ) from None
    return lock


def _discard_unfinished_demo(settings: Settings, report_progress: ProgressReporter) -> None:
    """Delete a demonstration whose creation was interrupted.

    Raises:
        Conflict: the demonstration is in an external database, which this program does not delete.
    """
    if settings.database_url is not None or _get_configured_urls(settings) is not None:
        detail = (
            "The creation of the demonstration in this database was interrupted. Provide an empty database "
        )
        raise Conflict(f"{detail}and remove {settings.home / UNFINISHED_DEMO_FILE}.")
    report_progress("The creation of the demonstration was interrupted. Starting again.")
    server = EmbeddedServer(settings.home)
    server.stop()
    if server.data_dir.exists():
        shutil.rmtree(server.data_dir)
    (settings.home / "database.json").unlink(missing_ok=True)
    (
        settings.home / UNFINISHED_DEMO_FILE
    ).unlink()  # last, so that the next start repeats an interrupted deletion


def _get_configured_urls(settings: Settings) -> DatabaseUrls | None:
    urls = (settings.owner_database_url, settings.api_database_url, settings.reports_database_url)
    if not all(urls):
        return None
    return DatabaseUrls(*(url.get_secret_value() for url in urls if url is not None))


def _start_embedded_database(
    settings: Settings, report_progress: ProgressReporter
) -> tuple[EmbeddedServer, DatabaseUrls]:
    server = EmbeddedServer(settings.home)
    if not (server.data_dir / "PG_VERSION").exists():
        report_progress("Creating the embedded database …")
    admin = server.start(_load_admin_password(settings.home))
    urls_file = settings.home / "database.json"
    if urls_file.exists() and is_same_database(
        (urls := DatabaseUrls.load(urls_file)).api, server.build_url("", "", DATABASE_NAME)
    ):
        return server, urls
    urls = asyncio.run(_create_database(server, admin, _load_admin_password(settings.home)))
    urls.save(urls_file)
    return server, urls


def _load_admin_password(home: Path) -> str:
    path = home / "postgres.password"
    with suppress(FileExistsError):
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(generate_database_password())
    return path.read_text()


async def _create_database(server: EmbeddedServer, admin: str, password: str) -> DatabaseUrls:
    with translate_database_errors():
        connection = await asyncpg.connect(admin)
        with suppress(asyncpg.DuplicateDatabaseError):
            await connection.execute(f"CREATE DATABASE {DATABASE_NAME}")
        await connection.close()
    return await migrations.create_database_roles(server.build_url(ADMIN_ROLE, password, DATABASE_NAME))


def _prepare_external_database(
    settings: Settings, admin_url: str, report_progress: ProgressReporter
) -> DatabaseUrls:
    """Create the roles on an external PostgreSQL server, with the URL of its administrator, which is not stored."""
    urls_file = settings.home / "database.json"
    if urls_file.exists() and is_same_database((urls := DatabaseUrls.load(urls_file)).api, admin_url):
        return urls
    report_progress("Creating the database roles …")
    urls = asyncio.run(migrations.create_database_roles(admin_url))
    urls.save(urls_file)
    return urls


async def _upgrade_installation(installation: Installation, report_progress: ProgressReporter) -> None:
    owner = installation.urls.owner
    revision = await migrations.get_schema_revision(owner)
    validate_schema_revision(revision)
    _ensure_key_ring(installation.settings, is_new_database=revision is None)
    if revision != get_newest_revision():
        report_progress("Upgrading the database schema …")
        await migrations.run_in_thread(migrations.upgrade_schema, owner)
    await migrations.create_access_log_partitions(owner)
    await ensure_places_loaded(owner, report_progress)
    if installation.settings.mode == "production":
        await validate_production_safety(installation.urls.api)


def get_newest_revision() -> str:
    """Return the number of the newest migration, without importing Alembic."""
    return max(_list_revisions())


def validate_schema_revision(revision: str | None) -> None:
    """Check that the migrations can upgrade a schema revision; None is an empty database.

    Raises:
        Conflict: this version of First Step has no such revision.
    """
    if revision is not None and revision not in _list_revisions():
        raise Conflict(
            f"The database has the schema revision {revision}, which this version of First Step does not have. "
            "Start the version that created it, or use another database."
        )


def _list_revisions() -> list[str]:
    return [path.name.partition("_")[0] for path in (migrations.MIGRATIONS_DIR / "versions").glob("*.py")]


def _ensure_key_ring(settings: Settings, *, is_new_database: bool) -> None:
    if settings.keys is not None or settings.key_ring_path.exists():
        return
    if not is_new_database:
        raise Conflict(
            f"The key ring {settings.key_ring_path} is missing. The encrypted content of this database cannot be read "
            "without it."
        )
    KeyRing.load_or_create(settings.key_ring_path)


async def ensure_places_loaded(owner_url: str, report_progress: ProgressReporter) -> int:
    """Load the places of Cambodia, unless this version is loaded already. Return the number of places written."""
    checksum = gazetteer.compute_checksum()
    with translate_database_errors():
        connection = await asyncpg.connect(to_driver_url(owner_url))
        try:
            query = "SELECT checksum FROM reference_data_versions WHERE name = 'places'"
            if await connection.fetchval(query) == checksum:
                return 0
            report_progress("Loading the provinces, districts, communes and villages of Cambodia …")
            from app.services.persons import places  # noqa: PLC0415 - most starts do not load places

            async with connection.transaction():
                return await places.load_places(connection, checksum)
        finally:
            await connection.close()


async def validate_production_safety(api_url: str) -> None:
    """Check a database before it is used in production.

    The API role must be subject to row-level security, commits must be durable, and no demonstration user may be active.

    Raises:
        Conflict: a check failed. The message names it.
    """
    with translate_database_errors():
        connection = await asyncpg.connect(to_driver_url(api_url))
        try:
            problem = await connection.fetchval(PRODUCTION_SAFETY_QUERY)
        finally:
            await connection.close()
    if problem:
        raise Conflict(f"First Step does not start in production: {problem}.")


PRODUCTION_SAFETY_QUERY = """
    SELECT CASE
        WHEN (SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user)
            THEN 'the database role of the API bypasses row-level security'
        WHEN EXISTS (SELECT FROM pg_class WHERE relname = 'children' AND pg_has_role(relowner, 'MEMBER'))
            THEN 'the database role of the API owns the tables'
        WHEN EXISTS (SELECT FROM users WHERE is_active AND email LIKE '%@demo.first-step.example')
            THEN 'the database contains active demonstration users'
        WHEN current_setting('synchronous_commit') = 'off' OR current_setting('fsync') = 'off'
            THEN 'synchronous_commit or fsync is off, so a committed log entry could be lost'
    END
"""


def print_progress(message: str) -> None:
    """Print a progress message to standard error."""
    sys.stderr.write(f"{message}\n")
