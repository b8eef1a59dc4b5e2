"""Alembic's environment: migrations run as the owner role, one transaction each, never offline."""

import asyncio
import re
from typing import Any

from alembic import context
from sqlalchemy import Connection, pool
from sqlalchemy.dialects.postgresql.base import ischema_names
from sqlalchemy.ext.asyncio import create_async_engine
from sqlmodel import SQLModel

import app.models  # noqa: F401 - registers every table
from app.database.urls import to_sqlalchemy_url
from app.models.record import Xid8

ischema_names["xid8"] = Xid8  # reflection has to recognize the type for `alembic check`
PARTITION = re.compile(r"^access_(events|entries)_(\d{4}_\d{2}|default)$")


def include_name(name: str | None, kind: str, _: Any) -> bool:
    """Exclude partitions from comparisons: `access.create_partitions` creates them."""
    return not (kind == "table" and name and PARTITION.match(name))


def migrate(connection: Connection) -> None:
    """Run the requested migrations on one connection."""
    context.configure(
        connection=connection,
        target_metadata=SQLModel.metadata,
        include_name=include_name,
        transaction_per_migration=True,
        compare_type=True,
    )
    with context.begin_transaction():
        context.run_migrations()


async def main() -> None:
    """Connect as the owner."""
    engine = create_async_engine(
        to_sqlalchemy_url(context.config.attributes["owner_url"]), poolclass=pool.NullPool
    )
    async with engine.connect() as connection:
        await connection.run_sync(migrate)
        await connection.commit()
    await engine.dispose()


connection = context.config.attributes.get("connection")
if connection is not None:
    migrate(connection)
else:
    asyncio.run(main())
