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

HOME = Path(tempfile.mkdtemp(prefix="firststep-tests-"))
os.environ["FIRSTSTEP_HOME"] = str(HOME)
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
from tests import collected  # noqa: E402, F401 - from here on, in every test
from tests.ground import SETTLED, Grounds  # noqa: E402
from tests.world import World, settle  # noqa: E402

PASSWORD = "tests-only"
TEMPLATE = "template_firststep"


def pytest_unconfigure() -> None:
    shutil.rmtree(HOME, ignore_errors=True)


@dataclass(frozen=True)
class Cluster:
    """The test server, and how to get a fresh migrated database of it."""

    server: EmbeddedServer
    urls: DatabaseUrls
    """Of the template."""

    async def connect(self, database: str) -> asyncpg.Connection:
        """Connect past the API, as who is bound by nothing."""
        return await asyncpg.connect(self.server.build_url(ADMIN_ROLE, PASSWORD, database))

    async def admin(self, statement: str, database: str = "postgres") -> None:
        connection = await self.connect(database)
        try:
            await connection.execute(statement)
        finally:
            await connection.close()

    async def clone(self, name: str) -> DatabaseUrls:
        await self.admin(f'CREATE DATABASE "{name}" TEMPLATE {TEMPLATE} STRATEGY FILE_COPY')
        return DatabaseUrls(*(_on(url, name) for url in (self.urls.owner, self.urls.api, self.urls.reports)))

    async def drop(self, name: str) -> None:
        await self.admin(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def _on(url: str, database: str) -> str:
    head, _, query = url.partition("?")
    return f"{head.rpartition('/')[0]}/{database}?{query}"


@pytest.fixture(scope="session")
def keys() -> KeyRing:
    return KeyRing.load_or_create(get_settings().key_ring_path)


@pytest.fixture(scope="session")
def cluster(keys: KeyRing) -> Iterator[Cluster]:
    """A server for this test process, without fsync: nothing here must survive a power cut."""
    del keys
    server = EmbeddedServer(HOME, durable=False)
    admin = server.start(PASSWORD)
    try:
        urls = asyncio.run(_template(server, admin))
        yield Cluster(server, urls)
    finally:
        server.stop()


async def _template(server: EmbeddedServer, admin: str) -> DatabaseUrls:
    connection = await asyncpg.connect(admin)
    await connection.execute(f"CREATE DATABASE {TEMPLATE}")
    await connection.close()
    urls = await migrations.create_database_roles(server.build_url(ADMIN_ROLE, PASSWORD, TEMPLATE))
    await migrations.run_in_thread(migrations.upgrade_schema, urls.owner)
    engine = create_async_engine(to_sqlalchemy_url(urls.owner))
    owner = await asyncpg.connect(urls.owner)
    await places.load_places(owner, gazetteer.compute_checksum())
    await owner.close()
    async with AsyncSession(engine) as session:
        await settle(session)
    await engine.dispose()
    return urls


@pytest.fixture(scope="session")
async def grounds(cluster: Cluster) -> AsyncIterator[Grounds]:
    await cluster.admin(SETTLED, TEMPLATE)
    found = Grounds(cluster)
    yield found
    await found.leave()


@pytest.fixture(scope="session")
def app(keys: KeyRing) -> FastAPI:
    """The app, built once: a test gives it the database it takes its turn in."""
    del keys
    return create_app()


@pytest.fixture
async def world(grounds: Grounds, app: FastAPI) -> AsyncIterator[World]:
    """A First Step of this test's own: everything really commits."""
    ground = await grounds.take()
    app.state.database = ground.database
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    try:
        async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as http:
            yield World(app, http, ground.database, ground.urls)
    finally:
        await grounds.give_back()


@pytest.fixture
async def superuser(cluster: Cluster, world: World) -> AsyncIterator[Any]:
    """A connection past the API that sees what is true: row security and grants bind everybody but this one."""
    connection = await cluster.connect(str(make_url(world.urls.api).database))
    yield connection
    await connection.close()
