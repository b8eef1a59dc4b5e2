"""Who waits for a lock: a test that wants two at once goes on when they stand in line, not after a guessed time."""

import asyncio
from typing import Any

WAITING_LOCKS_QUERY = "SELECT count(*) FROM pg_locks WHERE NOT granted"
MAX_POLLS = 1000
"""Looks, of twenty milliseconds or more each."""


async def wait_for_lock_waiters(superuser: Any, number: int) -> None:
    """Return once so many wait for a lock; fail where they never do."""
    for _ in range(MAX_POLLS):
        if await superuser.fetchval(WAITING_LOCKS_QUERY) == number:
            return
        await asyncio.sleep(0.02)
    raise AssertionError(f"{number} never stood in line together")


async def run_while_case_locked(superuser: Any, case_id: str, *acts: Any) -> list[int]:
    """Begin acts one after the other while somebody holds the case; let them go, and return their answers.

    Each begins once the one before stands in line: whoever comes to the lock as it is given away may get it first.
    """
    async with superuser.transaction():
        await superuser.execute("SELECT FROM cases WHERE id = $1 FOR UPDATE", case_id)
        waiting = []
        for act in acts:
            waiting.append(asyncio.ensure_future(act))
            await wait_for_lock_waiters(superuser, len(waiting))
    return [answer.status_code for answer in await asyncio.gather(*waiting)]
