"""What nobody needs any more is forgotten: answers kept for retries, used assertions, old sign-in attempts."""

import asyncio
import random

from app.database.engine import Database
from app.database.errors import translate_database_errors
from app.errors import FirstStepError

CLEANUP_INTERVAL_SECONDS = 3600.0
"""Seconds, give or take a half: the processes need not all come at once."""


async def run_periodic_cleanup(database: Database) -> None:
    """Tidy up every hour, for as long as the process serves; a database that is away for a while is no reason to stop."""
    while True:
        await asyncio.sleep(CLEANUP_INTERVAL_SECONDS * random.uniform(0.5, 1.5))  # noqa: S311 - no secret, only spread
        try:
            await delete_expired_rows(database)
        except FirstStepError:
            continue


async def delete_expired_rows(database: Database) -> None:
    """Tidy up.

    Raises:
        Unavailable: the database is away.
    """
    with translate_database_errors():
        await database.access_pool.execute("SELECT access.delete_expired_rows()")
