"""Delete expired rows: idempotency records, used client assertions and old sign-in attempts."""

import asyncio
import random

from app.database.engine import Database
from app.database.errors import translate_database_errors
from app.errors import FirstStepError

CLEANUP_INTERVAL_SECONDS = 3600.0
"""Average interval. Each run varies by up to one half, so that the processes do not run at the same time."""


async def run_periodic_cleanup(database: Database) -> None:
    """Delete expired rows about once an hour until cancelled. Database errors are ignored, and the next run retries."""
    while True:
        await asyncio.sleep(CLEANUP_INTERVAL_SECONDS * random.uniform(0.5, 1.5))  # noqa: S311 - not used for security
        try:
            await delete_expired_rows(database)
        except FirstStepError:
            continue


async def delete_expired_rows(database: Database) -> None:
    """Delete expired rows once.

    Raises:
        Unavailable: the database cannot be reached.
    """
    with translate_database_errors():
        await database.access_pool.execute("SELECT access.delete_expired_rows()")
