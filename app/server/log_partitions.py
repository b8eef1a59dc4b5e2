"""The partitions of the access log, for operators."""

from typing import NamedTuple

from app.config import Settings
from app.database.connections import connect
from app.database.errors import translate_database_errors
from app.database.urls import get_owner_url

LIST_PARTITIONS_SQL = """
    SELECT c.relname::text, replace(substring(c.relname FROM '[0-9]{4}_[0-9]{2}$'), '_', '-')
      FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
     WHERE i.inhparent IN ('access_events'::regclass, 'access_entries'::regclass)
     ORDER BY 1
"""


class LogPartition(NamedTuple):
    """A partition of `access_events` or `access_entries`."""

    name: str
    """Name of the table, which ends with year and month, or with `default`."""
    month: str | None
    """Year and month of its rows, in UTC; None for the default partition."""


async def list_log_partitions(settings: Settings) -> list[LogPartition]:
    """Return the partitions of the access log, sorted by name."""
    with translate_database_errors():
        async with connect(get_owner_url(settings)) as owner:
            return [LogPartition(*row) for row in await owner.fetch(LIST_PARTITIONS_SQL)]


async def create_log_partitions(settings: Settings, months: int) -> int:
    """Create the missing partitions of this month and the next `months` months. Return how many were created."""
    with translate_database_errors():
        async with connect(get_owner_url(settings)) as owner:
            created: int = await owner.fetchval("SELECT access.create_partitions($1)", months)
            return created
