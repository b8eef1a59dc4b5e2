"""Read the facts of a database that the manifest of its backup contains."""

import asyncpg

from app.access.key_canaries import list_canaries
from app.database.connections import format_server_version
from app.database.schema_revision import get_schema_revision
from app.errors import Conflict, Unavailable
from app.server.backup.manifest import DatabaseFacts, LogEnd

SEES_ALL_ROWS_SQL = "SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user"
TABLES_SQL = """
    SELECT c.relname::text FROM pg_class c
     WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
       AND c.relpersistence = 'p'
     ORDER BY c.relname
"""
"""The tables without the contexts of open access events, which are unlogged and not part of a backup."""
ROLES_SQL = """
    SELECT DISTINCT r.rolname::text AS name
      FROM pg_shdepend d JOIN pg_roles r ON r.oid = d.refobjid
     WHERE d.refclassid = 'pg_authid'::regclass AND r.rolname !~ '^pg_'
       AND d.dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
     ORDER BY 1
"""
OWNER_SQL = "SELECT relowner::regrole::text FROM pg_class WHERE oid = 'public.children'::regclass"
LAST_EVENT_SQL = "SELECT id, opened_at FROM access_events ORDER BY id DESC LIMIT 1"
NO_TIME_LIMITS_SQL = """
    SET statement_timeout = 0;
    SET lock_timeout = 0;
    SET idle_in_transaction_session_timeout = 0;
    SET transaction_timeout = 0;
"""


async def require_all_rows(connection: asyncpg.Connection) -> None:
    """Check that row-level security hides no row from the role of a connection.

    Raises:
        Unavailable: it does.
    """
    if not await connection.fetchval(SEES_ALL_ROWS_SQL):
        role = await connection.fetchval("SELECT current_user")
        raise Unavailable(
            f"Row-level security hides rows from the role {role}. Set FIRSTSTEP_BACKUP_DATABASE_URL to a superuser, or to a "
            "role with BYPASSRLS."
        )


async def require_current_schema(connection: asyncpg.Connection) -> str:
    """Return the revision of the schema.

    Raises:
        Conflict: the database has no schema, or one that this version does not know.
    """
    schema = await get_schema_revision(connection)
    if schema.revision is None:
        raise Conflict("The database is empty. There is nothing to back up.")
    if schema.state == "newer":
        raise Conflict(
            f"A newer version of First Step has upgraded the database to the schema revision {schema.revision}. "
            "Back it up with that version."
        )
    return schema.revision


async def read_database_facts(connection: asyncpg.Connection, revision: str) -> DatabaseFacts:
    """Return the facts for the manifest. The connection must be in a transaction that sees one snapshot."""
    owner: str = await connection.fetchval(OWNER_SQL)
    rows = await count_rows(connection)
    return DatabaseFacts(
        taken_at=await connection.fetchval("SELECT clock_timestamp()"),
        server_version=format_server_version(connection),
        schema_revision=revision,
        role_prefix=owner.removesuffix("_owner"),
        roles=[row["name"] for row in await connection.fetch(ROLES_SQL)],
        canaries=sorted(await list_canaries(connection)),
        rows=rows,
        log=await read_log_end(connection, rows),
    )


async def count_rows(connection: asyncpg.Connection) -> dict[str, int]:
    """Return the number of rows of each table."""
    counts = {}
    for (table,) in await connection.fetch(TABLES_SQL):
        counts[table] = await connection.fetchval(f'SELECT count(*) FROM public."{table}"')  # noqa: S608 - a name from the catalog
    return counts


async def read_log_end(connection: asyncpg.Connection, rows: dict[str, int]) -> LogEnd:
    """Return the size and the end of the access log."""
    last = await connection.fetchrow(LAST_EVENT_SQL) or {"id": None, "opened_at": None}
    return LogEnd(
        events=rows["access_events"],
        entries=rows["access_entries"],
        last_event_id=last["id"],
        last_event_at=last["opened_at"],
    )
