"""Record the SQL statements of a request."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import asyncpg
from sqlalchemy import event

from tests.support.scenario import Scenario


@contextmanager
def record_statements(scenario: Scenario) -> Iterator[list[str]]:
    """Yield the list of statements that SQLAlchemy and `RecordReader` send in the block.

    It does not include the other statements on the driver's connection: opening and concluding the access, and beginning
    and ending a read transaction.
    """
    statements: list[str] = []
    fetch = asyncpg.Connection.fetch

    async def record_fetch(connection: asyncpg.Connection, query: str, *arguments: object) -> Any:
        rows = await fetch(connection, query, *arguments)
        if "access.open" not in query:
            # Afterwards, because the driver reports other statements only after they finished.
            statements.append(query)
        return rows

    def record(_: object, __: object, statement: str, *___: object) -> None:
        statements.append(statement)

    event.listen(scenario.database.engine.sync_engine, "before_cursor_execute", record)
    try:
        with patch.object(asyncpg.Connection, "fetch", record_fetch):
            yield statements
    finally:
        event.remove(scenario.database.engine.sync_engine, "before_cursor_execute", record)
