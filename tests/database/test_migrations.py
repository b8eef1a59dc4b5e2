"""The schema's history: one line, there and back, and nothing in the models that it does not make."""

import io
from contextlib import redirect_stdout
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from alembic import command
from alembic.script import ScriptDirectory

from app.database import migrations
from tests.support.database_cluster import Cluster
from tests.support.scenario import Scenario


def test_there_is_one_head_and_every_migration_bounds_its_waiting() -> None:
    # Planted: a second file with `down_revision = None`; and the SET LOCAL line taken out of 0001.
    scripts = ScriptDirectory.from_config(migrations.build_alembic_config("unused"))
    assert len(scripts.get_heads()) == 1
    for script in scripts.walk_revisions():
        text = Path(script.path).read_text()
        for function in ("def upgrade() -> None:", "def downgrade() -> None:"):
            assert text.split(function)[1].strip().startswith('op.execute("SET LOCAL lock_timeout'), (
                script.revision
            )


async def test_head_to_base_to_head_and_the_models_agree(cluster: Cluster, scenario: Scenario) -> None:
    # Planted: a column `favourite_colour` on Child that no migration makes; the schema `ledger` left out of downgrade.
    config = migrations.build_alembic_config(scenario.urls.owner)
    await scenario.database.close()
    # A copied database has none of its template's grants on the database itself.
    await cluster.execute_as_superuser(
        f'GRANT CREATE ON DATABASE "{urlsplit(scenario.urls.owner).path[1:]}" TO firststep_owner'
    )
    try:
        await migrations.run_in_thread(command.downgrade, config, "base")
        assert await migrations.get_schema_revision(scenario.urls.owner) is None
        await migrations.run_in_thread(command.upgrade, config, "head")
        with redirect_stdout(io.StringIO()):
            await migrations.run_in_thread(command.check, config)
    finally:
        await scenario.database.open()


@pytest.mark.parametrize("role", ["owner", "api", "reports"])
def test_each_role_has_its_own_url(cluster: Cluster, role: str) -> None:
    assert f"firststep_{role}:" in getattr(cluster.urls, role)
