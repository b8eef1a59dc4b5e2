"""Whether this process can serve."""

from app.database.engine import Database
from app.database.errors import translate_database_errors
from app.errors import Unavailable

TIMEOUT_SECONDS = 5.0
"""Seconds to wait for a connection."""
READINESS_QUERY = "SELECT to_regprocedure('access.current_event()') IS NOT NULL AND NOT pg_is_in_recovery()"


async def verify_readiness(database: Database) -> None:
    """Ask the database whether requests can be served.

    Raises:
        Unavailable: it is out of reach, not migrated, or a read-only replica.
    """
    with translate_database_errors():
        async with database.access_pool.acquire(timeout=TIMEOUT_SECONDS) as connection:
            ready = await connection.fetchval(READINESS_QUERY)
    if not ready:
        raise Unavailable("The database is not ready.", retry_after=5)
