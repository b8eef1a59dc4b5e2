"""Use the database directly, as an intruder with the password of a database role would."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from app.access.caller import OpenAccess
from app.access.log import BIND_ACCESS_SQL, CONCLUDE_ACCESSES_SQL
from tests.support.scenario import API_CLIENTS, id_of

REJECTION_ERRORS = (asyncpg.InsufficientPrivilegeError, asyncpg.CheckViolationError)

CHILD_TABLES_QUERY = """
    SELECT c.relname::text FROM pg_class c
     WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p', 'v', 'm') AND NOT c.relispartition
       AND (c.relname = 'children' OR EXISTS (SELECT FROM pg_attribute a
            WHERE a.attrelid = c.oid AND a.attname = 'child_id' AND NOT a.attisdropped))
     ORDER BY 1
"""
"""Names of all tables with data about children."""


OPEN_ACCESS_QUERY = """
    SELECT event_id, secret FROM access.open(
        ARRAY[$1], ARRAY[$2::uuid], ARRAY[$3::uuid], ARRAY[NULL::uuid], ARRAY[$4], ARRAY['by-hand-00'], ARRAY[NULL::inet],
        ARRAY[NULL::text])
"""


async def open_access(connection: Any, name: str, act: str = "case.read") -> OpenAccess:
    """Open an access for a member of staff or an API client."""
    kind = "client" if name in API_CLIENTS else "person"
    return OpenAccess(
        *await connection.fetchrow(OPEN_ACCESS_QUERY, kind, id_of(name), id_of(f"session of {name}"), act)
    )


async def set_access(connection: Any, access: OpenAccess) -> None:
    """Use an open access event for the rest of the transaction."""
    await connection.execute(BIND_ACCESS_SQL, access.setting)


async def make_access_older(superuser: Any, access: OpenAccess, *, seconds: int) -> None:
    """Move the time at which an access was opened into the past."""
    change = (
        "UPDATE access_contexts SET opened_at = opened_at - make_interval(secs => $1) WHERE event_id = $2"
    )
    assert await superuser.execute(change, seconds, access.event_id) == "UPDATE 1"


async def conclude_access(connection: Any, access: OpenAccess, child_id: UUID | None = None) -> None:
    """Write one entry of an access and close it."""
    columns = (
        [access.event_id],
        [access.secret],
        ["allowed"],
        [200],
        [1],
        [1],
        [child_id],
        [None],
        [None],
        [None],
        [None],
    )
    await connection.execute(CONCLUDE_ACCESSES_SQL, *columns)


@asynccontextmanager
async def open_transaction_as(connection: Any, name: str, act: str = "case.read") -> AsyncIterator[Any]:
    """Open an access and a transaction that uses it, as a request does. The transaction is rolled back."""
    access = await open_access(connection, name, act)
    transaction = connection.transaction()
    await transaction.start()
    try:
        await set_access(connection, access)
        yield access
    finally:
        await transaction.rollback()


async def list_child_tables(superuser: Any) -> list[str]:
    """Return the names of the tables with data about children that the API can read."""
    tables = await list_all_child_tables(superuser)
    query = "SELECT has_any_column_privilege('firststep_api', $1::regclass, 'SELECT')"
    return [table for table in tables if await superuser.fetchval(query, table)]


async def list_all_child_tables(superuser: Any) -> list[str]:
    """Return the names of all tables with data about children."""
    return [row[0] for row in await superuser.fetch(CHILD_TABLES_QUERY)]


async def count_visible_rows(connection: Any, tables: list[str]) -> dict[str, int]:
    """Return the number of visible rows of each table that has any."""
    counts = {}
    for table in tables:
        counts[table] = await connection.fetchval(f"SELECT count(*) FROM {table}")  # noqa: S608 - names from the catalog
    return {table: count for table, count in counts.items() if count}


async def assert_access_rejected(connection: Any, access: OpenAccess, tables: list[str]) -> None:
    """Check that a query of each table fails in the current transaction, because the access is not open."""
    await set_access(connection, access)
    for table in tables:
        with pytest.raises(asyncpg.InvalidAuthorizationSpecificationError, match="the access is not open"):
            async with connection.transaction():
                pytest.fail(f"{table}: {await count_visible_rows(connection, [table])}")


async def assert_statements_rejected(connection: Any, *statements: str) -> None:
    for statement in statements:
        with pytest.raises(REJECTION_ERRORS):
            async with connection.transaction():
                pytest.fail(f"{statement}: {await connection.execute(statement)}")
