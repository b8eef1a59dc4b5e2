"""Preparing a database: roles, migrations, partitions."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import asyncpg

from app.database.embedded import generate_database_password
from app.database.errors import translate_database_errors
from app.database.urls import DatabaseUrls, replace_role, to_driver_url

if TYPE_CHECKING:
    from alembic.config import Config
    from sqlalchemy import Connection

MIGRATIONS_DIR = Path(__file__).parents[2] / "alembic"
ROLES = ("owner", "api", "reports")


async def create_database_roles(admin_url: str) -> DatabaseUrls:
    """Create the roles, or give them new passwords, in the database that the URL names.

    Raises:
        Unavailable: the database cannot be reached, or the URL's user may not create roles.
    """
    passwords = {role: generate_database_password() for role in ROLES}
    with translate_database_errors():
        connection = await asyncpg.connect(to_driver_url(admin_url))
        try:
            await connection.execute((MIGRATIONS_DIR / "roles.sql").read_text())
            for role, password in passwords.items():
                # A password is no parameter in this statement; ours are URL-safe base64 and need no quoting.
                await connection.execute(f"ALTER ROLE firststep_{role} PASSWORD '{password}'")
        finally:
            await connection.close()
    return DatabaseUrls(
        **{role: replace_role(admin_url, f"firststep_{role}", passwords[role]) for role in ROLES}
    )


def build_alembic_config(owner_url: str) -> "Config":
    """Return Alembic's configuration for this database."""
    from alembic.config import Config  # noqa: PLC0415 - a start without migrations does without Alembic

    made = Config(toml_file=str(Path(__file__).parents[2] / "pyproject.toml"))
    made.set_main_option("script_location", str(MIGRATIONS_DIR))
    made.attributes["owner_url"] = owner_url
    return made


def upgrade_schema(owner_url: str, revision: str = "head") -> None:
    """Bring the schema to a revision, as the owner."""
    from alembic import command  # noqa: PLC0415 - same

    command.upgrade(build_alembic_config(owner_url), revision)


def create_migration(owner_url: str, message: str) -> None:
    """Draft the next numbered migration from what the models have and the database has not."""
    from alembic import command  # noqa: PLC0415 - same

    number = 1 + max(int(path.name[:4]) for path in (MIGRATIONS_DIR / "versions").glob("[0-9]*.py"))
    command.revision(
        build_alembic_config(owner_url), message=message, autogenerate=True, rev_id=f"{number:04}"
    )


def run_sql_script(connection: "Connection", script: Path) -> None:
    """Run a file of statements over the driver's simple protocol: a prepared statement holds only one."""
    from sqlalchemy.util import await_only  # noqa: PLC0415 - same

    driver: Any = connection.connection.driver_connection
    await_only(driver.execute(script.read_text()))


async def create_access_log_partitions(owner_url: str) -> int:
    """Make the log's monthly partitions for this and the coming months; return how many were new."""
    with translate_database_errors():
        connection = await asyncpg.connect(to_driver_url(owner_url))
        try:
            return int(await connection.fetchval("SELECT access.create_partitions()"))
        finally:
            await connection.close()


async def get_schema_revision(owner_url: str) -> str | None:
    """Return the schema's revision, or None for an empty database."""
    with translate_database_errors():
        connection = await asyncpg.connect(to_driver_url(owner_url))
        try:
            if await connection.fetchval("SELECT to_regclass('public.alembic_version')") is None:
                return None
            found = await connection.fetchval("SELECT version_num FROM alembic_version")
            return None if found is None else str(found)
        finally:
            await connection.close()


async def run_in_thread(work: Callable[..., object], *arguments: object) -> None:
    """Run Alembic from inside an event loop: its environment starts a loop of its own."""
    await asyncio.get_running_loop().run_in_executor(None, lambda: work(*arguments))
