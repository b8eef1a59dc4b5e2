"""The database: roles and their URLs, the engine and session factory of the API, errors translated where they enter."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from uuid import uuid4

import asyncpg
from sqlalchemy import exc
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncEngine, async_sessionmaker, create_async_engine

from app.config import Settings
from app.errors import AlreadyExists, Conflict, Fault, FirstStepError, InvalidInput, TimedOut, Unavailable

MIGRATIONS = Path(__file__).parent.parent / "alembic"


@dataclass(frozen=True, slots=True)
class Urls:
    """Where the database is, once per role: nobody uses a role for another's work."""

    owner: str
    api: str
    reports: str

    def save(self, path: Path) -> None:
        """Write the URLs, with their passwords, for this machine's owner only."""
        path.touch(mode=0o600)
        path.write_text(json.dumps(asdict(self), indent=2) + "\n")

    @classmethod
    def load(cls, path: Path) -> "Urls":
        """Read what `save` wrote.

        Raises:
            Unavailable: nothing was written: this installation has not been made yet.
        """
        try:
            return cls(**json.loads(path.read_text()))
        except FileNotFoundError:
            raise Unavailable("There is no database yet: `run` or `migrate` makes one.") from None


def with_role(url: str, role: str, password: str) -> str:
    """Return the URL of the same database for another role."""
    return make_url(url).set(username=role, password=password).render_as_string(hide_password=False)


def dialect_url(url: str) -> str:
    """Name the driver SQLAlchemy is to use, whatever form of PostgreSQL URL was given."""
    return make_url(url).set(drivername="postgresql+asyncpg").render_as_string(hide_password=False)


def driver_url(url: str) -> str:
    """Return the form of URL that the driver itself and psql understand."""
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


def api_url(chosen: Settings) -> str:
    """Return the URL of the API's own database role."""
    if chosen.api_database_url is not None:
        return chosen.api_database_url.get_secret_value()
    return Urls.load(chosen.home / "database.json").api


def owner_url(chosen: Settings) -> str:
    """Return the URL of the owner role, for work on the command line."""
    if chosen.owner_database_url is not None:
        return chosen.owner_database_url.get_secret_value()
    return Urls.load(chosen.home / "database.json").owner


class Database:
    """The API's connections: pooled sessions for requests, and a small pool on which accesses are opened."""

    def __init__(self, url: str, *, pool_size: int) -> None:
        self.url = url
        self.engine: AsyncEngine = create_async_engine(
            dialect_url(url),
            pool_size=pool_size,
            max_overflow=0,
            pool_timeout=5,
            # Every setting a request makes is local to its transaction: there is nothing to reset.
            pool_reset_on_return=None,
            # Behind PgBouncer in transaction mode, statement names must not collide between clients.
            connect_args={"prepared_statement_name_func": lambda: f"s{uuid4().hex}"},
        )
        self.sessions = async_sessionmaker(self.engine, expire_on_commit=False, autoflush=False)
        self.gate: asyncpg.Pool
        self._gate_size = max(2, pool_size // 2)

    async def open(self) -> None:
        """Connect.

        Raises:
            Unavailable: the database cannot be reached.
        """
        with translated():
            self.gate = await asyncpg.create_pool(
                driver_url(self.url),
                min_size=1,
                max_size=self._gate_size,
                reset=_nothing_to_reset,
                command_timeout=10,
            )

    async def close(self) -> None:
        """Give every connection back."""
        await self.gate.close()
        await self.engine.dispose()


async def _nothing_to_reset(_: asyncpg.Connection) -> None:
    """The gate's statements each commit on their own and set nothing."""


@contextmanager
def translated() -> Iterator[None]:
    """Turn the database's errors into ours; none of them carries a value of a row.

    Raises:
        AlreadyExists: a unique key is taken.
        Conflict: two transactions wanted the same rows.
        InvalidInput: a reference names nothing.
        TimedOut: a statement or a lock took too long.
        Unavailable: the database is out of reach.
    """
    try:
        yield
    except FirstStepError:
        raise
    except exc.TimeoutError as error:
        raise Unavailable("The database is busy.", retry_after=1) from error
    except exc.DBAPIError as error:
        raise _ours(_cause(error)) from error
    except asyncpg.PostgresError as error:
        raise _ours(error) from error
    except (OSError, asyncpg.InterfaceError) as error:
        raise Unavailable("The database is out of reach.", retry_after=5) from error


def _cause(error: exc.DBAPIError) -> BaseException:
    cause: BaseException = error
    while cause.__cause__ is not None:
        cause = cause.__cause__
    return cause


BUSY = "The database is busy."
AWAY = "The database is out of reach."
SLOW = "The database took too long; nothing was done."
CONTENDED = "Somebody else was changing the same records; please try again."

OURS: tuple[tuple[tuple[type[BaseException], ...], Callable[[], FirstStepError]], ...] = (
    (
        (asyncpg.UniqueViolationError,),
        lambda: AlreadyExists("The id, or another key that must be unique, is taken."),
    ),
    (
        (asyncpg.ForeignKeyViolationError,),
        lambda: InvalidInput([Fault(None, "reference_unknown", "It names nothing.")]),
    ),
    ((asyncpg.SerializationError, asyncpg.DeadlockDetectedError), lambda: Conflict(CONTENDED, retry_after=1)),
    ((asyncpg.QueryCanceledError, asyncpg.LockNotAvailableError), lambda: TimedOut(SLOW, retry_after=1)),
    ((asyncpg.TooManyConnectionsError, asyncpg.AdminShutdownError), lambda: Unavailable(BUSY, retry_after=1)),
    (
        (asyncpg.PostgresConnectionError, asyncpg.CannotConnectNowError),
        lambda: Unavailable(AWAY, retry_after=5),
    ),
    ((OSError, asyncpg.InterfaceError), lambda: Unavailable(AWAY, retry_after=5)),
)
"""What PostgreSQL and its driver may say, and what a caller is told."""


def _ours(error: BaseException) -> BaseException:
    return next((make() for kinds, make in OURS if isinstance(error, kinds)), error)
