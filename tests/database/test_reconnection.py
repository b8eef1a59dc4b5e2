"""Recovery after the database closes its connections."""

from typing import Any

from tests.support.scenario import Scenario

TERMINATE_CONNECTIONS_SQL = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
     WHERE datname = current_database() AND usename = 'firststep_api' AND pid <> pg_backend_pid()
"""


async def test_pool_replaces_terminated_connections(scenario: Scenario, superuser_connection: Any) -> None:
    # Planted: the access event bound by a driver call that SQLAlchemy does not know about. The dead connection stayed in
    # the pool.
    case = await scenario.open_case()
    path = f"/v1/cases/{case['id']}"
    assert (await scenario.worker_north.get(path)).status_code == 200
    await superuser_connection.execute(TERMINATE_CONNECTIONS_SQL)
    statuses = [(await scenario.worker_north.get(path)).status_code for _ in range(4)]
    assert set(statuses) <= {200, 503}
    assert statuses[-1] == 200
