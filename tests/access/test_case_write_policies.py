"""Seeing is not working, in SQL either: broken glass shows a case's rows, and lets nobody write any of them."""

import uuid
from typing import Any

import asyncpg
import pytest

from tests.support.database_cluster import Cluster
from tests.support.payloads import BREAK_GLASS_PAYLOAD
from tests.support.raw_sql import assert_statements_rejected, open_transaction_as
from tests.support.responses import expect_json
from tests.support.sample_rows import insert_sample_rows
from tests.support.scenario import Scenario, id_of

CHANGED = (
    "actions", "assessments", "care_plans", "children", "consents", "exit_plans", "follow_ups", "goals", "people",
    "plan_areas", "referrals", "reviews", "service_referrals",
)  # fmt: skip
"""Tables whose rows anybody sees who sees the case, and changes who works on it."""
ADDED = {
    "actions": {}, "assessments": {"status": "draft"}, "care_plans": {"status": "draft"}, "case_workers": {},
    "consents": {}, "documents": {"tier": "case"}, "follow_ups": {}, "goals": {}, "people": {}, "plan_areas": {},
    "referrals": {"external_id": "Another", "tracking_number": "R-0000-0000"}, "reviews": {}, "service_referrals": {}, "session_addenda": {"tier": "case"}, "support_sessions": {},
}  # fmt: skip
"""The same for adding, and what makes a row one that could be added."""


@pytest.fixture
async def case(cluster: Cluster, scenario: Scenario) -> dict[str, Any]:
    """A northern case with everything in it; a worker and a supervisor of the south look at it through broken glass."""
    case = await scenario.open_case()
    await insert_sample_rows(cluster, scenario, case, "worker_north")
    staff = {"lead_worker_id": case["lead_worker_id"], "co_worker_ids": [str(id_of("worker_north_2"))]}
    expect_json(await scenario.supervisor_north.act(f"/v1/cases/{case['id']}", "assign", staff))
    for name in ("worker_south", "supervisor_south"):
        expect_json(
            await scenario.client_for(name).post(f"/v1/cases/{case['id']}/break-glass", BREAK_GLASS_PAYLOAD)
        )
    return case


def touched(table: str) -> str:
    return f"UPDATE {table} SET version = version + 1"  # noqa: S608 - names of tables


def added(table: str, name: str) -> str:
    """Write a row again, as somebody's own."""
    words = {
        "id": str(uuid.uuid4()),
        **dict.fromkeys(("author_id", "user_id"), str(id_of(name))),
        **ADDED[table],
    }
    told = ", ".join(f"'{field}', '{value}'" for field, value in words.items())
    return f"INSERT INTO {table} SELECT (jsonb_populate_record(r, jsonb_build_object({told}))).* FROM {table} r LIMIT 1"  # noqa: S608


@pytest.mark.parametrize("name", ["worker_south", "supervisor_south"])
async def test_broken_glass_writes_no_row_by_hand(
    case: dict[str, Any], api_connection: Any, name: str
) -> None:
    # Planted: 'goals', 'people', case_workers without `case_staff_can_insert`; the trigger prevent_reassignment left off cases.
    me = id_of(name)
    async with open_transaction_as(api_connection, name):
        await assert_statements_rejected(
            api_connection,
            *map(touched, CHANGED),
            f"UPDATE cases SET lead_worker_id = '{me}' WHERE id = '{case['id']}'",  # noqa: S608 - ids
            f"UPDATE support_sessions SET worker_id = '{me}', status = 'held'",  # noqa: S608 - an id
            "UPDATE support_sessions SET status = 'held'",
            f"UPDATE referrals SET case_id = NULL, received_by_id = '{me}', handed_to_id = '{me}'",  # noqa: S608 - an id
        )
        for table in ADDED:
            with pytest.raises(asyncpg.InsufficientPrivilegeError, match="row-level security"):
                async with api_connection.transaction():
                    await api_connection.execute(added(table, name))
        assert await api_connection.execute("DELETE FROM case_workers") == "DELETE 0"


@pytest.mark.parametrize("name", ["worker_north", "worker_north_2", "supervisor_north", "manager"])
async def test_who_works_on_a_case_or_decides_for_it_writes_on(
    case: dict[str, Any], api_connection: Any, name: str
) -> None:
    async with open_transaction_as(api_connection, name):
        for table in {*CHANGED, "cases", "support_sessions"}:
            assert not (await api_connection.execute(touched(table))).endswith(" 0"), table
        assert await api_connection.execute(added("goals", name)) == "INSERT 0 1"
        assert await api_connection.fetchval("SELECT access.is_case_staff($1)", uuid.UUID(case["id"]))
