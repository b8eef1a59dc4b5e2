"""The database connections of the API: engine, session factory, and the pools for reads and for access events."""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any, TypeVar, cast
from uuid import uuid4

import asyncpg
from pydantic_core import from_json
from sqlalchemy import exc
from sqlalchemy.ext.asyncio import AsyncEngine, async_sessionmaker, create_async_engine
from sqlalchemy.ext.asyncio import AsyncSession as AsyncSession  # noqa: PLC0414 - routers import it from here, because they must not import SQLAlchemy
from sqlalchemy.orm.exc import StaleDataError

from app.database.batching import Batcher
from app.database.errors import BUSY_MESSAGE, ERROR_TRANSLATIONS, translate_database_errors
from app.database.urls import to_driver_url, to_sqlalchemy_url
from app.errors import NotFound, Unavailable

ERROR_TRANSLATIONS.append(((exc.TimeoutError,), lambda: Unavailable(BUSY_MESSAGE, retry_after=1)))
# An UPDATE matched no row, because the row became invisible to the caller after it was read.
ERROR_TRANSLATIONS.append(((StaleDataError,), NotFound))

T = TypeVar("T")
R = TypeVar("R")
MAX_CONCURRENT_REPORTS = 2
"""Maximum number of reports that a process computes at the same time, because each of them can occupy a processor."""
BatchFunction = Callable[[asyncpg.Connection, Sequence[T]], Awaitable[Sequence[R]]]
"""A function that executes one statement for a list of items and returns one result per item."""


def get_access_pool_size(pool_size: int) -> int:
    """Return the number of connections that write access events, next to `pool_size` connections for requests."""
    return max(2, pool_size // 2)


class Database:
    """The database connections of the API: an engine for writes, a pool for reads, and one that writes access events.

    A further pool, with the role of the reports, connects when a report is read.
    """

    def __init__(self, url: str, *, pool_size: int, reports_url: str | None = None) -> None:
        """Create the engine without connecting. `reports_url` is needed for reports only."""
        self.url = url
        self.reports_url = reports_url
        self.engine: AsyncEngine = create_async_engine(
            to_sqlalchemy_url(url),
            pool_size=pool_size,
            max_overflow=0,
            pool_timeout=5,
            # A returned connection needs no reset, because requests change settings only within their transaction.
            pool_reset_on_return=None,
            # Unique names of statements, because PgBouncer in transaction mode shares a connection between clients.
            connect_args={"prepared_statement_name_func": lambda: f"s{uuid4().hex}"},
        )
        self.session_factory = async_sessionmaker(
            self.engine, expire_on_commit=False, autoflush=False, info={"database": self}
        )
        self.access_pool: asyncpg.Pool
        self.read_pool: asyncpg.Pool
        self.report_pool: asyncpg.Pool
        self._pool_size = pool_size
        self._batchers: dict[Callable[..., Any], Batcher[Any, Any]] = {}

    async def open(self) -> None:
        """Connect the pools.

        Raises:
            Unavailable: the database cannot be reached.
        """
        with translate_database_errors():
            self.access_pool = await self._create_pool(
                get_access_pool_size(self._pool_size), command_timeout=10
            )
            # The driver also keeps the prepared statements of long queries, such as the agenda of a supervisor.
            self.read_pool = await self._create_pool(
                self._pool_size, init=_decode_json, max_cacheable_statement_size=0
            )
            self.report_pool = await self._create_report_pool()

    async def _create_pool(self, max_size: int, **options: Any) -> asyncpg.Pool:
        return await asyncpg.create_pool(
            to_driver_url(self.url),
            min_size=1,
            max_size=max_size,
            reset=_skip_reset,
            **options,
        )

    async def _create_report_pool(self) -> asyncpg.Pool:
        """Create the pool of the reports. It connects when a report is read, and closes unused connections."""
        return await asyncpg.create_pool(
            to_driver_url(self.reports_url or self.url),
            min_size=0,
            max_size=MAX_CONCURRENT_REPORTS,
            reset=_skip_reset,
            statement_cache_size=0,
        )

    async def run_batched(self, function: BatchFunction[T, R], item: T) -> R:
        """Run a function on a connection of the access pool, together with the calls that arrive at the same time.

        `function` gets the items of all calls in one list, must execute one statement, which is one transaction, and returns
        one result per item.

        Raises:
            Exception: the error of the function for this item.
        """
        batcher = self._batchers.get(function)
        if batcher is None:
            batcher = self._batchers[function] = Batcher(partial(self._run_batch, function))
        return cast("R", await batcher.submit(item))

    def count_waiting_items(self) -> int:
        """Return the number of items that wait for the next batch."""
        return sum(batcher.count_waiting_items() for batcher in self._batchers.values())

    async def _run_batch(self, function: BatchFunction[T, R], items: Sequence[T]) -> Sequence[R]:
        async with self.access_pool.acquire() as connection:
            return await function(connection, items)

    async def close(self) -> None:
        """Close every connection."""
        await self.report_pool.close()
        await self.read_pool.close()
        await self.access_pool.close()
        await self.engine.dispose()


async def _decode_json(connection: asyncpg.Connection) -> None:
    """Decode JSON columns. SQLAlchemy does the same on the connections of its engine."""
    for name in ("json", "jsonb"):
        await connection.set_type_codec(name, schema="pg_catalog", encoder=str, decoder=from_json)


async def _skip_reset(_: asyncpg.Connection) -> None:
    """Skip the reset of a returned connection, because requests change settings only within their transaction."""
