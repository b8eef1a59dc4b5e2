"""Fixtures of all tests: a PostgreSQL server with a migrated template database, and the application with real tokens."""

import tests.support.environment  # noqa: F401 - sets the environment before `app` is imported

# isort: split
import asyncio
import shutil
from collections.abc import AsyncIterator, Iterator
from typing import Any, Never

import asyncpg
import httpx
import pytest
from fastapi import FastAPI
from hypothesis import HealthCheck, settings
from sqlalchemy.engine import make_url

from app.access.keyring import KeyRing
from app.config import get_settings
from app.database.disk_space import clear_full_disk
from app.database.embedded import EmbeddedServer
from app.database.urls import to_driver_url
from app.kit import dates
from app.main import create_app
from tests.support import unlogged_reads  # noqa: F401 - registers a listener for every test
from tests.support.database_cluster import (
    ADMIN_PASSWORD,
    SERVER_SETTINGS,
    TEMPLATE_DATABASE,
    Cluster,
    create_template_database,
)
from tests.support.database_pool import TEMPLATE_SETUP_SQL, DatabasePool
from tests.support.environment import TEST_HOME
from tests.support.responses import expect_json
from tests.support.sample_rows import PopulatedDatabase, insert_sample_rows
from tests.support.scenario import Scenario, id_of

# Hypothesis deadlines are disabled: durations vary on a shared machine, and the first examples in a new process are
# slow.
settings.register_profile("suite", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("suite")


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """Reject dates of today that a test module computes at import: they are wrong after midnight in Cambodia."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dates, "utc_now", _fail_at_import)
        return (yield)


def _fail_at_import() -> Never:
    raise AssertionError("compute dates of today in a function, not when the test module is imported")


def pytest_unconfigure() -> None:
    shutil.rmtree(TEST_HOME, ignore_errors=True)


@pytest.fixture(scope="session")
def key_ring() -> KeyRing:
    return KeyRing.load_or_create(get_settings().key_ring_path)


@pytest.fixture(scope="session")
def cluster(key_ring: KeyRing) -> Iterator[Cluster]:
    """A server for this test process. It runs without fsync, because its data need not survive a crash."""
    del key_ring
    server = EmbeddedServer(TEST_HOME, durable=False, settings=SERVER_SETTINGS)
    admin = server.start(ADMIN_PASSWORD)
    try:
        urls = asyncio.run(create_template_database(server, admin))
        yield Cluster(server, urls)
    finally:
        server.stop()


@pytest.fixture(scope="session")
async def database_pool(cluster: Cluster) -> AsyncIterator[DatabasePool]:
    await cluster.execute_as_superuser(TEMPLATE_SETUP_SQL, TEMPLATE_DATABASE)
    pool = DatabasePool(cluster)
    yield pool
    await pool.drop_current()


@pytest.fixture(scope="session")
def app(key_ring: KeyRing) -> FastAPI:
    """The application. It is created once; each test connects it to its database."""
    del key_ring
    return create_app()


@pytest.fixture
async def scenario(database_pool: DatabasePool, app: FastAPI) -> AsyncIterator[Scenario]:
    """The application with an empty database for one test. Its transactions commit."""
    pooled = await database_pool.acquire()
    app.state.database = pooled.database
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    try:
        async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as http:
            yield Scenario(app, http, pooled.database, pooled.urls)
    finally:
        clear_full_disk()
        await database_pool.release()


@pytest.fixture
async def superuser_connection(cluster: Cluster, scenario: Scenario) -> AsyncIterator[Any]:
    """A superuser connection, which row-level security and grants do not restrict."""
    connection = await cluster.connect(str(make_url(scenario.urls.api).database))
    yield connection
    await connection.close()


@pytest.fixture
async def api_connection(scenario: Scenario) -> AsyncIterator[Any]:
    """A connection with the database role of the API."""
    connection = await asyncpg.connect(to_driver_url(scenario.urls.api))
    yield connection
    await connection.close()


@pytest.fixture
async def owner_connection(scenario: Scenario) -> AsyncIterator[Any]:
    """A connection with the owner role, which runs the migrations."""
    connection = await asyncpg.connect(to_driver_url(scenario.urls.owner))
    yield connection
    await connection.close()


@pytest.fixture
async def populated_database(cluster: Cluster, scenario: Scenario) -> PopulatedDatabase:
    """A database in which every table about children has at least one row."""
    north, south, other = [
        await scenario.open_case(lead) for lead in ("worker_north", "worker_south", "worker_south")
    ]
    supervisor = scenario.supervisor_north
    staff = {"lead_worker_id": north["lead_worker_id"], "co_worker_ids": [str(id_of("worker_north_2"))]}
    expect_json(await supervisor.act(f"/v1/cases/{north['id']}", "assign", staff))
    link = {"linked_case_id": south["id"], "reason": "Brothers."}
    expect_json(await scenario.supervisor_both.post(f"/v1/cases/{north['id']}/links", link), 201)
    sibling = {"sibling_case_id": other["id"]}
    expect_json(await scenario.supervisor_both.post(f"/v1/cases/{north['id']}/siblings", sibling), 201)
    emergency = {"reason": "The worker is away, the child is at the door."}
    expect_json(await scenario.worker_north_2.post(f"/v1/cases/{other['id']}/break-glass", emergency))
    referral = await scenario.create_referral()
    path = f"/v1/referrals/{referral['id']}"
    expect_json(await supervisor.act(path, "acknowledge"))
    expect_json(await supervisor.act(path, "request-information", {"question": "Which school?"}))
    await insert_sample_rows(cluster, scenario, north, "worker_north")
    return PopulatedDatabase(north, south, other, referral)
