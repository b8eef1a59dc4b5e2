"""Prepare a database: create roles, run migrations, create partitions."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.database.connections import hold_set_up_lock
from app.database.embedded import generate_database_password
from app.database.errors import translate_database_errors
from app.database.urls import DatabaseUrls, replace_role
from app.errors import Conflict

if TYPE_CHECKING:
    from alembic.config import Config
    from sqlalchemy import Connection

MIGRATIONS_DIR = Path(__file__).parents[2] / "alembic"
ROLES = ("owner", "api", "reports")
DEFAULT_ROLE_PREFIX = "firststep"
"""Beginning of the names of the roles in the SQL files."""
EXISTING_ROLES_SQL = "SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = ANY ($1))"
EXISTING_ROLES_MESSAGE = (
    "The database roles exist already, and this home directory does not have their passwords. Copy owner.url, api.url "
    "and reports.url from the machine that created them, or set new passwords with `migrate --reset-passwords`, which "
    "ends the access of other installations that use these roles."
)


async def create_database_roles(
    admin_url: str,
    *,
    prefix: str = DEFAULT_ROLE_PREFIX,
    reset_passwords: bool = False,
    report_progress: Callable[[str], None] = lambda _: None,
) -> DatabaseUrls:
    """Create the database roles with generated passwords, and return the URL of each role.

    Args:
        admin_url: URL of a role that can create roles.
        prefix: beginning of the names of the roles.
        reset_passwords: set new passwords for roles that exist. Other installations that use them lose their access.
        report_progress: receives progress messages.

    Raises:
        Conflict: a role exists, and `reset_passwords` is false.
        Unavailable: the database cannot be reached.
    """
    passwords = {role: generate_database_password() for role in ROLES}
    with translate_database_errors():
        async with hold_set_up_lock(admin_url, report_progress) as connection:
            names = [f"{prefix}_{role}" for role in ROLES]
            if not reset_passwords and await connection.fetchval(EXISTING_ROLES_SQL, names):
                raise Conflict(EXISTING_ROLES_MESSAGE)
            await connection.execute(render_sql_script(MIGRATIONS_DIR / "roles.sql", prefix))
            for role, password in passwords.items():
                # ALTER ROLE takes no parameters. The generated passwords are URL-safe base64 and need no quoting.
                await connection.execute(f"ALTER ROLE {prefix}_{role} PASSWORD '{password}'")
    return DatabaseUrls(
        **{role: replace_role(admin_url, f"{prefix}_{role}", passwords[role]) for role in ROLES}
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
    """Run a file with several statements, with the simple query protocol: a prepared statement can contain only one.

    The names of the roles begin with the same prefix as the name of the owner, which runs the migrations.
    """
    from sqlalchemy.util import await_only  # noqa: PLC0415 - same

    driver: Any = connection.connection.driver_connection
    role = await_only(driver.fetchval("SELECT current_user"))
    prefix = role.removesuffix("_owner") if role.endswith("_owner") else DEFAULT_ROLE_PREFIX
    await_only(driver.execute(render_sql_script(script, prefix)))


def render_sql_script(script: Path, prefix: str) -> str:
    """Return the text of a SQL file with the role names of an installation. Only names of roles begin with `firststep_`."""
    return script.read_text().replace(f"{DEFAULT_ROLE_PREFIX}_", f"{prefix}_")


async def run_in_thread(function: Callable[..., object], *arguments: object) -> None:
    """Run an Alembic function in a thread, because its environment starts an event loop."""
    await asyncio.get_running_loop().run_in_executor(None, lambda: function(*arguments))
