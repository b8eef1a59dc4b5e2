"""Use the database directly, as an intruder with the password of a database role would."""

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import pytest

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


async def open_access(connection: Any, name: str, act: str = "case.read") -> uuid.UUID:
    """Open an access event for a member of staff or an API client, and return its id."""
    kind = "client" if name in API_CLIENTS else "person"
    event_id: uuid.UUID = await connection.fetchval(
        "SELECT event_id FROM access.open($1, $2, $3, NULL, $4, 'by-hand-00', NULL)",
        kind, id_of(name), id_of(f"session of {name}"), act,
    )  # fmt: skip
    return event_id


async def set_access_event(connection: Any, event_id: object) -> None:
    """Use an access event for the rest of the transaction."""
    await connection.execute("SELECT set_config('firststep.access', $1, true)", str(event_id))


@asynccontextmanager
async def open_transaction_as(connection: Any, name: str, act: str = "case.read") -> AsyncIterator[Any]:
    """Open an access event and a transaction that uses it, as a request does. The transaction is rolled back."""
    event_id = await open_access(connection, name, act)
    transaction = connection.transaction()
    await transaction.start()
    try:
        await set_access_event(connection, event_id)
        yield event_id
    finally:
        await transaction.rollback()


async def list_child_tables(superuser: Any) -> list[str]:
    """Return the names of all tables with data about children."""
    return [row[0] for row in await superuser.fetch(CHILD_TABLES_QUERY)]


async def count_visible_rows(connection: Any, tables: list[str]) -> dict[str, int]:
    """Return the number of visible rows of each table that has any."""
    counts = {}
    for table in tables:
        counts[table] = await connection.fetchval(f"SELECT count(*) FROM {table}")  # noqa: S608 - names from the catalog
    return {table: count for table, count in counts.items() if count}


async def assert_statements_rejected(connection: Any, *statements: str) -> None:
    for statement in statements:
        with pytest.raises(REJECTION_ERRORS):
            async with connection.transaction():
                pytest.fail(f"{statement}: {await connection.execute(statement)}")
