"""What nobody needs any more is forgotten: answers kept for retries, used assertions, old sign-in attempts."""

import asyncio
import random

from app.database.engine import Database
from app.database.errors import translated
from app.errors import FirstStepError

EVERY = 3600.0
"""Seconds, give or take a half: the processes need not all come at once."""


async def go_on(database: Database) -> None:
    """Tidy up every hour, for as long as the process serves; a database that is away for a while is no reason to stop."""
    while True:
        await asyncio.sleep(EVERY * random.uniform(0.5, 1.5))  # noqa: S311 - no secret, only spread
        try:
            await once(database)
        except FirstStepError:
            continue


async def once(database: Database) -> None:
    """Tidy up.

    Raises:
        Unavailable: the database is away.
    """
    with translated():
        await database.gate.execute("SELECT access.tidy_up()")
