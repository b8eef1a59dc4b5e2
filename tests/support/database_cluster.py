"""The PostgreSQL server of the tests, and the template of each test database."""

from dataclasses import dataclass

import asyncpg
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine

from app.access.session_store import register_session_key
from app.database import migrations
from app.database.embedded import ADMIN_ROLE, EmbeddedServer
from app.database.engine import Database
from app.database.urls import DatabaseUrls, to_sqlalchemy_url
from app.services.persons import gazetteer, places
from tests.support.scenario import insert_organization

ADMIN_PASSWORD = "tests-only"
TEMPLATE_DATABASE = "template_firststep"
COPY_DATABASE_PRIVILEGES_SQL = """
    REVOKE ALL ON DATABASE "{name}" FROM PUBLIC;
    GRANT CONNECT ON DATABASE "{name}" TO firststep_owner, firststep_api, firststep_reports;
    GRANT CREATE ON DATABASE "{name}" TO firststep_owner;
"""
SERVER_SETTINGS = {"shared_preload_libraries": "pg_stat_statements", "pg_stat_statements.track": "none"}
"""Statements are counted only in a database with another value of `pg_stat_statements.track`."""


@dataclass(frozen=True)
class Cluster:
    """The test server with its migrated template database."""

    server: EmbeddedServer
    urls: DatabaseUrls
    """URLs of the template database."""

    async def connect(self, database: str) -> asyncpg.Connection:
        """Connect as superuser. Row-level security and grants do not restrict the connection."""
        return await asyncpg.connect(self.server.build_url(ADMIN_ROLE, ADMIN_PASSWORD, database))

    async def execute_as_superuser(self, statement: str, database: str = "postgres") -> None:
        connection = await self.connect(database)
        try:
            await connection.execute(statement)
        finally:
            await connection.close()

    async def clone(self, name: str) -> DatabaseUrls:
        await self.execute_as_superuser(
            f'CREATE DATABASE "{name}" TEMPLATE {TEMPLATE_DATABASE} STRATEGY FILE_COPY'
        )
        # PostgreSQL does not copy the privileges on a database.
        await self.execute_as_superuser(COPY_DATABASE_PRIVILEGES_SQL.format(name=name))
        return DatabaseUrls(
            *(_url_for_database(url, name) for url in (self.urls.owner, self.urls.api, self.urls.reports))
        )

    async def drop(self, name: str) -> None:
        await self.execute_as_superuser(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def _url_for_database(url: str, database: str) -> str:
    location, _, query = url.partition("?")
    return f"{location.rpartition('/')[0]}/{database}?{query}"


async def create_template_database(server: EmbeddedServer, admin: str) -> DatabaseUrls:
    connection = await asyncpg.connect(admin)
    await connection.execute(f"CREATE DATABASE {TEMPLATE_DATABASE}")
    await connection.close()
    urls = await migrations.create_database_roles(
        server.build_url(ADMIN_ROLE, ADMIN_PASSWORD, TEMPLATE_DATABASE)
    )
    await migrations.run_in_thread(migrations.upgrade_schema, urls.owner)
    engine = create_async_engine(to_sqlalchemy_url(urls.owner))
    owner = await asyncpg.connect(urls.owner)
    await places.load_places(owner, gazetteer.compute_checksum())
    await owner.close()
    async with AsyncSession(engine) as session:
        await insert_organization(session)
    await engine.dispose()
    database = Database(urls.api, pool_size=1)
    await register_session_key(database)
    await database.engine.dispose()
    return urls
