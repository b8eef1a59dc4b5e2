"""Tests of the write policies in SQL: break-glass access makes the rows of a case visible but not writable."""

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

UPDATABLE_TABLES = (
    "actions", "assessments", "care_plans", "children", "consents", "exit_plans", "follow_ups", "goals", "people",
    "plan_areas", "referrals", "reviews", "service_referrals",
)  # fmt: skip
"""Tables whose rows are visible with the case; only staff of the case can update them."""
EDITABLE_STATUSES = {"assessments": "draft", "care_plans": "draft", "follow_ups": "missed"}
"""Statuses in which staff can change the sample rows, which other tests need in other statuses."""
INSERT_CHANGES = {
    "actions": {}, "assessments": {"status": "draft"}, "care_plans": {"status": "draft"}, "case_workers": {},
    "consents": {}, "documents": {"tier": "case"}, "follow_ups": {"status": "due"}, "goals": {}, "people": {}, "plan_areas": {},
    "referrals": {"status": "received", "decided_by_id": "{caller}", "external_id": "Another", "tracking_number": "R-0000-0000"}, "reviews": {}, "service_referrals": {}, "session_addenda": {"tier": "case"}, "support_sessions": {},
}  # fmt: skip
"""Tables in which only staff of the case can insert rows, with the changes that make a copied row valid."""


@pytest.fixture
async def case(cluster: Cluster, scenario: Scenario, superuser_connection: Any) -> dict[str, Any]:
    """Return a case of team north with rows in all tables; a worker and a supervisor of team south have break-glass access."""
    case = await scenario.open_case()
    await insert_sample_rows(cluster, scenario, case, "worker_north")
    for table, status in EDITABLE_STATUSES.items():
        await superuser_connection.execute(f"UPDATE {table} SET status = '{status}'")  # noqa: S608 - constants
    staff = {"lead_worker_id": case["lead_worker_id"], "co_worker_ids": [str(id_of("worker_north_2"))]}
    expect_json(await scenario.supervisor_north.act(f"/v1/cases/{case['id']}", "assign", staff))
    for name in ("worker_south", "supervisor_south"):
        expect_json(
            await scenario.client_for(name).post(f"/v1/cases/{case['id']}/break-glass", BREAK_GLASS_PAYLOAD)
        )
    return case


def build_update(table: str) -> str:
    return f"UPDATE {table} SET version = version + 1"  # noqa: S608 - names of tables


def build_insert(table: str, name: str) -> str:
    """Return the statement that copies a row with another user as its author."""
    changes = {
        "id": str(uuid.uuid4()),
        **dict.fromkeys(("author_id", "user_id", "recorded_by_id"), str(id_of(name))),
        **INSERT_CHANGES[table],
    }
    arguments = ", ".join(f"'{field}', '{value}'" for field, value in changes.items())
    arguments = arguments.format(caller=id_of(name))
    return f"INSERT INTO {table} SELECT (jsonb_populate_record(r, jsonb_build_object({arguments}))).* FROM {table} r LIMIT 1"  # noqa: S608


@pytest.mark.parametrize("name", ["worker_south", "supervisor_south"])
async def test_break_glass_caller_cannot_write_rows_of_the_case(
    case: dict[str, Any], api_connection: Any, name: str
) -> None:
    # Catches: 'goals', 'people', 'case_workers' without the policy `case_staff_can_insert`; cases without the trigger prevent_reassignment.
    caller_id = id_of(name)
    async with open_transaction_as(api_connection, name):
        await assert_statements_rejected(
            api_connection,
            *map(build_update, UPDATABLE_TABLES),
            f"UPDATE cases SET lead_worker_id = '{caller_id}' WHERE id = '{case['id']}'",  # noqa: S608 - ids
            f"UPDATE support_sessions SET worker_id = '{caller_id}', status = 'held'",  # noqa: S608 - an id
            "UPDATE support_sessions SET status = 'held'",
            f"UPDATE referrals SET case_id = NULL, received_by_id = '{caller_id}', handed_to_id = '{caller_id}'",  # noqa: S608 - an id
        )
        for table in INSERT_CHANGES:
            with pytest.raises(asyncpg.InsufficientPrivilegeError, match="row-level security"):
                async with api_connection.transaction():
                    await api_connection.execute(build_insert(table, name))
        assert await api_connection.execute("DELETE FROM case_workers") == "DELETE 0"


@pytest.mark.parametrize("name", ["worker_north", "worker_north_2", "supervisor_north", "manager"])
async def test_case_staff_can_write_rows_of_the_case(
    case: dict[str, Any], api_connection: Any, name: str
) -> None:
    async with open_transaction_as(api_connection, name):
        for table in {*UPDATABLE_TABLES, "cases", "support_sessions"}:
            assert not (await api_connection.execute(build_update(table))).endswith(" 0"), table
        assert await api_connection.execute(build_insert("goals", name)) == "INSERT 0 1"
        assert await api_connection.fetchval("SELECT access.is_case_staff($1)", uuid.UUID(case["id"]))
