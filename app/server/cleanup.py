"""Delete expired rows: stored responses, used client assertions and failed sign-ins."""

import asyncio
import random

from app.database.engine import Database
from app.database.errors import translate_database_errors
from app.errors import FirstStepError

CLEANUP_INTERVAL_SECONDS = 3600.0
"""Average interval. It varies randomly by up to one half, so that the processes do not run at the same time."""


async def run_periodic_cleanup(database: Database) -> None:
    """Delete expired rows about once an hour, until cancelled. After a database error, the next run retries."""
    while True:
        await asyncio.sleep(CLEANUP_INTERVAL_SECONDS * random.uniform(0.5, 1.5))  # noqa: S311 - not used for security
        try:
            await delete_expired_rows(database)
        except FirstStepError:
            continue


async def delete_expired_rows(database: Database) -> None:
    """Delete the rows that have expired now.

    Raises:
        Unavailable: the database cannot be reached.
    """
    with translate_database_errors():
        await database.access_pool.execute("SELECT access.delete_expired_rows()")
