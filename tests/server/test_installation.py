"""Checks of the database before the server starts in production."""

from typing import Any

import pytest
from sqlalchemy.engine import make_url

from app.database.embedded import ADMIN_ROLE
from app.errors import Conflict
from app.server.installation import get_newest_revision, validate_production_safety, validate_schema_revision
from tests.support.database_cluster import ADMIN_PASSWORD, Cluster
from tests.support.scenario import Scenario


async def get_conflict_detail(url: str) -> str:
    with pytest.raises(Conflict) as error:
        await validate_production_safety(url)
    return str(error.value.detail)


async def test_production_rejects_role_that_bypasses_row_level_security(
    scenario: Scenario, cluster: Cluster
) -> None:
    database = str(make_url(scenario.urls.api).database)
    assert "bypasses row-level security" in await get_conflict_detail(
        cluster.server.build_url(ADMIN_ROLE, ADMIN_PASSWORD, database)
    )
    assert "owns the tables" in await get_conflict_detail(scenario.urls.owner)


async def test_production_rejects_active_demonstration_users(
    scenario: Scenario, superuser_connection: Any
) -> None:
    # Planted: the check for demonstration users removed from PRODUCTION_SAFETY_QUERY.
    update = (
        "UPDATE users SET email = 'sok@demo.first-step.example', is_active = $1 WHERE email LIKE 'manager@%'"
    )
    await superuser_connection.execute(update, True)
    assert "demonstration users" in await get_conflict_detail(scenario.urls.api)
    await superuser_connection.execute(update.replace("LIKE 'manager@%'", "LIKE '%@demo.%'"), False)
    assert "demonstration users" not in await get_conflict_detail(scenario.urls.api)


async def test_production_rejects_commits_without_fsync(scenario: Scenario) -> None:
    assert "could be lost" in await get_conflict_detail(
        scenario.urls.api
    )  # the test server runs without fsync


def test_unknown_schema_revision_is_rejected_with_the_revision() -> None:
    # Planted: the check removed; Alembic then raised its own error for the revision.
    validate_schema_revision(None)
    validate_schema_revision(get_newest_revision())
    with pytest.raises(Conflict) as error:
        validate_schema_revision("0005")
    assert "schema revision 0005" in str(error.value.detail)
