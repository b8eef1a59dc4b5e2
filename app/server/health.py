"""Check whether the server is ready for requests."""

from app.database.disk_space import was_disk_full
from app.database.engine import Database
from app.database.errors import DISK_FULL_MESSAGE, translate_database_errors
from app.errors import Unavailable

TIMEOUT_SECONDS = 5.0
"""Seconds to wait for a database connection."""
READINESS_QUERY = "SELECT to_regprocedure('access.context()') IS NOT NULL AND NOT pg_is_in_recovery()"


async def verify_readiness(database: Database) -> None:
    """Check that the database can serve requests.

    Raises:
        Unavailable: the database cannot be reached, is not migrated, is a read-only replica, or had no disk space for a
            write in the last seconds.
    """
    if was_disk_full():
        raise Unavailable(DISK_FULL_MESSAGE, retry_after=30)
    with translate_database_errors():
        async with database.access_pool.acquire(timeout=TIMEOUT_SECONDS) as connection:
            ready = await connection.fetchval(READINESS_QUERY)
    if not ready:
        raise Unavailable("The database is not migrated or is a read-only replica.", retry_after=5)
