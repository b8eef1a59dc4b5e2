"""The PostgreSQL server of the growth measurement, and its databases. They remain in `var/growth` between runs."""

import asyncio
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import asyncpg
from sqlalchemy.engine import make_url

from app.access.keyring import KeyRing
from app.database.embedded import ADMIN_ROLE, EmbeddedServer, generate_database_password
from app.database.migrations import create_database_roles, upgrade_schema
from app.database.urls import DatabaseUrls
from app.services.persons import gazetteer, places
from bench.environment import ISSUER, ROOT
from bench.growth.generate import GrowthSize, compute_checksum, create_structure

HOME = ROOT / "var" / "growth"
MEASURING_SETTINGS = {
    "shared_preload_libraries": "pg_stat_statements",
    "pg_stat_statements.track_planning": "on",
    "shared_buffers": "4GB",  # as docs/performance.md recommends for a large database
}
UNLIMITED_REQUESTS = "100000000"


@dataclass(frozen=True, slots=True)
class GrowthDatabase:
    """A database with the rows of one size."""

    size: GrowthSize
    admin_url: str
    environment_variables: Mapping[str, str]
    """Environment variables of a program that uses the database."""
    postgres_pid: int


@contextmanager
def run_server(*, durable: bool) -> Iterator[EmbeddedServer]:
    """Run the PostgreSQL server. Without `durable` it is faster, and a crash of the machine destroys its databases."""
    HOME.mkdir(parents=True, exist_ok=True)
    server = EmbeddedServer(HOME, durable=durable, settings=MEASURING_SETTINGS)
    server.stop()  # a killed run leaves its server behind, perhaps with other settings
    server.start(_load_admin_password())
    try:
        yield server
    finally:
        server.stop()


def _load_admin_password() -> str:
    path = HOME / "postgres.password"
    if not path.exists():
        path.touch(mode=0o600)
        path.write_text(generate_database_password())
    return path.read_text()


def open_databases(server: EmbeddedServer, sizes: Sequence[GrowthSize]) -> list[GrowthDatabase]:
    """Return the databases. One that does not exist or has an outdated schema is created and migrated."""
    KeyRing.load_or_create(HOME / "keys.json")
    admin_urls = [
        server.build_url(ADMIN_ROLE, _load_admin_password(), f"growth_{size.case_count}") for size in sizes
    ]
    for size, admin_url in zip(sizes, admin_urls, strict=True):
        if not asyncio.run(_is_current(admin_url)):
            asyncio.run(
                _create_database(server.build_url(ADMIN_ROLE, _load_admin_password(), "postgres"), size)
            )
            upgrade_schema(asyncio.run(create_database_roles(admin_url, reset_passwords=True)).owner)
            asyncio.run(_fill_structure(admin_url, size))
    # The passwords of the roles are the same in all databases, and only the last ones are valid.
    urls = asyncio.run(create_database_roles(admin_urls[-1], reset_passwords=True))
    postgres_pid = int((server.data_dir / "postmaster.pid").read_text().split()[0])
    databases = [
        GrowthDatabase(size, admin_url, _write_home(size, urls), postgres_pid)
        for size, admin_url in zip(sizes, admin_urls, strict=True)
    ]
    os.environ.update(
        databases[0].environment_variables
    )  # this process encrypts and signs with the same keys
    return databases


async def _is_current(admin_url: str) -> bool:
    try:
        connection = await asyncpg.connect(admin_url)
    except asyncpg.InvalidCatalogNameError:
        return False
    try:
        checksum = await connection.fetchval("SELECT checksum FROM growth.settings")
    except asyncpg.UndefinedTableError:
        return False
    else:
        return bool(checksum == compute_checksum())
    finally:
        await connection.close()


async def _create_database(maintenance_url: str, size: GrowthSize) -> None:
    connection = await asyncpg.connect(maintenance_url)
    await connection.execute(f"DROP DATABASE IF EXISTS growth_{size.case_count} WITH (FORCE)")
    await connection.execute(f"CREATE DATABASE growth_{size.case_count}")
    await connection.close()


async def _fill_structure(admin_url: str, size: GrowthSize) -> None:
    connection = await asyncpg.connect(admin_url)
    await connection.execute("CREATE EXTENSION pg_stat_statements")
    await places.load_places(connection, gazetteer.compute_checksum())
    await create_structure(connection, size)
    await connection.close()


def _write_home(size: GrowthSize, urls: DatabaseUrls) -> dict[str, str]:
    """Write the home directory of the program that uses a database, and return its environment variables."""
    home = HOME / str(size.case_count)
    home.mkdir(exist_ok=True)
    DatabaseUrls(
        *(
            make_url(url).set(database=f"growth_{size.case_count}").render_as_string(hide_password=False)
            for url in (urls.owner, urls.api, urls.reports)
        )
    ).save(home)
    return {
        "FIRSTSTEP_HOME": str(home),
        "FIRSTSTEP_MODE": "demo",  # the callers have no second factor
        "FIRSTSTEP_KEYS_FILE": str(HOME / "keys.json"),
        "FIRSTSTEP_PUBLIC_URL": ISSUER,
        "FIRSTSTEP_REQUESTS_PER_MINUTE": UNLIMITED_REQUESTS,
        "FIRSTSTEP_ANONYMOUS_REQUESTS_PER_MINUTE": UNLIMITED_REQUESTS,
    }
