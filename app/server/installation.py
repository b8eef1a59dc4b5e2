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
from app.database.embedded import ADMIN, EmbeddedServer, new_password
from app.database.errors import translated
from app.database.urls import Urls, driver_url, same_database
from app.errors import Conflict, Unavailable
from app.services.persons import gazetteer

DATABASE = "firststep"
UNFINISHED = "demo.unfinished.json"
"""In a home whose demonstration is being made: whoever finds it there begins anew."""
Say = Callable[[str], None]


@dataclass(slots=True)
class Installation:
    """What `run` and the other commands stand on."""

    chosen: Settings
    urls: Urls
    server: EmbeddedServer | None = None
    lock: IO[str] | None = field(default=None, repr=False)

    def close(self) -> None:
        """Stop what was started here."""
        if self.server is not None:
            self.server.stop()
        if self.lock is not None:
            self.lock.close()


def open_installation(chosen: Settings, say: Say) -> Installation:
    """Start or reach the database and bring everything in it up to date.

    Raises:
        Conflict: another process serves from the same home, or the keys of a database with data are gone.
        Unavailable: the database cannot be started or reached.
    """
    chosen.home.mkdir(mode=0o700, parents=True, exist_ok=True)
    lock = _alone(chosen.home)
    if (chosen.home / UNFINISHED).exists():
        _begin_anew(chosen, say)
    server, urls = None, _given(chosen)
    if urls is None and chosen.database_url is None:
        server, urls = _embedded(chosen, say)
    elif urls is None and chosen.database_url is not None:
        urls = _own(chosen, chosen.database_url.get_secret_value(), say)
    if urls is None:
        raise Unavailable("No database.")
    made = Installation(chosen, urls, server, lock)
    try:
        asyncio.run(_bring_up_to_date(made, say))
    except BaseException:
        made.close()
        raise
    return made


def _alone(home: Path) -> IO[str]:
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


def _begin_anew(chosen: Settings, say: Say) -> None:
    """Throw away a demonstration whose making was interrupted.

    Raises:
        Conflict: it lies in a database that is not ours to delete.
    """
    if chosen.database_url is not None or _given(chosen) is not None:
        detail = "The demonstration in this database was interrupted while it was made: give it an empty database, "
        raise Conflict(f"{detail}and remove {chosen.home / UNFINISHED}.")
    say("The demonstration was interrupted while it was made: beginning anew.")
    server = EmbeddedServer(chosen.home)
    server.stop()
    if server.data.exists():
        shutil.rmtree(server.data)
    (chosen.home / "database.json").unlink(missing_ok=True)
    (chosen.home / UNFINISHED).unlink()  # last: until then it is still to be thrown away


def _given(chosen: Settings) -> Urls | None:
    urls = (chosen.owner_database_url, chosen.api_database_url, chosen.reports_database_url)
    if not all(urls):
        return None
    return Urls(*(url.get_secret_value() for url in urls if url is not None))


def _embedded(chosen: Settings, say: Say) -> tuple[EmbeddedServer, Urls]:
    server = EmbeddedServer(chosen.home)
    if not (server.data / "PG_VERSION").exists():
        say("Making a database of its own …")
    admin = server.start(_admin_password(chosen.home))
    kept = chosen.home / "database.json"
    if kept.exists() and same_database((urls := Urls.load(kept)).api, server.url("", "", DATABASE)):
        return server, urls
    urls = asyncio.run(_make_database(server, admin, _admin_password(chosen.home)))
    urls.save(kept)
    return server, urls


def _admin_password(home: Path) -> str:
    path = home / "postgres.password"
    with suppress(FileExistsError):
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(new_password())
    return path.read_text()


async def _make_database(server: EmbeddedServer, admin: str, password: str) -> Urls:
    with translated():
        connection = await asyncpg.connect(admin)
        with suppress(asyncpg.DuplicateDatabaseError):
            await connection.execute(f"CREATE DATABASE {DATABASE}")
        await connection.close()
    return await migrations.make_roles(server.url(ADMIN, password, DATABASE))


def _own(chosen: Settings, admin_url: str, say: Say) -> Urls:
    """Use somebody's own PostgreSQL: its URL makes the roles once, and is not needed after that."""
    kept = chosen.home / "database.json"
    if kept.exists() and same_database((urls := Urls.load(kept)).api, admin_url):
        return urls
    say("Making the database's roles …")
    urls = asyncio.run(migrations.make_roles(admin_url))
    urls.save(kept)
    return urls


async def _bring_up_to_date(made: Installation, say: Say) -> None:
    owner = made.urls.owner
    revision = await migrations.revision_of(owner)
    _keys(made.chosen, is_new=revision is None)
    if revision != newest_revision():
        say("Bringing the schema up to date …")
        await migrations.in_thread(migrations.migrate, owner)
    await migrations.prepare_partitions(owner)
    await load_places(owner, say)
    if made.chosen.mode == "production":
        await refuse_unsafe(made.urls.api)


def newest_revision() -> str:
    """Return the newest migration's number, without waking Alembic."""
    return max(path.name.partition("_")[0] for path in (migrations.MIGRATIONS / "versions").glob("*.py"))


def _keys(chosen: Settings, *, is_new: bool) -> None:
    if chosen.keys is not None or chosen.key_ring_path.exists():
        return
    if not is_new:
        detail = f"The key ring {chosen.key_ring_path} is gone: without it nothing sealed in this database can be read."
        raise Conflict(detail)
    KeyRing.create(chosen.key_ring_path)


async def load_places(owner_url: str, say: Say) -> int:
    """Load the gazetteer where none is, or another edition of it; return how many places were written."""
    edition = gazetteer.checksum()
    with translated():
        connection = await asyncpg.connect(driver_url(owner_url))
        try:
            if await connection.fetchval("SELECT checksum FROM editions WHERE name = 'places'") == edition:
                return 0
            say("Loading Cambodia's provinces, districts, communes and villages …")
            from app.services.persons import places  # noqa: PLC0415 - most starts do without

            async with connection.transaction():
                return await places.load(connection, edition)
        finally:
            await connection.close()


async def refuse_unsafe(api_url: str) -> None:
    """In production: not as a role that row security does not bind, not without durable commits, no demo people.

    Raises:
        Conflict: with what is wrong.
    """
    with translated():
        connection = await asyncpg.connect(driver_url(api_url))
        try:
            wrong = await connection.fetchval(UNSAFE)
        finally:
            await connection.close()
    if wrong:
        raise Conflict(f"Refusing to serve in production: {wrong}.")


UNSAFE = """
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


def say_on_stderr(words: str) -> None:
    """Tell a person what is going on."""
    sys.stderr.write(f"{words}\n")
