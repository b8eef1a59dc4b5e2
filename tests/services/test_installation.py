"""What production refuses to serve from: each of it would break a promise without anybody noticing."""

from typing import Any

import pytest
from sqlalchemy.engine import make_url

from app.database.embedded import ADMIN_ROLE
from app.errors import Conflict
from app.server.installation import validate_production_safety
from tests.conftest import PASSWORD, Cluster
from tests.world import World


async def refusal(url: str) -> str:
    with pytest.raises(Conflict) as refused:
        await validate_production_safety(url)
    return str(refused.value.detail)


async def test_a_role_that_row_security_does_not_bind(world: World, cluster: Cluster) -> None:
    database = str(make_url(world.urls.api).database)
    assert "bypasses row security" in await refusal(cluster.server.build_url(ADMIN_ROLE, PASSWORD, database))
    assert "owns the tables" in await refusal(world.urls.owner)


async def test_demo_users_whose_passwords_lie_in_a_file(world: World, superuser: Any) -> None:
    # Seen to fail: the look for demo users taken out of UNSAFE.
    email = (
        "UPDATE users SET email = 'sok@demo.first-step.example', is_active = $1 WHERE email LIKE 'manager@%'"
    )
    await superuser.execute(email, True)
    assert "demo users" in await refusal(world.urls.api)
    await superuser.execute(email.replace("LIKE 'manager@%'", "LIKE '%@demo.%'"), False)
    assert "demo users" not in await refusal(world.urls.api)


async def test_a_commit_that_does_not_wait_for_the_disk(world: World) -> None:
    assert "could be lost" in await refusal(world.urls.api)  # as the tests' own server is
