"""Wait until transactions block on a lock, so that tests of concurrency need no fixed delays."""

import asyncio
from typing import Any

WAITING_LOCKS_QUERY = "SELECT count(*) FROM pg_locks WHERE NOT granted"
MAX_POLLS = 1000
"""Maximum number of polls, at least 20 ms apart."""


async def wait_for_lock_waiters(superuser: Any, count: int) -> None:
    """Return when exactly `count` lock requests wait. Fail if that does not happen."""
    for _ in range(MAX_POLLS):
        if await superuser.fetchval(WAITING_LOCKS_QUERY) == count:
            return
        await asyncio.sleep(0.02)
    raise AssertionError(f"never {count} waiting lock requests at the same time")


async def run_while_case_locked(superuser: Any, case_id: str, *requests: Any) -> list[int]:
    """Start requests while the case is locked, release the lock, and return the status codes.

    Each request starts when the one before waits for the lock. So they get the lock in the given order.
    """
    async with superuser.transaction():
        await superuser.execute("SELECT FROM cases WHERE id = $1 FOR UPDATE", case_id)
        tasks = []
        for request in requests:
            tasks.append(asyncio.ensure_future(request))
            await wait_for_lock_waiters(superuser, len(tasks))
    return [response.status_code for response in await asyncio.gather(*tasks)]
