"""Compare the revision of the schema with the migrations of this version of First Step."""

from dataclasses import dataclass
from typing import Literal

import asyncpg

from app.database.migrations import MIGRATIONS_DIR
from app.errors import Conflict

OLDEST_REVISION_SQL = "SELECT access.oldest_compatible_revision()"


@dataclass(frozen=True, slots=True)
class SchemaRevision:
    """The revision of a schema that this version can use or upgrade."""

    revision: str | None
    """None for an empty database."""
    state: Literal["empty", "outdated", "current", "newer"]
    """`newer`: a later version has only added to the schema, so this version can use it."""


async def get_schema_revision(connection: asyncpg.Connection) -> SchemaRevision:
    """Return the revision of the schema.

    Raises:
        Conflict: a later version has changed the schema so that this version cannot use it.
    """
    if await connection.fetchval("SELECT to_regclass('public.alembic_version')") is None:
        return SchemaRevision(None, "empty")
    revision = await connection.fetchval("SELECT version_num FROM alembic_version")
    if revision is None:
        return SchemaRevision(None, "empty")
    if revision in list_revisions():
        return SchemaRevision(revision, "current" if revision == get_newest_revision() else "outdated")
    validate_newer_revision(revision, await connection.fetchval(OLDEST_REVISION_SQL))
    return SchemaRevision(revision, "newer")


async def require_usable_schema(connection: asyncpg.Connection) -> SchemaRevision:
    """Return the revision of the schema, if this version of First Step can use it without an upgrade.

    Raises:
        Conflict: it cannot.
    """
    schema = await get_schema_revision(connection)
    if schema.state in {"empty", "outdated"}:
        raise Conflict(f"The database schema is {schema.state}. Run `migrate`.")
    return schema


def validate_newer_revision(revision: str, oldest_compatible: str) -> None:
    """Check that this version can use a schema of a later version. Revisions are numbers of four digits.

    Raises:
        Conflict: it cannot.
    """
    if oldest_compatible > get_newest_revision():
        raise Conflict(
            f"The database has the schema revision {revision}, and this version of First Step knows revisions up to "
            f"{get_newest_revision()}. Start the newer version, or use another database."
        )


def get_newest_revision() -> str:
    """Return the number of the newest migration, without importing Alembic."""
    return max(list_revisions())


def list_revisions() -> list[str]:
    """Return the numbers of all migrations."""
    return [path.name.partition("_")[0] for path in (MIGRATIONS_DIR / "versions").glob("*.py")]
