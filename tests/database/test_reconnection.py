"""Recovery after the database closes its connections."""

from typing import Any

import pytest

from tests.support.payloads import PERSON_PAYLOAD
from tests.support.scenario import Scenario

TERMINATE_CONNECTIONS_SQL = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
     WHERE datname = current_database() AND usename = 'firststep_api' AND pid <> pg_backend_pid()
"""


async def test_pools_replace_terminated_connections(scenario: Scenario, superuser_connection: Any) -> None:
    # Catches: the access event bound by a driver call that SQLAlchemy does not know about. The dead connection stayed in
    # the pool.
    case = await scenario.open_case()
    path = f"/v1/cases/{case['id']}"
    await superuser_connection.execute(TERMINATE_CONNECTIONS_SQL)
    reads = [(await scenario.worker_north.get(path)).status_code for _ in range(4)]
    writes = [
        (await scenario.worker_north.post(f"{path}/people", PERSON_PAYLOAD)).status_code for _ in range(4)
    ]
    assert set(reads) <= {200, 503}
    assert set(writes) <= {201, 503}
    assert (reads[-1], writes[-1]) == (200, 201)


async def test_read_without_a_free_connection_is_busy(
    scenario: Scenario, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Catches: TimeoutError removed from the errors of a busy database. It is an OSError, like a lost connection.
    monkeypatch.setattr("app.http.session.POOL_TIMEOUT_SECONDS", 0.05)
    pool = scenario.database.read_pool
    connections = [await pool.acquire() for _ in range(pool.get_max_size())]
    try:
        response = await scenario.manager.get("/v1/cases")
    finally:
        for connection in connections:
            await pool.release(connection)
    assert response.status_code == 503
    assert response.json()["detail"] == "The database is busy."
    assert response.headers["retry-after"] == "1"
