"""Shared ground: a real PostgreSQL, migrated once into a template; the real app with real tokens; invented people."""

import asyncio
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
from fastapi import FastAPI

TEST_HOME = Path(tempfile.mkdtemp(prefix="firststep-tests-"))
os.environ["FIRSTSTEP_HOME"] = str(TEST_HOME)
os.environ["FIRSTSTEP_PUBLIC_URL"] = "http://testserver"
os.environ["FIRSTSTEP_MODE"] = "demo"
os.environ.pop("FIRSTSTEP_DATABASE_URL", None)

from sqlalchemy.engine import make_url  # noqa: E402
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine  # noqa: E402

from app.access.keyring import KeyRing  # noqa: E402
from app.config import get_settings  # noqa: E402
from app.database import migrations  # noqa: E402
from app.database.embedded import ADMIN_ROLE, EmbeddedServer  # noqa: E402
from app.database.urls import DatabaseUrls, to_sqlalchemy_url  # noqa: E402
from app.main import create_app  # noqa: E402
from app.services.persons import gazetteer, places  # noqa: E402
from tests.support import unlogged_reads as collected  # noqa: E402, F401 - from here on, in every test
from tests.support.database_pool import TEMPLATE_SETUP_SQL, DatabasePool  # noqa: E402
from tests.support.scenario import Scenario, insert_organization  # noqa: E402

ADMIN_PASSWORD = "tests-only"
TEMPLATE_DATABASE = "template_firststep"


def pytest_unconfigure() -> None:
    shutil.rmtree(TEST_HOME, ignore_errors=True)


@dataclass(frozen=True)
class Cluster:
    """The test server, and how to get a fresh migrated database of it."""

    server: EmbeddedServer
    urls: DatabaseUrls
    """Of the template."""

    async def connect(self, database: str) -> asyncpg.Connection:
        """Connect past the API, as who is bound by nothing."""
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
        return DatabaseUrls(
            *(_url_for_database(url, name) for url in (self.urls.owner, self.urls.api, self.urls.reports))
        )

    async def drop(self, name: str) -> None:
        await self.execute_as_superuser(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def _url_for_database(url: str, database: str) -> str:
    head, _, query = url.partition("?")
    return f"{head.rpartition('/')[0]}/{database}?{query}"


@pytest.fixture(scope="session")
def key_ring() -> KeyRing:
    return KeyRing.load_or_create(get_settings().key_ring_path)


@pytest.fixture(scope="session")
def cluster(key_ring: KeyRing) -> Iterator[Cluster]:
    """A server for this test process, without fsync: nothing here must survive a power cut."""
    del key_ring
    server = EmbeddedServer(TEST_HOME, durable=False)
    admin = server.start(ADMIN_PASSWORD)
    try:
        urls = asyncio.run(_create_template_database(server, admin))
        yield Cluster(server, urls)
    finally:
        server.stop()


async def _create_template_database(server: EmbeddedServer, admin: str) -> DatabaseUrls:
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
    return urls


@pytest.fixture(scope="session")
async def database_pool(cluster: Cluster) -> AsyncIterator[DatabasePool]:
    await cluster.execute_as_superuser(TEMPLATE_SETUP_SQL, TEMPLATE_DATABASE)
    found = DatabasePool(cluster)
    yield found
    await found.drop_current()


@pytest.fixture(scope="session")
def app(key_ring: KeyRing) -> FastAPI:
    """The app, built once: a test gives it the database it takes its turn in."""
    del key_ring
    return create_app()


@pytest.fixture
async def scenario(database_pool: DatabasePool, app: FastAPI) -> AsyncIterator[Scenario]:
    """A First Step of this test's own: everything really commits."""
    ground = await database_pool.acquire()
    app.state.database = ground.database
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    try:
        async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as http:
            yield Scenario(app, http, ground.database, ground.urls)
    finally:
        await database_pool.release()


@pytest.fixture
async def superuser_connection(cluster: Cluster, scenario: Scenario) -> AsyncIterator[Any]:
    """A connection past the API that sees what is true: row security and grants bind everybody but this one."""
    connection = await cluster.connect(str(make_url(scenario.urls.api).database))
    yield connection
    await connection.close()
