"""Whether this process can serve."""

from app.database.engine import Database
from app.database.errors import translated
from app.errors import Unavailable

PATIENCE = 5.0
"""Seconds to wait for a connection."""
READY = "SELECT to_regprocedure('access.event()') IS NOT NULL AND NOT pg_is_in_recovery()"


async def check(database: Database) -> None:
    """Ask the database whether requests can be served.

    Raises:
        Unavailable: it is out of reach, not migrated, or a read-only replica.
    """
    with translated():
        async with database.gate.acquire(timeout=PATIENCE) as connection:
            ready = await connection.fetchval(READY)
    if not ready:
        raise Unavailable("The database is not ready.", retry_after=5)
