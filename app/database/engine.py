"""The database connections of the API: engine, session factory and the pool for access events."""

from uuid import uuid4

import asyncpg
from sqlalchemy import exc
from sqlalchemy.ext.asyncio import AsyncEngine, async_sessionmaker, create_async_engine
from sqlalchemy.ext.asyncio import AsyncSession as AsyncSession  # noqa: PLC0414 - routers import it from here, because they must not import SQLAlchemy
from sqlalchemy.orm.exc import StaleDataError

from app.database.errors import BUSY_MESSAGE, ERROR_TRANSLATIONS, translate_database_errors
from app.database.urls import to_driver_url, to_sqlalchemy_url
from app.errors import NotFound, Unavailable

ERROR_TRANSLATIONS.append(((exc.TimeoutError,), lambda: Unavailable(BUSY_MESSAGE, retry_after=1)))
# An UPDATE matched no row, because the row became invisible to the caller after it was read.
ERROR_TRANSLATIONS.append(((StaleDataError,), NotFound))


class Database:
    """The database connections of the API: an engine for requests, and a small pool that writes access events."""

    def __init__(self, url: str, *, pool_size: int, durable: bool = True) -> None:
        """Create the engine without connecting.

        With `durable=False` a commit does not wait for the disk. Use it only for work that is repeated from the start
        after an interruption.
        """
        self.url = url
        self._server_settings = {} if durable else {"synchronous_commit": "off"}
        self.engine: AsyncEngine = create_async_engine(
            to_sqlalchemy_url(url),
            pool_size=pool_size,
            max_overflow=0,
            pool_timeout=5,
            # A returned connection needs no reset, because requests change settings only within their transaction.
            pool_reset_on_return=None,
            # Unique names of statements, because PgBouncer in transaction mode shares a connection between clients.
            connect_args={
                "prepared_statement_name_func": lambda: f"s{uuid4().hex}",
                "server_settings": self._server_settings,
            },
        )
        self.session_factory = async_sessionmaker(self.engine, expire_on_commit=False, autoflush=False)
        self.access_pool: asyncpg.Pool
        self._access_pool_size = max(2, pool_size // 2)

    async def open(self) -> None:
        """Connect the pool for access events.

        Raises:
            Unavailable: the database cannot be reached.
        """
        with translate_database_errors():
            self.access_pool = await asyncpg.create_pool(
                to_driver_url(self.url),
                min_size=1,
                max_size=self._access_pool_size,
                reset=_skip_reset,
                command_timeout=10,
                server_settings=self._server_settings,
            )

    async def close(self) -> None:
        """Close every connection."""
        await self.access_pool.close()
        await self.engine.dispose()


async def _skip_reset(_: asyncpg.Connection) -> None:
    """Skip the reset of a returned connection, because statements of this pool change no settings."""
