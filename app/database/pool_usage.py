"""The usage of the connection pools of a process, for the metrics."""

import asyncio
from typing import Any, cast

from sqlalchemy import QueuePool

from app.database.engine import Database
from app.measurements import Measurements, PoolUsage

INTERVAL_SECONDS = 1.0


async def record_pools(measurements: Measurements, database: Database) -> None:
    """Record the usage of the pools every second, until cancelled."""
    while True:
        for name, usage in measure_pools(database).items():
            measurements.record_pool(name, usage)
        await asyncio.sleep(INTERVAL_SECONDS)


def measure_pools(database: Database) -> dict[str, PoolUsage]:
    """Return the current usage of the pools for reads, writes and access events."""
    write_pool = cast("QueuePool", database.engine.pool)
    write_usage = PoolUsage(write_pool.size(), write_pool.checkedout(), _count_getters(write_pool._pool))  # noqa: SLF001 - the library has no public number of waiting callers
    access_usage = _measure_pool(database.access_pool)
    waiting = access_usage.waiting + database.count_waiting_items()
    return {
        "read": _measure_pool(database.read_pool),
        "write": write_usage,
        "access": access_usage._replace(waiting=waiting),
    }


def _measure_pool(pool: Any) -> PoolUsage:
    in_use = pool.get_size() - pool.get_idle_size()
    return PoolUsage(pool.get_max_size(), in_use, _count_getters(pool))


def _count_getters(pool: Any) -> int:
    """Return the number of callers that wait for a connection.

    Both libraries have an asyncio queue of free connections.
    """
    return sum(not getter.done() for getter in pool._queue._getters)  # noqa: SLF001 - no public number
