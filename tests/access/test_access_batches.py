"""Batches: accesses that are opened or concluded at the same time share a transaction and do not affect each other."""

import asyncio
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import pytest

from app.access.accessed_records import AccessedRecord
from app.access.caller import OpenAccess
from app.access.log import AccessRequest, Conclusion, conclude_access, open_access
from app.access.permissions import Permission
from app.database.batching import MAX_BATCH_SIZE
from app.errors import Unavailable
from tests.support.locks import wait_for_lock_waiters
from tests.support.scenario import Scenario, id_of

CALLERS = ("worker_north", "worker_south", "manager")
COUNT_ENTRIES_SQL = "SELECT count(*) FROM access_entries"
TERMINATE_WAITING_SQL = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
     WHERE datname = current_database() AND wait_event_type = 'Lock'
"""


def build_requests(count: int) -> list[AccessRequest]:
    """Return requests of different callers with consecutive request ids."""
    return [
        AccessRequest(
            Permission.case_read,
            f"batch-{number:04}",
            "127.0.0.1",
            "person",
            id_of(name),
            id_of(f"session of {name}"),
        )
        for number, name in ((number, CALLERS[number % len(CALLERS)]) for number in range(count))
    ]


async def open_at_once(scenario: Scenario, requests: Sequence[AccessRequest]) -> list[Any]:
    """Open accesses at the same time. Return the opened access or the error of each request."""
    return await asyncio.gather(
        *(open_access(scenario.database, request) for request in requests), return_exceptions=True
    )


async def conclude_at_once(scenario: Scenario, conclusions: Sequence[Conclusion]) -> list[Any]:
    """Conclude accesses at the same time. Return None or the error of each conclusion."""
    return await asyncio.gather(
        *(conclude_access(scenario.database, conclusion) for conclusion in conclusions),
        return_exceptions=True,
    )


def to_access(opened: asyncpg.Record) -> OpenAccess:
    return OpenAccess(opened["event_id"], opened["secret"])


def conclude_with_child(opened: asyncpg.Record, child_id: uuid.UUID) -> Conclusion:
    record = AccessedRecord(str(child_id), None, "child", str(child_id))
    return Conclusion(to_access(opened), "allowed", 200, [record])


async def count_by_transaction(superuser: Any, table: str) -> list[int]:
    """Return the number of rows that each transaction wrote."""
    rows = await superuser.fetch(f"SELECT count(*) FROM {table} GROUP BY xid")  # noqa: S608 - names from this test
    return [row[0] for row in rows]


@asynccontextmanager
async def lock_table(superuser: Any, table: str) -> AsyncIterator[None]:
    """Prevent inserts into a table in the block."""
    async with superuser.transaction():
        await superuser.execute(f"LOCK TABLE {table} IN SHARE MODE")
        yield


async def test_concurrent_opens_return_their_own_access_in_shared_transactions(
    scenario: Scenario, superuser_connection: Any
) -> None:
    # Catches: MAX_BATCH_SIZE = 1; MAX_BATCH_SIZE ignored; the results of a batch reversed.
    requests = build_requests(2 * MAX_BATCH_SIZE + 50)
    opened = await open_at_once(scenario, requests)
    sizes = await count_by_transaction(superuser_connection, "access_events")
    assert sum(sizes) == len(requests)
    assert len(sizes) <= 5
    assert max(sizes) == MAX_BATCH_SIZE
    events = {
        row["id"]: (row["request_id"], row["actor_id"])
        for row in await superuser_connection.fetch("SELECT id, request_id, actor_id FROM access_events")
    }
    assert [events[access["event_id"]] for access in opened] == [
        (request.request_id, request.subject_id) for request in requests
    ]
    names = [str(CALLERS[number % len(CALLERS)]).replace("_", " ").title() for number in range(len(requests))]
    assert [access["name"] for access in opened] == names
    assert len({access["secret"] for access in opened}) == len(requests)


async def test_concurrent_conclusions_write_their_own_entries_in_shared_transactions(
    scenario: Scenario, superuser_connection: Any
) -> None:
    # Catches: the positions of the entries counted from the end in `_build_conclude_parameters`.
    opened = await open_at_once(scenario, build_requests(60))
    children = [uuid.uuid4() for _ in opened]
    conclusions = [conclude_with_child(*pair) for pair in zip(opened, children, strict=True)]
    assert set(await conclude_at_once(scenario, conclusions)) == {None}
    assert len(await count_by_transaction(superuser_connection, "access_entries")) <= 3
    entries = await superuser_connection.fetch("SELECT event_id, child_id FROM access_entries")
    assert {row["event_id"]: row["child_id"] for row in entries} == {
        access["event_id"]: child for access, child in zip(opened, children, strict=True)
    }
    assert await superuser_connection.fetchval("SELECT count(*) FROM access_contexts") == 0


async def test_concurrent_requests_log_their_own_children_in_shared_transactions(
    scenario: Scenario, superuser_connection: Any
) -> None:
    # Catches: MAX_BATCH_SIZE = 1; the ids of the opened accesses reversed within a batch.
    cases = {lead: await scenario.open_case(lead) for lead in ("worker_north", "worker_south")}
    before = await superuser_connection.fetchval("SELECT pg_current_xact_id()::text::bigint")
    reads = [
        (scenario.client_for(name), case) for lead, case in cases.items() for name in (lead, "manager") * 10
    ]
    responses = await asyncio.gather(*(caller.get(f"/v1/cases/{case['id']}") for caller, case in reads))
    for table in ("access_events", "access_entries"):
        query = f"SELECT count(DISTINCT xid) FROM {table} WHERE xid::text::bigint > $1"  # noqa: S608 - two names
        assert await superuser_connection.fetchval(query, before) < len(reads), table
    for (caller, case), response in zip(reads, responses, strict=True):
        assert response.json()["id"] == case["id"]
        (entry,) = await scenario.list_access_entries(response.headers["x-request-id"])
        assert (entry["case_id"], entry["child_id"]) == (case["id"], case["child_id"])
        assert entry["actor"]["id"] == str(caller.id)


@pytest.mark.parametrize(
    "invalid", [{"address": "unknown"}, {"request_id": "batch\x00"}], ids=["address", "request id"]
)
async def test_invalid_request_does_not_fail_other_requests_of_its_batch(
    scenario: Scenario, superuser_connection: Any, invalid: dict[str, Any]
) -> None:
    # Catches: the batch not repeated after a DataError; every submission failed with its error.
    requests = build_requests(20)
    requests[7] = requests[7]._replace(**invalid)
    opened = await open_at_once(scenario, requests)
    assert isinstance(opened.pop(7), asyncpg.DataError)
    events = await superuser_connection.fetch("SELECT id FROM access_events ORDER BY request_id")
    assert [row["id"] for row in events] == [access["event_id"] for access in opened]


async def test_repeated_conclusion_does_not_fail_other_conclusions_of_its_batch(
    scenario: Scenario, superuser_connection: Any
) -> None:
    # Catches: the batch not repeated after an InvalidAuthorizationSpecificationError.
    opened = await open_at_once(scenario, build_requests(20))
    conclusions = [conclude_with_child(access, uuid.uuid4()) for access in opened]
    await conclude_access(scenario.database, conclusions[7])
    results = await conclude_at_once(scenario, conclusions)
    assert isinstance(results.pop(7), Unavailable)
    assert set(results) == {None}
    assert await superuser_connection.fetchval(COUNT_ENTRIES_SQL) == len(conclusions)


async def test_locked_context_fails_only_its_own_conclusion(
    scenario: Scenario, superuser_connection: Any
) -> None:
    # Catches: `SKIP LOCKED` removed. All conclusions then fail with the lock timeout.
    opened = await open_at_once(scenario, build_requests(20))
    conclusions = [conclude_with_child(access, uuid.uuid4()) for access in opened]
    lock_query = "SELECT FROM access_contexts WHERE event_id = $1 FOR UPDATE"
    async with superuser_connection.transaction():
        await superuser_connection.execute(lock_query, opened[7]["event_id"])
        results = await conclude_at_once(scenario, conclusions)
    assert isinstance(results.pop(7), Unavailable)
    assert set(results) == {None}


async def test_lost_connection_fails_every_request_of_the_batch(
    scenario: Scenario, superuser_connection: Any
) -> None:
    # Catches: the batch repeated after any PostgresError.
    await scenario.open_case()
    event_count = await superuser_connection.fetchval("SELECT count(*) FROM access_events")
    async with lock_table(superuser_connection, "access_events"):
        requests = [asyncio.create_task(scenario.worker_north.get("/v1/children")) for _ in range(8)]
        await wait_for_lock_waiters(superuser_connection, 1)
        await superuser_connection.execute(TERMINATE_WAITING_SQL)
        responses = await asyncio.gather(*requests)
    assert [response.status_code for response in responses] == [503] * 8
    assert await superuser_connection.fetchval("SELECT count(*) FROM access_events") == event_count
    assert (await scenario.worker_north.get("/v1/children")).status_code == 200


async def test_no_data_is_returned_if_the_connection_is_lost_while_entries_are_written(
    scenario: Scenario, superuser_connection: Any
) -> None:
    # Catches: the error of `conclude_access` suppressed in `request_reader`.
    case = await scenario.open_case()
    async with lock_table(superuser_connection, "access_entries"):
        requests = [
            asyncio.create_task(scenario.worker_north.get(f"/v1/cases/{case['id']}")) for _ in range(8)
        ]
        await wait_for_lock_waiters(superuser_connection, 1)
        await superuser_connection.execute(TERMINATE_WAITING_SQL)
    responses = await asyncio.gather(*requests)
    # The first batch fails. Requests that finish during the wait form the next batch.
    assert {response.status_code for response in responses} in ({503}, {200, 503})
    for response in responses:
        is_allowed = response.status_code == 200
        assert (case["number"] in response.text) is is_allowed
        (entry,) = await scenario.list_access_entries(response.headers["x-request-id"])
        assert (entry["outcome"], entry["child_id"]) == (
            "allowed" if is_allowed else "failed",
            case["child_id"],
        )


async def test_cancelled_requests_do_not_affect_the_others(
    scenario: Scenario, superuser_connection: Any
) -> None:
    # Catches: `submit` that runs the batch itself; results set without `if not future.done()`.
    running, waiting = build_requests(6)[:3], build_requests(6)[3:]
    async with lock_table(superuser_connection, "access_events"):
        tasks = [asyncio.create_task(open_access(scenario.database, request)) for request in running]
        await wait_for_lock_waiters(superuser_connection, 1)
        tasks += [asyncio.create_task(open_access(scenario.database, request)) for request in waiting]
        await asyncio.sleep(0)
        for cancelled in (tasks[0], tasks[3]):
            cancelled.cancel()
    results = await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), timeout=20)
    assert [isinstance(result, asyncio.CancelledError) for result in results] == [True, False, False] * 2
    opened = [result for result in results if isinstance(result, asyncpg.Record)]
    events = await superuser_connection.fetch("SELECT id FROM access_events ORDER BY request_id")
    assert len(events) >= 5
    assert {access["event_id"] for access in opened} < {row["id"] for row in events}
    assert len(opened) == 4
    assert (await open_access(scenario.database, waiting[0]))["event_id"]
