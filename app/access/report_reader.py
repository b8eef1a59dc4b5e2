"""Read the figures of reports with the database role of the reports.

The role can read plain columns only, and its row policies need an open access of the act `report.read` or
`release.prepare`. A report counts rows and shows none, so the access log contains the report, its period and its
filters instead of children.
"""

from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

import asyncpg

from app.access.accessed_records import AccessedRecord
from app.access.caller import OpenAccess
from app.access.configuration_changes import ConfigurationChanges
from app.errors import Unavailable

REPORT_SECONDS = 30
"""Maximum time of a statement of a report."""
RETRY_SECONDS = 60
BATCH_ROWS = 500
"""Rows that `fetch_batches` keeps in memory."""
BEGIN_REPORT_SQL = """
    BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY;
    SELECT set_config('firststep.access', '{}', true), set_config('statement_timeout', '{}s', true)
"""
"""Begins a read-only transaction with an access in one round trip. The driver accepts no parameters for two statements."""
RECORD_KIND = "report"


class ReportTooSlow(Unavailable):
    """A statement of a report took longer than `REPORT_SECONDS`."""


def get_report_id(name: str) -> UUID:
    """Return the id of a report in the access log: the UUID (version 5) of `report:<name>` in the namespace of URLs."""
    return uuid5(NAMESPACE_URL, f"report:{name}")


class ReportReader:
    """Runs the statements of reports, and collects their records for the access log."""

    __slots__ = ("_connection", "changes", "records")

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection
        self.changes = ConfigurationChanges()
        self.records: list[AccessedRecord] = []

    def record_report(self, name: str, query: Mapping[str, Any]) -> None:
        """Name a report and its query in the access log."""
        report_id = get_report_id(name)
        self.records.append(AccessedRecord(None, None, RECORD_KIND, str(report_id)))
        values = {"report": name, **query}
        self.changes.add(RECORD_KIND, report_id, {key: (None, value) for key, value in values.items()})

    async def fetch(self, sql: str, *arguments: object) -> list[asyncpg.Record]:
        """Return the rows of a statement.

        Raises:
            ReportTooSlow: the statement took longer than `REPORT_SECONDS`.
        """
        with _translate_timeout():
            rows: list[asyncpg.Record] = await self._connection.fetch(sql, *arguments)
        return rows

    async def fetch_batches(self, sql: str, *arguments: object) -> AsyncIterator[list[asyncpg.Record]]:
        """Yield the rows of a statement in batches, for rows that need much memory.

        Raises:
            ReportTooSlow: the statement took longer than `REPORT_SECONDS`.
        """
        with _translate_timeout():
            cursor = await self._connection.cursor(sql, *arguments)
        is_last = False
        while not is_last:
            with _translate_timeout():
                rows: list[asyncpg.Record] = await cursor.fetch(BATCH_ROWS)
            is_last = len(rows) < BATCH_ROWS
            yield rows


@contextmanager
def _translate_timeout() -> Iterator[None]:
    try:
        yield
    except asyncpg.QueryCanceledError:
        raise ReportTooSlow(
            f"The report took longer than {REPORT_SECONDS} seconds. Try a shorter period.",
            retry_after=RETRY_SECONDS,
        ) from None


@asynccontextmanager
async def open_report_reader(
    connection: asyncpg.Connection, access: OpenAccess, seconds: float = REPORT_SECONDS
) -> AsyncIterator[ReportReader]:
    """Yield a reader in a read-only transaction of a connection of the reports role, and roll it back.

    A statement may take `seconds`.
    """
    try:
        await connection.execute(BEGIN_REPORT_SQL.format(access.setting, seconds))
        yield ReportReader(connection)
    finally:
        if connection.is_in_transaction():
            await connection.execute("ROLLBACK")
