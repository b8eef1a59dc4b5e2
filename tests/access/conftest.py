"""Connections of one's own, past the API: as its role, and as the owner."""

from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine

from app.database.embedded import ADMIN_ROLE
from app.database.urls import to_driver_url, to_sqlalchemy_url
from tests.access.furniture import one_of_everything
from tests.access.intrusion import Furnished
from tests.conftest import PASSWORD, Cluster
from tests.world import World, id_of


@pytest.fixture
async def intruder(world: World) -> AsyncIterator[Any]:
    """Somebody who holds the API's password and writes SQL by hand."""
    connection = await asyncpg.connect(to_driver_url(world.urls.api))
    yield connection
    await connection.close()


@pytest.fixture
async def owner(world: World) -> AsyncIterator[Any]:
    """Whoever runs the migrations."""
    connection = await asyncpg.connect(to_driver_url(world.urls.owner))
    yield connection
    await connection.close()


async def furnish(cluster: Cluster, world: World, case: dict[str, Any], author: str) -> None:
    """Put one row into every table of a case's, past the API."""
    name = str(make_url(world.urls.api).database)
    engine = create_async_engine(to_sqlalchemy_url(cluster.server.build_url(ADMIN_ROLE, PASSWORD, name)))
    async with AsyncSession(engine) as session:
        for row in one_of_everything(case, id_of(author)):
            session.add(row)
            await session.flush()  # in order: each stands on those before it
        await session.commit()
    await engine.dispose()


@pytest.fixture
async def furnished(cluster: Cluster, world: World) -> Furnished:
    north, south, other = [
        await world.case(lead) for lead in ("worker_north", "worker_south", "worker_south")
    ]
    staff = {"lead_worker_id": north["lead_worker_id"], "co_worker_ids": [str(id_of("worker_north_2"))]}
    assigned = await world.supervisor_north.act(f"/v1/cases/{north['id']}", "assign", staff)
    linking = {"linked_case_id": south["id"], "reason": "Brothers."}
    linked = await world.supervisor_both.post(f"/v1/cases/{north['id']}/links", linking)
    glass = {"reason": "The worker is away, the child is at the door."}
    broken = await world.worker_north_2.post(f"/v1/cases/{other['id']}/break-glass", glass)
    asked = await world.referral()
    path = f"/v1/referrals/{asked['id']}"
    taken = await world.supervisor_north.act(path, "acknowledge")
    question = await world.supervisor_north.act(path, "request-information", {"question": "Which school?"})
    statuses = [answer.status_code for answer in (assigned, linked, broken, taken, question)]
    assert statuses == [200, 201, 200, 200, 200]
    await furnish(cluster, world, north, "worker_north")
    return Furnished(north, south, other, asked)
