"""Examine an installation: one finding per check, each with one plain sentence.

`run` makes these checks before it accepts requests.
"""

import shutil
import time
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Literal, NamedTuple

import asyncpg

from app.access.key_canaries import validate_key_ring
from app.access.keyring import KeyRing
from app.config import Settings
from app.database.connections import (
    connect,
    describe_server,
    format_server_version,
    get_role,
    is_local,
    uses_tls,
)
from app.database.engine import get_access_pool_size
from app.database.role_settings import list_unsafe_settings
from app.database.schema_revision import require_usable_schema
from app.database.urls import get_api_url, get_owner_url, get_reports_url, get_url_path
from app.errors import FirstStepError
from app.server.installation import is_set_up_by_run
from app.services.persons.name_matching import SEARCH_KEY_RULES

MIN_SERVER_VERSION = 18
JOB_CONNECTIONS = 10
"""An upper limit of the connections of the process for background jobs."""
MIN_FREE_BYTES = 100 * 1024**2
LOW_FREE_BYTES = 1024**3
MAX_CLOCK_SECONDS = 30.0
"""An open access event shows rows for 60 seconds, and a code of a second factor is valid for 30 seconds."""
LOW_CLOCK_SECONDS = 2.0

FREE_CONNECTIONS_SQL = """
    SELECT current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int
           - current_setting('reserved_connections')::int
"""
HAS_OLD_TOKENS_SQL = "SELECT EXISTS (SELECT FROM name_token_lengths WHERE is_current AND rules <> $1)"
USERS_SQL = r"""
    SELECT count(*) FILTER (WHERE email_key LIKE '%@demo.first-step.example') > 0 AS has_demo_users,
           count(*) FILTER (WHERE email_key NOT LIKE '%@demo.first-step.example') > 0 AS has_other_users
      FROM users WHERE is_active
"""


class Finding(NamedTuple):
    """The result of one check."""

    check: str
    level: Literal["ok", "warning", "error"]
    """`run` does not start with an error."""
    message: str

    def to_line(self) -> str:
        """Return the finding as a line of a table."""
        return f"{self.level:8}{self.check:16}{self.message}"


def has_errors(findings: Iterable[Finding]) -> bool:
    """Return whether a check failed."""
    return any(finding.level == "error" for finding in findings)


async def examine_installation(settings: Settings, *, with_owner: bool = False) -> list[Finding]:
    """Run all checks. `with_owner` includes the sign-in of the owner role, if its URL is known."""
    findings = [check_disk(settings.home)]
    async with AsyncExitStack() as stack:
        api: asyncpg.Connection | None = None
        for role in _list_roles(settings, with_owner=with_owner):
            try:
                url = {"api": get_api_url, "reports": get_reports_url, "owner": get_owner_url}[role](settings)
                connection = await stack.enter_async_context(connect(url))
            except FirstStepError as error:
                findings.append(Finding(f"sign-in {role}", "error", str(error)))
                continue
            api = connection if role == "api" else api
            findings.append(Finding(f"sign-in {role}", "ok", f"The role {get_role(url)} can sign in."))
            findings.append(check_tls(connection, url, role))
        if api is not None:
            findings += await _examine_as_api(settings, api)
    return findings


async def _examine_as_api(settings: Settings, api: asyncpg.Connection) -> list[Finding]:
    try:
        return [finding async for finding in _examine_database(settings, api)]
    except asyncpg.InsufficientPrivilegeError:
        role = await api.fetchval("SELECT current_user")
        message = f"The role {role} lacks privileges of the API. Check the role in the URL of the API."
        return [Finding("safety", "error", message)]


def _list_roles(settings: Settings, *, with_owner: bool) -> list[str]:
    has_file = is_set_up_by_run(settings) and get_url_path(settings.home, "owner").exists()
    has_owner = settings.owner_database_url is not None or has_file
    return ["api", "reports", *(["owner"] if with_owner and has_owner else [])]


async def _examine_database(settings: Settings, api: asyncpg.Connection) -> AsyncIterator[Finding]:
    version = api.get_server_version()
    if version.major < MIN_SERVER_VERSION:
        message = f"PostgreSQL has version {version.major}; First Step needs {MIN_SERVER_VERSION} or newer."
        yield Finding("version", "error", message)
        return
    yield Finding("version", "ok", f"PostgreSQL has version {format_server_version(api)}.")
    yield await check_clock(api)
    yield await check_connections(settings, api)
    schema = await check_schema(api)
    yield schema
    if schema.level == "error":
        return
    yield await check_keys(settings, api)
    yield await check_search_tokens(api)
    async for finding in check_safety(settings, api):
        yield finding


