"""The database: the engine and session factory of the API."""

from uuid import uuid4

import asyncpg
from sqlalchemy import exc
from sqlalchemy.ext.asyncio import AsyncEngine, async_sessionmaker, create_async_engine
from sqlalchemy.ext.asyncio import AsyncSession as AsyncSession  # noqa: PLC0414 - routers name it without SQLAlchemy
from sqlalchemy.orm.exc import StaleDataError

from app.database.errors import BUSY_MESSAGE, ERROR_TRANSLATIONS, translate_database_errors
from app.database.urls import to_driver_url, to_sqlalchemy_url
from app.errors import NotFound, Unavailable

ERROR_TRANSLATIONS.append(((exc.TimeoutError,), lambda: Unavailable(BUSY_MESSAGE, retry_after=1)))
# A row that was read, and went out of the actor's sight before it was written.
ERROR_TRANSLATIONS.append(((StaleDataError,), NotFound))


class Database:
    """The API's connections: pooled sessions for requests, and a small pool on which accesses are opened."""

    def __init__(self, url: str, *, pool_size: int, durable: bool = True) -> None:
        """Not `durable`, a commit does not wait for the disk: for what is begun anew when it is interrupted."""
        self.url = url
        self._server_settings = {} if durable else {"synchronous_commit": "off"}
        self.engine: AsyncEngine = create_async_engine(
            to_sqlalchemy_url(url),
            pool_size=pool_size,
            max_overflow=0,
            pool_timeout=5,
            # Every setting a request makes is local to its transaction: there is nothing to reset.
            pool_reset_on_return=None,
            # Behind PgBouncer in transaction mode, statement names must not collide between clients.
            connect_args={
                "prepared_statement_name_func": lambda: f"s{uuid4().hex}",
                "server_settings": self._server_settings,
            },
        )
        self.session_factory = async_sessionmaker(self.engine, expire_on_commit=False, autoflush=False)
        self.access_pool: asyncpg.Pool
        self._access_pool_size = max(2, pool_size // 2)

    async def open(self) -> None:
        """Connect.

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
        """Give every connection back."""
        await self.access_pool.close()
        await self.engine.dispose()


async def _skip_reset(_: asyncpg.Connection) -> None:
    """The gate's statements each commit on their own and set nothing."""
