"""Prepare a database: create roles, run migrations, create partitions."""

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
    """Create the database roles, or set new passwords for existing ones, and return the URL of each role.

    Raises:
        Unavailable: the database cannot be reached.
    """
    passwords = {role: generate_database_password() for role in ROLES}
    with translate_database_errors():
        connection = await asyncpg.connect(to_driver_url(admin_url))
        try:
            await connection.execute((MIGRATIONS_DIR / "roles.sql").read_text())
            for role, password in passwords.items():
                # ALTER ROLE takes no parameters. The generated passwords are URL-safe base64 and need no quoting.
                await connection.execute(f"ALTER ROLE firststep_{role} PASSWORD '{password}'")
        finally:
            await connection.close()
    return DatabaseUrls(
        **{role: replace_role(admin_url, f"firststep_{role}", passwords[role]) for role in ROLES}
    )


def build_alembic_config(owner_url: str) -> "Config":
    """Return the configuration of Alembic for a database."""
    from alembic.config import Config  # noqa: PLC0415 - a start without pending migrations does not need Alembic

    config = Config(toml_file=str(Path(__file__).parents[2] / "pyproject.toml"))
    config.set_main_option("script_location", str(MIGRATIONS_DIR))
    config.attributes["owner_url"] = owner_url
    return config


def upgrade_schema(owner_url: str, revision: str = "head") -> None:
    """Upgrade the schema to a revision. `owner_url` is the URL of the owner role."""
    from alembic import command  # noqa: PLC0415 - same

    command.upgrade(build_alembic_config(owner_url), revision)


def create_migration(owner_url: str, message: str) -> None:
    """Generate the next numbered migration from the differences between the models and the database."""
    from alembic import command  # noqa: PLC0415 - same

    number = 1 + max(int(path.name[:4]) for path in (MIGRATIONS_DIR / "versions").glob("[0-9]*.py"))
    command.revision(
        build_alembic_config(owner_url), message=message, autogenerate=True, rev_id=f"{number:04}"
    )


def run_sql_script(connection: "Connection", script: Path) -> None:
    """Run a file with several statements, with the simple query protocol: a prepared statement can contain only one."""
    from sqlalchemy.util import await_only  # noqa: PLC0415 - same

    driver: Any = connection.connection.driver_connection
    await_only(driver.execute(script.read_text()))


async def create_access_log_partitions(owner_url: str) -> int:
    """Create the missing partitions of the access log for this and the next 18 months. Return the number created."""
    with translate_database_errors():
        connection = await asyncpg.connect(to_driver_url(owner_url))
        try:
            return int(await connection.fetchval("SELECT access.create_partitions()"))
        finally:
            await connection.close()


async def get_schema_revision(owner_url: str) -> str | None:
    """Return the revision of the schema, or None for an empty database."""
    with translate_database_errors():
        connection = await asyncpg.connect(to_driver_url(owner_url))
        try:
            if await connection.fetchval("SELECT to_regclass('public.alembic_version')") is None:
                return None
            revision = await connection.fetchval("SELECT version_num FROM alembic_version")
            return None if revision is None else str(revision)
        finally:
            await connection.close()


async def run_in_thread(function: Callable[..., object], *arguments: object) -> None:
    """Run an Alembic function in a thread, because its environment starts an event loop."""
    await asyncio.get_running_loop().run_in_executor(None, lambda: function(*arguments))
