"""The cost of the conflict wall: opening an access does not read the links of children the caller does not work with."""

import json
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from app.access.log import OPEN_ACCESSES_SQL
from app.database.urls import to_driver_url
from tests.support.payloads import BREAK_GLASS_PAYLOAD
from tests.support.responses import expect_json
from tests.support.scenario import Scenario, id_of

COPY_CHILDREN_SQL = """
    INSERT INTO children
    SELECT copy.* FROM children c, generate_series(1, 5002) n, jsonb_populate_record(
        NULL::children, to_jsonb(c) || jsonb_build_object('id', lpad('c' || n, 32, '0'))) copy
     WHERE c.id = $1
"""
COPY_CASES_SQL = """
    INSERT INTO cases
    SELECT copy.* FROM cases c, generate_series(1, 5002) n, jsonb_populate_record(
        NULL::cases, to_jsonb(c) || jsonb_build_object('id', lpad(n::text, 32, '0'), 'child_id', lpad('c' || n, 32, '0'),
                                                       'number', 'COPY-' || n, 'referral_id', NULL)) copy
     WHERE c.id = $1
"""
INSERT_LINKS_SQL = """
    INSERT INTO case_links (id, version, child_id, case_id, linked_child_id, linked_case_id, linked_by_id, linked_at, reason_encrypted)
    SELECT gen_random_uuid(), 1, one.child_id, one.id, two.child_id, two.id, $1, now(), 'x'
      FROM generate_series(1, 5000) n CROSS JOIN (VALUES (1), (2)) AS d (distance)
      JOIN cases one ON one.number = 'COPY-' || n
      JOIN cases two ON two.number = 'COPY-' || n + distance
"""
SELECT_SCOPE_SQL = """
    SELECT cardinality(assigned_case_ids), cardinality(break_glass_case_ids), cardinality(conflict_wall_case_ids)
      FROM access_contexts ORDER BY event_id DESC LIMIT 1
"""
MAX_ADDITIONAL_BLOCKS = 12
"""The indexes of the links are one level deeper with 10,000 links. The links themselves occupy more than 150 blocks."""


async def count_blocks(connection: Any, name: str) -> int:
    """Return the number of blocks that opening an access reads, with warm caches."""
    arguments = (
        ["person"], [id_of(name)], [id_of(f"session of {name}")], [None], ["case.read"], ["by-hand-00"], [None], [None],
    )  # fmt: skip
    counts: list[int] = []
    for _ in range(8):  # PostgreSQL caches a generic plan after five executions
        plan = await connection.fetchval(
            f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {OPEN_ACCESSES_SQL}", *arguments
        )
        root = json.loads(plan)[0]["Plan"]
        counts.append(root["Shared Hit Blocks"] + root["Shared Read Blocks"])
    return min(counts)


async def insert_links(superuser: Any, case: dict[str, Any]) -> None:
    """Insert 10,000 links between 5,000 copies of a child."""
    async with superuser.transaction():
        await superuser.execute("SET LOCAL session_replication_role = replica")  # without triggers
        await superuser.execute(COPY_CHILDREN_SQL, UUID(case["child_id"]))
        await superuser.execute(COPY_CASES_SQL, UUID(case["id"]))
        assert await superuser.execute(INSERT_LINKS_SQL, id_of("manager")) == "INSERT 0 10000"
    await superuser.execute("ANALYZE cases, children, case_links")


@pytest.mark.parametrize("name", ["worker_north", "worker_north_2", "supervisor_north", "manager"])
async def test_opening_an_access_reads_no_links_of_other_children(
    scenario: Scenario, superuser_connection: Any, api_connection: Any, name: str
) -> None:
    # Catches: list_conflict_wall_case_ids() without the conditions on p_children; the indexes of the links on the
    # children dropped.
    own, linked = await scenario.open_case("worker_north"), await scenario.open_case("worker_south")
    await scenario.open_case("worker_north_2")
    other = await scenario.open_case("worker_south")
    link = {"linked_case_id": linked["id"], "reason": "Brothers."}
    expect_json(await scenario.supervisor_both.post(f"/v1/cases/{own['id']}/links", link), 201)
    if name != "manager":
        path = f"/v1/cases/{other['id']}/break-glass"
        expect_json(await scenario.client_for(name).post(path, BREAK_GLASS_PAYLOAD))
    await superuser_connection.execute("ANALYZE cases, children, case_links")
    before = await count_blocks(api_connection, name)
    scope = await superuser_connection.fetchrow(SELECT_SCOPE_SQL)
    assert tuple(scope) == (0, int(name != "manager"), int(name == "worker_north"))

    await insert_links(superuser_connection, other)
    new_connection = await asyncpg.connect(to_driver_url(scenario.urls.api))
    after = [await count_blocks(connection, name) for connection in (api_connection, new_connection)]
    await new_connection.close()
    assert await superuser_connection.fetchrow(SELECT_SCOPE_SQL) == scope
    assert max(after) - before <= MAX_ADDITIONAL_BLOCKS, (before, after)
