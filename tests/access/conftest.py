"""Connections of one's own, past the API: as its role, as the owner, and as the superuser who sees what is true."""

from collections.abc import AsyncIterator
from typing import Any

import asyncpg
import pytest
from sqlalchemy.engine import make_url

from app.database import driver_url
from app.embedded import ADMIN
from tests.conftest import PASSWORD, Cluster
from tests.world import World


@pytest.fixture
async def superuser(cluster: Cluster, world: World) -> AsyncIterator[Any]:
    """Row security and grants bind everybody but this one."""
    name = make_url(world.urls.api).database
    connection = await asyncpg.connect(cluster.server.url(ADMIN, PASSWORD, str(name)))
    yield connection
    await connection.close()


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
