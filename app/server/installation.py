"""Set up an installation: database, roles, schema, keys and places. Every step can be repeated.

These steps need the password of the owner role or of an administrator. They run in the command `migrate`, or in a
separate process before `run` serves requests (see `app.server.launch`).
"""

import asyncio
import fcntl
import os
import shutil
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import IO

import asyncpg

from app.access import key_canaries
from app.access.keyring import KeyRing
from app.config import Settings
from app.database import migrations
from app.database.connections import connect, hold_set_up_lock
from app.database.embedded import ADMIN_ROLE, EmbeddedServer, generate_database_password
from app.database.errors import translate_database_errors
from app.database.schema_revision import get_schema_revision
from app.database.urls import DatabaseUrls, get_owner_url, get_url_path, is_same_database, load_url
from app.errors import Conflict
from app.services.persons import gazetteer

DATABASE_NAME = "firststep"
UNFINISHED_DEMO_FILE = "demo.unfinished.json"
"""Exists while the demonstration is created. If it exists at a start, the demonstration is created again."""
STORE_THRESHOLDS_SQL = """
    UPDATE alert_thresholds SET children_per_day = $1, children_per_day_of_manager = $2, matches_per_day = $3
"""
ProgressReporter = Callable[[str], None]


def migrate_installation(
    settings: Settings, report_progress: ProgressReporter, *, reset_passwords: bool = False
) -> None:
    """Set up or upgrade the installation, and stop the embedded server again.

    `reset_passwords` replaces the passwords of roles that exist on an external server.

    Raises:
        Conflict: another process uses the same home directory, or the key ring of a database with data is missing.
        Unavailable: the database cannot be started or reached.
    """
    lock = acquire_home_lock(settings.home) if is_set_up_by_run(settings) else None
    server = set_up_installation(settings, report_progress, reset_passwords=reset_passwords)
    if server is not None:
        server.stop()
    if lock is not None:
        lock.close()


def is_set_up_by_run(settings: Settings) -> bool:
    """Return whether `run` sets up the database. Otherwise, `migrate` does it with the URL of the owner role."""
    return settings.uses_embedded_server or settings.database_url is not None


def set_up_installation(
    settings: Settings, report_progress: ProgressReporter, *, reset_passwords: bool = False
) -> EmbeddedServer | None:
    """Create or upgrade everything that serving needs. Return the embedded server, which keeps running, if it is used.

    Raises:
        Conflict: the key ring is missing or belongs to another database, or the schema has an unknown revision.
        Unavailable: the database cannot be started or reached.
    """
    settings.home.mkdir(mode=0o700, parents=True, exist_ok=True)
    if (settings.home / UNFINISHED_DEMO_FILE).exists():
        _discard_unfinished_demo(settings, report_progress)
    server = prepare_database(settings, report_progress, reset_passwords=reset_passwords)
    try:
        asyncio.run(_upgrade_database(settings, report_progress))
    except BaseException:
        if server is not None:
            server.stop()
        raise
    return server


def prepare_database(
    settings: Settings, report_progress: ProgressReporter, *, reset_passwords: bool = False
) -> EmbeddedServer | None:
    """Create the database and its roles, without a schema. Return the embedded server, which keeps running, if it is used.

    Raises:
        Conflict: the roles exist, and the home directory does not have their passwords.
        Unavailable: the database cannot be started or reached.
    """
    server = EmbeddedServer(settings.home) if settings.uses_embedded_server else None
    try:
        if server is not None:
            _start_embedded_database(settings, server, report_progress)
        elif settings.database_url is not None:
            admin_url = settings.database_url.get_secret_value()
            if reset_passwords or not _has_urls_of(settings.home, admin_url):
                report_progress("Creating the database roles …")
                urls = asyncio.run(
                    migrations.create_database_roles(
                        admin_url,
                        prefix=settings.role_prefix,
                        reset_passwords=reset_passwords,
                        report_progress=report_progress,
                    )
                )
                urls.save(settings.home)
    except BaseException:
        if server is not None:
            server.stop()
        raise
    return server


def acquire_home_lock(home: Path) -> IO[str]:
    """Lock the home directory, so that two processes do not start the same embedded database.

    Raises:
        Conflict: another process has the lock.
    """
    home.mkdir(mode=0o700, parents=True, exist_ok=True)
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
    if not settings.uses_embedded_server:
        detail = (
            "The creation of the demonstration in this database was interrupted. Provide an empty database "
        )
        raise Conflict(f"{detail}and remove {settings.home / UNFINISHED_DEMO_FILE}.")
    report_progress("The creation of the demonstration was interrupted. Starting again.")
    server = EmbeddedServer(settings.home)
    server.stop()
    if server.data_dir.exists():
        shutil.rmtree(server.data_dir)
    for role in migrations.ROLES:
        get_url_path(settings.home, role).unlink(missing_ok=True)
    (
        settings.home / UNFINISHED_DEMO_FILE
    ).unlink()  # last, so that the next start repeats an interrupted deletion


