"""Restore into a new database, which gets the name of its predecessor in one step when it is verified.

A restore that fails or is interrupted therefore changes nothing, and leaves no incomplete database under that name.
"""

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import NamedTuple

import asyncpg

from app.database.connections import connect
from app.database.urls import get_database_name, replace_database
from app.errors import Conflict, Unavailable

MAINTENANCE_DATABASE = "postgres"
MAX_NAME_LENGTH = 40
"""PostgreSQL allows 63 characters. The names of this module append up to 23."""
ATTEMPTS = 20
ATTEMPT_SECONDS = 0.1
"""PostgreSQL lists a connection for a short time after it was closed."""
IS_SUPERUSER_SQL = "SELECT rolsuper FROM pg_roles WHERE rolname = current_user"
IS_EMPTY_SQL = """
    WITH object AS (
        SELECT relnamespace AS namespace FROM pg_class
         UNION ALL SELECT pronamespace FROM pg_proc
         UNION ALL SELECT typnamespace FROM pg_type
         UNION ALL SELECT oid FROM pg_namespace WHERE nspname <> 'public'
    )
    SELECT NOT EXISTS (SELECT FROM pg_largeobject_metadata)
       AND NOT EXISTS (SELECT FROM object o JOIN pg_namespace n ON n.oid = o.namespace
                        WHERE n.nspname <> 'information_schema' AND n.nspname !~ '^pg_')
"""
"""An empty database is dropped when its successor is in place, so that functions and types count as content too."""
COUNT_CONNECTIONS_SQL = """
    SELECT count(*) FROM pg_stat_activity
     WHERE datname = $1 AND pid <> pg_backend_pid() AND backend_type = 'client backend'
"""
CREATE_SQL = """
    SELECT format('CREATE DATABASE %I TEMPLATE template0 OWNER %I ENCODING %L LOCALE_PROVIDER %s LC_COLLATE %L LC_CTYPE %L%s',
                  $2::text, pg_get_userbyid(d.datdba), pg_encoding_to_char(d.encoding),
                  CASE d.datlocprovider WHEN 'b' THEN 'builtin' WHEN 'i' THEN 'icu' ELSE 'libc' END, d.datcollate, d.datctype,
                  CASE d.datlocprovider WHEN 'b' THEN format(' BUILTIN_LOCALE %L', d.datlocale)
                                        WHEN 'i' THEN format(' ICU_LOCALE %L', d.datlocale) END)
      FROM pg_database d WHERE d.datname = $1
"""
"""Builds the statement that creates a database with the encoding and the locale of another one."""


def get_maintenance_url(url: str) -> str:
    """Return the URL of the database for statements about other databases, in the cluster of a URL."""
    return replace_database(url, MAINTENANCE_DATABASE)


class TargetDatabase(NamedTuple):
    """The database that a backup is restored into."""

    name: str
    is_empty: bool


async def examine_target(url: str) -> TargetDatabase:
    """Return the name of the database of a URL, and whether it is empty.

    Raises:
        Unavailable: the role of the URL is not a superuser.
    """
    async with connect(url) as connection:
        if not await connection.fetchval(IS_SUPERUSER_SQL):
            role = await connection.fetchval("SELECT current_user")
            raise Unavailable(f"The role {role} is not a superuser, which a restore needs.")
        return TargetDatabase(get_database_name(url), await connection.fetchval(IS_EMPTY_SQL))


async def require_no_connections(url: str) -> None:
    """Check that no other program uses the database of a URL.

    Raises:
        Conflict: the server or another program is connected.
    """
    name = get_database_name(url)
    async with connect(get_maintenance_url(url)) as connection:
        for _ in range(ATTEMPTS):
            count = await connection.fetchval(COUNT_CONNECTIONS_SQL, name)
            if count == 0:
                return
            await asyncio.sleep(ATTEMPT_SECONDS)
    raise Conflict(
        f"The database {name} has {count} open connections. Stop the server and other programs that use it."
    )


@asynccontextmanager
async def create_successor(url: str) -> AsyncIterator[str]:
    """Create a database like the one of a URL and yield its name. It is dropped if the block raises an error."""
    name = get_database_name(url)
    successor = f"{name[:MAX_NAME_LENGTH]}_restore_{secrets.token_hex(4)}"
    async with connect(get_maintenance_url(url)) as connection:
        await connection.execute(await connection.fetchval(CREATE_SQL, name, successor))
        try:
            yield successor
        except BaseException:
            await connection.execute(f'DROP DATABASE IF EXISTS "{successor}" WITH (FORCE)')
            raise


async def replace_target_database(url: str, successor: str) -> str | None:
    """Rename a restored database to the name of its predecessor. An empty predecessor is dropped.

    Returns:
        The new name of a predecessor with content, which accepts no connections, or None.
    """
    name = get_database_name(url)
    retired = f"{name[:MAX_NAME_LENGTH]}_until_{datetime.now(UTC):%Y%m%d_%H%M%S}"
    async with connect(get_maintenance_url(url)) as connection:
        async with connection.transaction():
            await connection.execute(f'ALTER DATABASE "{name}" RENAME TO "{retired}"')
            await connection.execute(f'ALTER DATABASE "{successor}" RENAME TO "{name}"')
        # Checked again, because another program may have written to the database since the first check.
        is_empty = (await examine_target(replace_database(url, retired))).is_empty
        await connection.execute(
            f'DROP DATABASE "{retired}"'
            if is_empty
            else f'ALTER DATABASE "{retired}" ALLOW_CONNECTIONS false'
        )
    return None if is_empty else retired


async def create_scratch_database(connection: asyncpg.Connection, name: str) -> None:
    """Create an empty database for a comparison."""
    await connection.execute(f'CREATE DATABASE "{name}" TEMPLATE template0')
