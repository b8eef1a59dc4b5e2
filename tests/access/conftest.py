"""Connections of one's own, past the API: as its role, and as the owner."""

from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest

from app.database_urls import driver_url
from tests.access.intrusion import Furnished
from tests.world import World, id_of


@pytest.fixture
async def intruder(world: World) -> AsyncIterator[Any]:
    """Somebody who holds the API's password and writes SQL by hand."""
    connection = await asyncpg.connect(driver_url(world.urls.api))
    yield connection
    await connection.close()


@pytest.fixture
async def owner(world: World) -> AsyncIterator[Any]:
    """Whoever runs the migrations."""
    connection = await asyncpg.connect(driver_url(world.urls.owner))
    yield connection
    await connection.close()


@pytest.fixture
async def furnished(world: World) -> Furnished:
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
    return Furnished(north, south, other, asked)
