"""The usage of the connection pools, for the metrics."""

import asyncio
from contextlib import AsyncExitStack

from sqlalchemy import text

from app.database.engine import Database
from app.database.pool_usage import measure_pools
from app.measurements import PoolUsage
from tests.support.scenario import Scenario

SIZE = 2


async def wait_for_usage(database: Database, name: str, usage: PoolUsage) -> None:
    for _ in range(100):
        if measure_pools(database)[name] == usage:
            return
        await asyncio.sleep(0.01)
    raise AssertionError(measure_pools(database)[name])


async def test_connections_in_use_and_waiting_requests_are_measured(scenario: Scenario) -> None:
    # Catches: the waiting callers of one pool not counted.
    database = Database(scenario.urls.api, pool_size=SIZE)
    await database.open()
    try:
        async with AsyncExitStack() as stack:
            for _ in range(SIZE):
                await stack.enter_async_context(database.read_pool.acquire())
                await stack.enter_async_context(database.access_pool.acquire())
                session = await stack.enter_async_context(database.session_factory())
                await session.execute(text("SELECT 1"))
            third = database.session_factory()
            waiting = [
                asyncio.ensure_future(awaitable)
                for awaitable in (
                    database.read_pool.fetchval("SELECT 1"),
                    database.read_pool.fetchval("SELECT 1"),
                    database.access_pool.fetchval("SELECT 1"),
                    third.execute(text("SELECT 1")),
                )
            ]
            await wait_for_usage(database, "read", PoolUsage(SIZE, SIZE, 2))
            await wait_for_usage(database, "write", PoolUsage(SIZE, SIZE, 1))
            await wait_for_usage(database, "access", PoolUsage(SIZE, SIZE, 1))
        await asyncio.gather(*waiting)
        await third.close()
        await wait_for_usage(database, "read", PoolUsage(SIZE, 0, 0))
        await wait_for_usage(database, "write", PoolUsage(SIZE, 0, 0))
    finally:
        await database.close()
