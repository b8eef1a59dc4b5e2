"""Check whether the server is ready for requests."""

from app.database.engine import Database
from app.database.errors import translate_database_errors
from app.errors import Unavailable

TIMEOUT_SECONDS = 5.0
"""Seconds to wait for a database connection."""
READINESS_QUERY = "SELECT to_regprocedure('access.context()') IS NOT NULL AND NOT pg_is_in_recovery()"


async def verify_readiness(database: Database) -> None:
    """Check that the database can serve requests.

    Raises:
        Unavailable: the database cannot be reached, is not migrated, or is a read-only replica.
    """
    with translate_database_errors():
        async with database.access_pool.acquire(timeout=TIMEOUT_SECONDS) as connection:
            ready = await connection.fetchval(READINESS_QUERY)
    if not ready:
        raise Unavailable("The database is not migrated or is a read-only replica.", retry_after=5)
