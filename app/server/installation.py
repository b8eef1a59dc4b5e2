"""Making an installation ready to serve: a database, its schema, its keys, its places; again and again without harm."""

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
"""In a home whose demonstration is being made: whoever finds it there begins anew."""
ProgressReporter = Callable[[str], None]


@dataclass(slots=True)
class Installation:
    """What `run` and the other commands stand on."""

    settings: Settings
    urls: DatabaseUrls
    server: EmbeddedServer | None = None
    lock: IO[str] | None = field(default=None, repr=False)

    def close(self) -> None:
        """Stop what was started here."""
        if self.server is not None:
            self.server.stop()
        if self.lock is not None:
            self.lock.close()


def open_installation(chosen: Settings, say: ProgressReporter) -> Installation:
    """Start or reach the database and bring everything in it up to date.

    Raises:
        Conflict: another process serves from the same home, or the keys of a database with data are gone.
        Unavailable: the database cannot be started or reached.
    """
    chosen.home.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = _acquire_home_lock(chosen.home)
    if (chosen.home / UNFINISHED_DEMO_FILE).exists():
        _discard_unfinished_demo(chosen, say)
    server, urls = None, _get_configured_urls(chosen)
    if urls is None and chosen.database_url is None:
        server, urls = _start_embedded_database(chosen, say)
    elif urls is None and chosen.database_url is not None:
        urls = _prepare_external_database(chosen, chosen.database_url.get_secret_value(), say)
    if urls is None:
        raise Unavailable("No database.")
    made = Installation(chosen, urls, server, lock)
    try:
        asyncio.run(_upgrade_installation(made, say))
    except BaseException:
        made.close()
        raise
    return made


def _acquire_home_lock(home: Path) -> IO[str]:
    lock = (home / "serving.lock").open("a+")
    try:
        # A lock of this process alone: workers, being forks of it, must not keep it when it is killed.
        fcntl.lockf(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        lock.close()
        raise Conflict(
            f"First Step already runs from {home}: stop it first, or set FIRSTSTEP_HOME."
        ) from None
    return lock


def _discard_unfinished_demo(chosen: Settings, say: ProgressReporter) -> None:
    """Throw away a demonstration whose making was interrupted.

    Raises:
        Conflict: it lies in a database that is not ours to delete.
    """
    if chosen.database_url is not None or _get_configured_urls(chosen) is not None:
        detail = "The demonstration in this database was interrupted while it was made: give it an empty database, "
        raise Conflict(f"{detail}and remove {chosen.home / UNFINISHED_DEMO_FILE}.")
    say("The demonstration was interrupted while it was made: beginning anew.")
    server = EmbeddedServer(chosen.home)
    server.stop()
    if server.data_dir.exists():
        shutil.rmtree(server.data_dir)
    (chosen.home / "database.json").unlink(missing_ok=True)
    (chosen.home / UNFINISHED_DEMO_FILE).unlink()  # last: until then it is still to be thrown away


def _get_configured_urls(chosen: Settings) -> DatabaseUrls | None:
    urls = (chosen.owner_database_url, chosen.api_database_url, chosen.reports_database_url)
    if not all(urls):
        return None
    return DatabaseUrls(*(url.get_secret_value() for url in urls if url is not None))


def _start_embedded_database(chosen: Settings, say: ProgressReporter) -> tuple[EmbeddedServer, DatabaseUrls]:
    server = EmbeddedServer(chosen.home)
    if not (server.data_dir / "PG_VERSION").exists():
        say("Making a database of its own …")
    admin = server.start(_load_admin_password(chosen.home))
    kept = chosen.home / "database.json"
    if kept.exists() and is_same_database(
        (urls := DatabaseUrls.load(kept)).api, server.build_url("", "", DATABASE_NAME)
    ):
        return server, urls
    urls = asyncio.run(_create_database(server, admin, _load_admin_password(chosen.home)))
    urls.save(kept)
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


def _prepare_external_database(chosen: Settings, admin_url: str, say: ProgressReporter) -> DatabaseUrls:
    """Use somebody's own PostgreSQL: its URL makes the roles once, and is not needed after that."""
    kept = chosen.home / "database.json"
    if kept.exists() and is_same_database((urls := DatabaseUrls.load(kept)).api, admin_url):
        return urls
    say("Making the database's roles …")
    urls = asyncio.run(migrations.create_database_roles(admin_url))
    urls.save(kept)
    return urls


async def _upgrade_installation(made: Installation, say: ProgressReporter) -> None:
    owner = made.urls.owner
    revision = await migrations.get_schema_revision(owner)
    _ensure_key_ring(made.settings, is_new_database=revision is None)
    if revision != get_newest_revision():
        say("Bringing the schema up to date …")
        await migrations.run_in_thread(migrations.upgrade_schema, owner)
    await migrations.create_access_log_partitions(owner)
    await ensure_places_loaded(owner, say)
    if made.settings.mode == "production":
        await validate_production_safety(made.urls.api)


def get_newest_revision() -> str:
    """Return the newest migration's number, without waking Alembic."""
    return max(path.name.partition("_")[0] for path in (migrations.MIGRATIONS_DIR / "versions").glob("*.py"))


def _ensure_key_ring(chosen: Settings, *, is_new_database: bool) -> None:
    if chosen.keys is not None or chosen.key_ring_path.exists():
        return
    if not is_new_database:
        detail = f"The key ring {chosen.key_ring_path} is gone: without it nothing sealed in this database can be read."
        raise Conflict(detail)
    KeyRing.load_or_create(chosen.key_ring_path)


async def ensure_places_loaded(owner_url: str, say: ProgressReporter) -> int:
    """Load the gazetteer where none is, or another edition of it; return how many places were written."""
    edition = gazetteer.compute_checksum()
    with translate_database_errors():
        connection = await asyncpg.connect(to_driver_url(owner_url))
        try:
            if (
                await connection.fetchval(
                    "SELECT checksum FROM reference_data_versions WHERE name = 'places'"
                )
                == edition
            ):
                return 0
            say("Loading Cambodia's provinces, districts, communes and villages …")
            from app.services.persons import places  # noqa: PLC0415 - most starts do without

            async with connection.transaction():
                return await places.load_places(connection, edition)
        finally:
            await connection.close()


async def validate_production_safety(api_url: str) -> None:
    """In production: not as a role that row security does not bind, not without durable commits, no demo people.

    Raises:
        Conflict: with what is wrong.
    """
    with translate_database_errors():
        connection = await asyncpg.connect(to_driver_url(api_url))
        try:
            wrong = await connection.fetchval(PRODUCTION_SAFETY_QUERY)
        finally:
            await connection.close()
    if wrong:
        raise Conflict(f"Refusing to serve in production: {wrong}.")


PRODUCTION_SAFETY_QUERY = """
    SELECT CASE
        WHEN (SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user)
            THEN 'the API''s database role bypasses row security'
        WHEN EXISTS (SELECT FROM pg_class WHERE relname = 'children' AND pg_has_role(relowner, 'MEMBER'))
            THEN 'the API''s database role owns the tables'
        WHEN EXISTS (SELECT FROM users WHERE is_active AND email LIKE '%@demo.first-step.example')
            THEN 'there are demo users in this database'
        WHEN current_setting('synchronous_commit') = 'off' OR current_setting('fsync') = 'off'
            THEN 'synchronous_commit or fsync is off: a committed log entry could be lost'
    END
"""


def print_progress(words: str) -> None:
    """Tell a person what is going on."""
    sys.stderr.write(f"{words}\n")
