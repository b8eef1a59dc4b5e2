"""Connect to PostgreSQL for a command, and describe in one sentence why a connection or a statement failed."""

import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from ipaddress import ip_address
from urllib.parse import parse_qs, urlsplit

import asyncpg

from app.database.urls import to_driver_url
from app.errors import Unavailable

CONNECT_TIMEOUT_SECONDS = 10.0
SET_UP_LOCK_ID = 0x46495253545F5550
"""Id of an advisory lock in the database of First Step."""

CONNECTION_ERRORS: tuple[tuple[tuple[type[Exception], ...], str], ...] = (
    (
        (asyncpg.InvalidPasswordError,),
        "rejects the password of the role {role}, or has no such role.",
    ),
    (
        (asyncpg.InvalidAuthorizationSpecificationError,),
        "does not let the role {role} sign in. Check that the role can log in, and pg_hba.conf.",
    ),
    ((asyncpg.InvalidCatalogNameError,), "has no database {database}."),
    (
        (asyncpg.InsufficientPrivilegeError,),
        "does not let the role {role} connect to the database {database}.",
    ),
    (
        (asyncpg.TooManyConnectionsError,),
        "has no free connection. Raise max_connections, or lower FIRSTSTEP_POOL_SIZE.",
    ),
    ((asyncpg.CannotConnectNowError,), "is starting or stopping. Try again in a few seconds."),
    ((TimeoutError,), f"did not answer within {CONNECT_TIMEOUT_SECONDS:.0f} seconds."),
    ((ConnectionRefusedError, FileNotFoundError), "cannot be reached: no server listens there."),
    ((socket.gaierror,), "cannot be reached: the name has no address."),
    ((OSError,), "cannot be reached. Check the address, the port and the TLS settings."),
    ((asyncpg.PostgresError,), "rejected the connection. Its log contains the reason."),
)
"""The first entry with the class of an error describes it."""


@asynccontextmanager
async def connect(url: str) -> AsyncIterator[asyncpg.Connection]:
    """Connect for the duration of a block.

    Raises:
        Unavailable: the connection failed. The message contains the server and the role, never the password.
    """
    try:
        connection = await asyncpg.connect(to_driver_url(url), timeout=CONNECT_TIMEOUT_SECONDS)
    except (OSError, ValueError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise Unavailable(f"{describe_server(url)} {_describe_connection_error(error, url)}") from error
    try:
        yield connection
    finally:
        await connection.close()


async def require_connection(url: str) -> None:
    """Connect once, for a command that continues with an engine, whose errors do not name the cause.

    Raises:
        Unavailable: the connection failed.
    """
    async with connect(url):
        pass


@asynccontextmanager
async def hold_set_up_lock(
    url: str, report_progress: Callable[[str], None] = lambda _: None
) -> AsyncIterator[asyncpg.Connection]:
    """Connect, and hold the lock of the set-up for the duration of a block.

    Roles, migrations and keys change only under this lock, so that two processes cannot set up a database at the same
    time. PostgreSQL releases it if the process ends.

    Raises:
        Unavailable: the connection failed.
    """
    async with connect(url) as connection:
        if not await connection.fetchval("SELECT pg_try_advisory_lock($1)", SET_UP_LOCK_ID):
            report_progress("Another process is setting up this database. Waiting for it …")
            await connection.execute("SELECT pg_advisory_lock($1)", SET_UP_LOCK_ID)
        yield connection


def describe_server(url: str) -> str:
    """Return a phrase that identifies the server of a URL, without role and password."""
    host, port = get_address(url)
    return f"PostgreSQL at {host}" + (f":{port}" if not host.startswith("/") else "")


def get_address(url: str) -> tuple[str, int]:
    """Return the host, or the directory of the Unix socket, and the port of a URL.

    Raises:
        ValueError: the port is not a number.
    """
    parts = urlsplit(to_driver_url(url))
    query = parse_qs(parts.query)
    host = query.get("host", [parts.hostname or "localhost"])[0]
    return host, int(query.get("port", [parts.port or 5432])[0])


def is_local(url: str) -> bool:
    """Return whether the server of a URL is reached through a Unix socket or a loopback address."""
    host, _ = get_address(url)
    try:
        return host.startswith("/") or host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def uses_tls(connection: asyncpg.Connection) -> bool:
    """Return whether a connection is encrypted. The view pg_stat_ssl is not visible to the role of the API."""
    transport = connection._transport  # noqa: SLF001 - the driver has no public attribute for it
    return transport.get_extra_info("ssl_object") is not None


def format_server_version(connection: asyncpg.Connection) -> str:
    """Return the version of the server, such as `18.3`. asyncpg calls the second number `micro`."""
    version = connection.get_server_version()
    return f"{version.major}.{version.micro}"


def get_role(url: str) -> str:
    """Return the name of the role of a URL."""
    return urlsplit(to_driver_url(url)).username or ""


def _describe_connection_error(error: Exception, url: str) -> str:
    database = urlsplit(to_driver_url(url)).path.lstrip("/")
    for exception_classes, description in CONNECTION_ERRORS:
        if isinstance(error, exception_classes):
            return description.format(role=get_role(url), database=database)
    return "cannot be used: the URL or the TLS settings are not valid, or another program listens there."
