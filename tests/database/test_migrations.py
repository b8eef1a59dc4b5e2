"""Migrations: one head, upgrade and downgrade, and agreement with the models."""

import io
from contextlib import redirect_stdout
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from alembic import command
from alembic.script import ScriptDirectory

from app.database import migrations
from app.database.connections import connect
from app.database.schema_revision import get_schema_revision
from tests.support.database_cluster import Cluster
from tests.support.scenario import Scenario


def test_migrations_have_one_head_and_set_a_lock_timeout() -> None:
    # Catches: a second file with `down_revision = None`; the SET LOCAL line removed from 0001.
    scripts = ScriptDirectory.from_config(migrations.build_alembic_config("unused"))
    assert len(scripts.get_heads()) == 1
    for script in scripts.walk_revisions():
        text = Path(script.path).read_text()
        for function in ("def upgrade() -> None:", "def downgrade() -> None:"):
            assert text.split(function)[1].strip().startswith('op.execute("SET LOCAL lock_timeout'), (
                script.revision
            )


async def test_models_match_schema_after_downgrade_and_upgrade(cluster: Cluster, scenario: Scenario) -> None:
    # Catches: a column `favourite_colour` on Child without a migration; the schema `ledger` omitted from downgrade.
    config = migrations.build_alembic_config(scenario.urls.owner)
    await scenario.database.close()
    # CREATE DATABASE does not copy the grants on the template database itself.
    await cluster.execute_as_superuser(
        f'GRANT CREATE ON DATABASE "{urlsplit(scenario.urls.owner).path[1:]}" TO firststep_owner'
    )
    try:
        await migrations.run_in_thread(command.downgrade, config, "base")
        async with connect(scenario.urls.owner) as owner:
            assert (await get_schema_revision(owner)).state == "empty"
        await migrations.run_in_thread(command.upgrade, config, "head")
        with redirect_stdout(io.StringIO()):
            await migrations.run_in_thread(command.check, config)
    finally:
        await scenario.database.open()


@pytest.mark.parametrize("role", ["owner", "api", "reports"])
def test_database_url_contains_its_role(cluster: Cluster, role: str) -> None:
    assert f"firststep_{role}:" in getattr(cluster.urls, role)
