"""A database that went away and came back: who asks next is told to come again, and then served."""

from typing import Any

from tests.support.scenario import Scenario

END = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
     WHERE datname = current_database() AND usename = 'firststep_api' AND pid <> pg_backend_pid()
"""


async def test_connections_that_died_in_the_pool_are_replaced(
    scenario: Scenario, superuser_connection: Any
) -> None:
    # Seen to fail where an access was entered past SQLAlchemy: a dead connection stayed in the pool.
    case = await scenario.open_case()
    path = f"/v1/cases/{case['id']}"
    assert (await scenario.worker_north.get(path)).status_code == 200
    await superuser_connection.execute(END)
    met = [(await scenario.worker_north.get(path)).status_code for _ in range(4)]
    assert set(met) <= {200, 503}
    assert met[-1] == 200