def check_tls(connection: asyncpg.Connection, url: str, role: str) -> Finding:
    """Check that passwords and data of a connection do not cross a network unencrypted."""
    if is_local(url):
        return Finding(f"tls {role}", "ok", f"{describe_server(url)} is on this machine.")
    if uses_tls(connection):
        return Finding(f"tls {role}", "ok", f"The connection to {describe_server(url)} uses TLS.")
    message = f"The connection to {describe_server(url)} is not encrypted. Set PGSSLMODE=verify-full and PGSSLROOTCERT."
    return Finding(f"tls {role}", "error", message)


async def check_search_tokens(connection: asyncpg.Connection) -> Finding:
    """Check that the search tokens were computed by the rules of this version of First Step."""
    if await connection.fetchval(HAS_OLD_TOKENS_SQL, SEARCH_KEY_RULES):
        message = "The search tokens were computed by older rules. Run `rebuild-search-tokens`."
        return Finding("search tokens", "warning", message)
    return Finding("search tokens", "ok", "The search tokens were computed by the current rules.")


async def check_schema(connection: asyncpg.Connection) -> Finding:
    """Check that this version of First Step can use the schema."""
    try:
        schema = await require_usable_schema(connection)
    except FirstStepError as error:
        return Finding("schema", "error", str(error))
    suffix = " of a newer, compatible version" if schema.state == "newer" else ""
    return Finding("schema", "ok", f"The schema is at revision {schema.revision}{suffix}.")


async def check_keys(settings: Settings, connection: asyncpg.Connection) -> Finding:
    """Check that the key ring belongs to the database."""
    try:
        await validate_key_ring(connection, KeyRing.load_configured(settings))
    except FirstStepError as error:
        return Finding("keys", "error", str(error))
    return Finding("keys", "ok", "The key ring belongs to this database.")


async def check_safety(settings: Settings, connection: asyncpg.Connection) -> AsyncIterator[Finding]:
    """Check the settings of the roles in production, and that the mode fits the users of the database."""
    users = await connection.fetchrow(USERS_SQL)
    sentences = await list_unsafe_settings(connection) if settings.mode == "production" else []
    if settings.mode == "production" and users["has_demo_users"]:
        sentences.append("The database contains active demonstration users, which production does not allow.")
    if settings.mode == "demo" and users["has_other_users"] and not users["has_demo_users"]:
        sentences.append("The database contains real users. Remove FIRSTSTEP_MODE=demo.")
    for sentence in sentences:
        yield Finding("safety", "error", sentence)
    if not sentences:
        yield Finding("safety", "ok", f"Roles, settings and users are safe for the mode {settings.mode}.")


async def check_connections(settings: Settings, connection: asyncpg.Connection) -> Finding:
    """Check that the server accepts as many connections as the workers open."""
    available, needed = int(await connection.fetchval(FREE_CONNECTIONS_SQL)), _count_connections(settings)
    if needed > available:
        message = (
            f"The workers open up to {needed} connections, and PostgreSQL accepts {available}. Raise max_connections, or "
            "lower FIRSTSTEP_POOL_SIZE or FIRSTSTEP_WORKERS."
        )
        return Finding("connections", "warning", message)
    return Finding("connections", "ok", f"PostgreSQL accepts {available} connections, {needed} are needed.")


def _count_connections(settings: Settings) -> int:
    """Return the number of connections that the workers and the other processes open at most."""
    per_worker = 2 * settings.pool_size + get_access_pool_size(settings.pool_size)
    metrics_connections = 0 if settings.metrics_port is None else 1
    return settings.workers * per_worker + JOB_CONNECTIONS + metrics_connections


async def check_clock(connection: asyncpg.Connection) -> Finding:
    """Compare the clocks of this machine and of the database."""
    before = time.time()
    database_time = float(await connection.fetchval("SELECT extract(epoch FROM clock_timestamp())"))
    after = time.time()
    seconds = max(before - database_time, database_time - after, 0.0)
    if seconds < LOW_CLOCK_SECONDS:
        return Finding("clock", "ok", "The clocks of this machine and the database agree.")
    level: Literal["warning", "error"] = "error" if seconds > MAX_CLOCK_SECONDS else "warning"
    message = (
        f"The clocks of this machine and the database differ by {seconds:.0f} seconds. Synchronize them."
    )
    return Finding("clock", level, message)


def check_disk(home: Path) -> Finding:
    """Check the free space of the file system of the home directory."""
    existing = next(path for path in (home.absolute(), *home.absolute().parents) if path.exists())
    free = shutil.disk_usage(existing).free
    if free >= LOW_FREE_BYTES:
        return Finding("disk", "ok", f"{existing} has {free / 1024**3:.0f} GiB of free space.")
    level: Literal["warning", "error"] = "error" if free < MIN_FREE_BYTES else "warning"
    return Finding("disk", level, f"{existing} has only {free / 1024**2:.0f} MiB of free space. Free some.")
