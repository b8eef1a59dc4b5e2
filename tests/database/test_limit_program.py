"""The limit program of the benchmarks has the guarantees of First Step, and its database can be copied from it."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from app.database.embedded import ADMIN_ROLE
from bench.limit.access import OPEN_ACCESS_SQL, WRITE_ENTRIES_SQL
from bench.limit.database import DATABASE, create_limit_database
from tests.support.database_cluster import ADMIN_PASSWORD, TEMPLATE_DATABASE, Cluster
from tests.support.scenario import id_of

SESSION_ID = uuid4()
INSERT_CASE_SQL = """
    WITH child AS (INSERT INTO bench.children (id) VALUES (gen_random_uuid()) RETURNING id)
    INSERT INTO bench.cases (id, child_id, lead_worker_id) SELECT gen_random_uuid(), id, $1 FROM child
"""
INSERT_SESSION_SQL = (
    "INSERT INTO bench.sessions (id, user_id, ends_at) VALUES ($1, $2, now() + interval '1 hour')"
)
COUNT_ROWS_SQL = "SELECT (SELECT count(*) FROM cases), (SELECT count(*) FROM children)"


@pytest.fixture(scope="module")
async def limit_connection(cluster: Cluster) -> AsyncIterator[Any]:
    """A connection of the API's role to a limit database with one case of a worker who has a session."""
    admin_url = cluster.server.build_url(ADMIN_ROLE, ADMIN_PASSWORD, TEMPLATE_DATABASE)
    url = await create_limit_database(admin_url, cluster.urls.api)
    admin = await cluster.connect(DATABASE)
    await admin.execute(INSERT_CASE_SQL, id_of("worker_north"))
    await admin.execute(INSERT_SESSION_SQL, SESSION_ID, id_of("worker_north"))
    await admin.close()
    connection = await asyncpg.connect(url)
    yield connection
    await connection.close()
    await cluster.drop(DATABASE)


async def open_access(connection: asyncpg.Connection) -> tuple[str, str]:
    caller = (["person"], [id_of("worker_north")], [SESSION_ID], [uuid4()])
    event = await connection.fetchrow(OPEN_ACCESS_SQL, *caller, ["case.read"], ["request"])
    return str(event["event_id"]), event["secret"]


async def count_visible_rows(connection: asyncpg.Connection, event_id: str, secret: str) -> tuple[int, int]:
    async with connection.transaction():
        await connection.execute(f"SET LOCAL bench.event = '{event_id}'; SET LOCAL bench.secret = '{secret}'")
        return tuple(await connection.fetchrow(COUNT_ROWS_SQL))


async def test_limit_shows_rows_with_the_id_and_secret_of_a_committed_event(limit_connection: Any) -> None:
    event_id, secret = await open_access(limit_connection)
    assert await count_visible_rows(limit_connection, event_id, secret) == (1, 1)
    assert await count_visible_rows(limit_connection, event_id, "wrong") == (0, 0)
    assert await count_visible_rows(limit_connection, str(uuid4()), secret) == (0, 0)


async def test_limit_shows_no_rows_to_the_transaction_that_opens_the_access(limit_connection: Any) -> None:
    async with limit_connection.transaction():
        event_id, secret = await open_access(limit_connection)
        assert await count_visible_rows(limit_connection, event_id, secret) == (0, 0)


async def test_limit_rejects_entries_with_a_wrong_secret(limit_connection: Any) -> None:
    event_id, _ = await open_access(limit_connection)
    with pytest.raises(asyncpg.IntegrityConstraintViolationError):
        await limit_connection.execute(WRITE_ENTRIES_SQL, [event_id], ["wrong"], [1], [1], [None], [None])


@pytest.mark.parametrize("table", ["access_events", "access_entries", "contexts"])
async def test_limit_rejects_changes_of_the_log_by_the_api_role(limit_connection: Any, table: str) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await limit_connection.execute(f"DELETE FROM {table}")  # noqa: S608 - fixed names
