"""Connections of one's own, past the API: as its role, and as the owner."""

from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine

from app.database.embedded import ADMIN_ROLE
from app.database.urls import to_driver_url, to_sqlalchemy_url
from tests.conftest import ADMIN_PASSWORD, Cluster
from tests.support.raw_sql import PopulatedDatabase
from tests.support.sample_rows import build_sample_rows
from tests.support.scenario import Scenario, id_of


@pytest.fixture
async def api_connection(scenario: Scenario) -> AsyncIterator[Any]:
    """Somebody who holds the API's password and writes SQL by hand."""
    connection = await asyncpg.connect(to_driver_url(scenario.urls.api))
    yield connection
    await connection.close()


@pytest.fixture
async def owner_connection(scenario: Scenario) -> AsyncIterator[Any]:
    """Whoever runs the migrations."""
    connection = await asyncpg.connect(to_driver_url(scenario.urls.owner))
    yield connection
    await connection.close()


async def insert_sample_rows(cluster: Cluster, scenario: Scenario, case: dict[str, Any], author: str) -> None:
    """Put one row into every table of a case's, past the API."""
    name = str(make_url(scenario.urls.api).database)
    engine = create_async_engine(
        to_sqlalchemy_url(cluster.server.build_url(ADMIN_ROLE, ADMIN_PASSWORD, name))
    )
    async with AsyncSession(engine) as session:
        for row in build_sample_rows(case, id_of(author)):
            session.add(row)
            await session.flush()  # in order: each stands on those before it
        await session.commit()
    await engine.dispose()


@pytest.fixture
async def populated_database(cluster: Cluster, scenario: Scenario) -> PopulatedDatabase:
    north, south, other = [
        await scenario.open_case(lead) for lead in ("worker_north", "worker_south", "worker_south")
    ]
    staff = {"lead_worker_id": north["lead_worker_id"], "co_worker_ids": [str(id_of("worker_north_2"))]}
    assigned = await scenario.supervisor_north.act(f"/v1/cases/{north['id']}", "assign", staff)
    linking = {"linked_case_id": south["id"], "reason": "Brothers."}
    linked = await scenario.supervisor_both.post(f"/v1/cases/{north['id']}/links", linking)
    glass = {"reason": "The worker is away, the child is at the door."}
    broken = await scenario.worker_north_2.post(f"/v1/cases/{other['id']}/break-glass", glass)
    asked = await scenario.create_referral()
    path = f"/v1/referrals/{asked['id']}"
    taken = await scenario.supervisor_north.act(path, "acknowledge")
    question = await scenario.supervisor_north.act(path, "request-information", {"question": "Which school?"})
    statuses = [answer.status_code for answer in (assigned, linked, broken, taken, question)]
    assert statuses == [200, 201, 200, 200, 200]
    await insert_sample_rows(cluster, scenario, north, "worker_north")
    return PopulatedDatabase(north, south, other, asked)
