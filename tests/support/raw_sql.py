"""What somebody does who holds a database role's password, and what they find when there is something to find."""

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
"""Every table that holds something about a child."""


async def open_access(connection: Any, name: str, act: str = "case.read") -> uuid.UUID:
    """Open an access as somebody, over whatever connection."""
    kind = "client" if name in API_CLIENTS else "person"
    opened: uuid.UUID = await connection.fetchval(
        "SELECT event_id FROM access.open($1, $2, $3, NULL, $4, 'by-hand-00', NULL)",
        kind, id_of(name), id_of(f"session of {name}"), act,
    )  # fmt: skip
    return opened


async def set_access_event(connection: Any, event_id: object) -> None:
    """Claim, for the rest of the transaction, to be the actor of an event."""
    await connection.execute("SELECT set_config('firststep.access', $1, true)", str(event_id))


@asynccontextmanager
async def open_transaction_as(connection: Any, name: str, act: str = "case.read") -> AsyncIterator[Any]:
    """A transaction of somebody whose access was opened before, as a request does it; it is rolled back."""
    event_id = await open_access(connection, name, act)
    transaction = connection.transaction()
    await transaction.start()
    try:
        await set_access_event(connection, event_id)
        yield event_id
    finally:
        await transaction.rollback()


async def list_child_tables(superuser: Any) -> list[str]:
    """Name every table about a child."""
    return [row[0] for row in await superuser.fetch(CHILD_TABLES_QUERY)]


async def count_visible_rows(connection: Any, tables: list[str]) -> dict[str, int]:
    """Count what a connection sees of each table, as far as it sees anything."""
    counts = {}
    for table in tables:
        counts[table] = await connection.fetchval(f"SELECT count(*) FROM {table}")  # noqa: S608 - from the catalogue
    return {table: count for table, count in counts.items() if count}


async def assert_statements_rejected(connection: Any, *statements: str) -> None:
    for statement in statements:
        with pytest.raises(REJECTION_ERRORS):
            async with connection.transaction():
                pytest.fail(f"{statement}: {await connection.execute(statement)}")