def _start_embedded_database(
    settings: Settings, server: EmbeddedServer, report_progress: ProgressReporter
) -> None:
    if not (server.data_dir / "PG_VERSION").exists():
        report_progress("Creating the embedded database …")
    admin_url = server.start(load_admin_password(settings.home))
    if not _has_urls_of(settings.home, server.build_url("", "", DATABASE_NAME)):
        urls = asyncio.run(_create_database(settings, server, admin_url))
        urls.save(settings.home)


def _has_urls_of(home: Path, url: str) -> bool:
    """Return whether the home directory has the URLs of all roles for the database of a URL."""
    return all(
        get_url_path(home, role).exists() and is_same_database(load_url(home, role), url)
        for role in migrations.ROLES
    )


def load_admin_password(home: Path) -> str:
    """Return the password of the superuser of the embedded server. The first call chooses it."""
    path = home / "postgres.password"
    with suppress(FileExistsError):
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(generate_database_password())
    return path.read_text()


async def _create_database(settings: Settings, server: EmbeddedServer, admin_url: str) -> DatabaseUrls:
    with translate_database_errors():
        async with connect(admin_url) as connection:
            with suppress(asyncpg.DuplicateDatabaseError):
                await connection.execute(f"CREATE DATABASE {DATABASE_NAME}")
    # The cluster belongs to this home directory, so no other installation uses its roles.
    return await migrations.create_database_roles(
        server.build_url(ADMIN_ROLE, load_admin_password(settings.home), DATABASE_NAME),
        prefix=settings.role_prefix,
        reset_passwords=True,
    )


async def _upgrade_database(settings: Settings, report_progress: ProgressReporter) -> None:
    owner_url = get_owner_url(settings)
    with translate_database_errors():
        async with hold_set_up_lock(owner_url, report_progress) as owner:
            is_new = (await get_schema_revision(owner)).state == "empty"
            key_ring = await _load_or_create_key_ring(settings, owner, is_new_database=is_new)
            await bring_up_to_date(owner, owner_url, key_ring, report_progress)
            await store_alert_thresholds(owner, settings)


async def bring_up_to_date(
    owner: asyncpg.Connection, owner_url: str, key_ring: KeyRing, report_progress: ProgressReporter
) -> None:
    """Upgrade the schema, register the keys, create the partitions and load the places, as far as they are missing.

    Raises:
        Conflict: a later version has changed the schema so that this version cannot use it.
    """
    schema = await get_schema_revision(owner)
    if schema.state in {"empty", "outdated"}:
        report_progress("Upgrading the database schema …")
        await migrations.run_in_thread(migrations.upgrade_schema, owner_url)
    await key_canaries.register_keys(owner, key_ring)
    await owner.execute("SELECT access.create_partitions()")
    if schema.state != "newer":  # a newer version has newer places
        await ensure_places_loaded(owner, report_progress)


async def _load_or_create_key_ring(
    settings: Settings, owner: asyncpg.Connection, *, is_new_database: bool
) -> KeyRing:
    """Return the key ring of the database. A database for which no key is registered gets a new one, if it has none.

    Raises:
        Conflict: the key ring is missing or belongs to another database.
    """
    canaries = [] if is_new_database else await key_canaries.list_canaries(owner)
    if settings.keys is None and not settings.key_ring_path.exists():
        if canaries:
            raise Conflict(
                f"The key ring {settings.key_ring_path} is missing. Restore it from its copy, or copy it from the machine "
                "that created the database. Without it, the content of this database cannot be read."
            )
        return KeyRing.load_or_create(settings.key_ring_path)
    key_ring = KeyRing.load_configured(settings)
    if canaries and (problem := key_canaries.find_foreign_key(key_ring, canaries)):
        raise Conflict(problem)
    return key_ring


async def store_alert_thresholds(owner: asyncpg.Connection, settings: Settings) -> None:
    """Write the thresholds of the settings to the database, where the role of the API cannot change them."""
    await owner.execute(
        STORE_THRESHOLDS_SQL,
        settings.alert_children_per_day,
        settings.alert_children_per_day_of_manager,
        settings.alert_matches_per_day,
    )


async def ensure_places_loaded(owner: asyncpg.Connection, report_progress: ProgressReporter) -> int:
    """Load the places of Cambodia, unless this version is loaded already. Return the number of places written."""
    checksum = gazetteer.compute_checksum()
    query = "SELECT checksum FROM reference_data_versions WHERE name = 'places'"
    if await owner.fetchval(query) == checksum:
        return 0
    report_progress("Loading the provinces, districts, communes and villages of Cambodia …")
    from app.services.persons import places  # noqa: PLC0415 - most starts do not load places

    async with owner.transaction():
        return await places.load_places(owner, checksum)


def print_progress(message: str) -> None:
    """Print a progress message to standard error."""
    sys.stderr.write(f"{message}\n")
