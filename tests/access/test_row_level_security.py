"""Row-level security: what hand-written SQL with the database password of the API can read and change."""

import io
from typing import Any

import asyncpg
import pytest

from app.access.accessed_records import RECORD_KINDS
from tests.support.raw_sql import (
    count_visible_rows,
    list_all_child_tables,
    list_child_tables,
    open_transaction_as,
)
from tests.support.sample_rows import PopulatedDatabase
from tests.support.scenario import Scenario, id_of

TABLES_WITHOUT_RECORD_KIND = {"assignment_periods", "idempotency_records", "name_tokens", "status_periods"}
"""Tables that are not logged: a replayed response logs the records that it contains, tokens are only counted, and the API
cannot read periods of cases.
"""


async def test_every_child_table_has_forced_row_security_and_a_policy(
    scenario: Scenario, superuser_connection: Any
) -> None:
    del scenario
    tables = await list_all_child_tables(superuser_connection)
    assert len(tables) >= 13
    unsafe = await superuser_connection.fetch(
        """SELECT relname FROM pg_class c WHERE relname = ANY ($1) AND NOT (relrowsecurity AND relforcerowsecurity
              AND relkind IN ('r', 'p') AND EXISTS (SELECT FROM pg_policy WHERE polrelid = c.oid))""",
        tables,
    )
    assert not unsafe
    partitions = await superuser_connection.fetch(
        """SELECT c.relname, relrowsecurity AND relforcerowsecurity AS has_row_security, has_table_privilege('firststep_api',
                  c.oid, 'SELECT, INSERT, UPDATE, DELETE') AS is_granted
             FROM pg_class c JOIN pg_inherits i ON i.inhrelid = c.oid WHERE c.relkind = 'r'"""
    )
    assert len(partitions) >= 6
    assert {(row["has_row_security"], row["is_granted"]) for row in partitions} == {(True, False)}


async def test_every_child_table_has_a_record_kind_for_the_access_log(
    scenario: Scenario, superuser_connection: Any
) -> None:
    del scenario
    logged_tables = {model.__tablename__ for model in RECORD_KINDS}  # type: ignore[attr-defined]  # each is a table
    assert (
        logged_tables == set(await list_all_child_tables(superuser_connection)) - TABLES_WITHOUT_RECORD_KIND
    )
    assert len(set(RECORD_KINDS.values())) == len(RECORD_KINDS)


async def test_access_makes_only_the_rows_of_its_caller_visible(
    populated_database: PopulatedDatabase, superuser_connection: Any, api_connection: Any
) -> None:
    north, south, other = (
        case["child_id"]
        for case in (
            populated_database.north_case,
            populated_database.linked_case,
            populated_database.break_glass_case,
        )
    )
    children_by_caller: dict[str, set[str]] = {
        "worker_north": {north}, "worker_north_2": {north, other}, "worker_south": {south, other},
        "supervisor_north": {north}, "supervisor_south": {south, other},
        "supervisor_both": {north, south, other}, "manager": {north, south, other},
        "finance": set(), "me_officer": set(), "dpo": set(), "admin": set(),
        "partner_one": set(), "partner_two": set(), "reporting": set(),
    }  # fmt: skip
    tables_visible_with_case = ("case_history", "cases", "people", "children")
    tables = await list_child_tables(superuser_connection)
    for name, children in children_by_caller.items():
        async with open_transaction_as(api_connection, name):
            for table in tables_visible_with_case:
                key = "id" if table == "children" else "child_id"
                query = f"SELECT DISTINCT {key} FROM {table}"  # noqa: S608 - names from this test
                visible = {str(row[0]) for row in await api_connection.fetch(query)}
                assert visible == children, (name, table)
            row_counts = await count_visible_rows(api_connection, tables)
        assert ("case_links" in row_counts) is (name in {"supervisor_both", "manager"}), name
        assert row_counts.get("consents", 0) == (3 if name == "dpo" else len(children)), name
        assert row_counts.get("referrals", 0) == count_expected_referrals(name, children), name
        if name in {"me_officer", "admin", "partner_two", "reporting"}:
            assert row_counts == {}, name
        if name == "finance":
            assert row_counts == {"disbursements": 1}, "a finance officer can see more than disbursements"


def count_expected_referrals(name: str, children: set[str]) -> int:
    """Return one referral per visible child, plus the undecided one for intake staff; the partner sees its four."""
    sees_undecided = name in {"supervisor_north", "supervisor_both", "manager"}
    return 4 if name == "partner_one" else len(children) + sees_undecided


async def test_update_and_delete_without_where_change_visible_rows_only(
    populated_database: PopulatedDatabase, api_connection: Any
) -> None:
    # SELECT policies do not apply to an UPDATE or DELETE that reads no column.
    status_by_statement = {
        "UPDATE cases SET status = 'closed'": "UPDATE 1",
        "UPDATE children SET sex = 'male'": "UPDATE 1",
        "UPDATE people SET role = 'other'": "UPDATE 1",
        f"UPDATE consents SET withdrawn_at = now(), withdrawn_by_id = '{id_of('worker_north')}'": "UPDATE 1",  # noqa: S608 - an id
        "UPDATE referrals SET handed_to_id = NULL": "UPDATE 1",
        "UPDATE referral_questions SET answered_at = now()": "UPDATE 0",
        "DELETE FROM case_workers": "DELETE 1",
    }
    for statement, status in status_by_statement.items():
        async with open_transaction_as(api_connection, "worker_north"):
            assert await api_connection.execute(statement) == status, statement
    for name in ("partner_two", "finance"):
        async with open_transaction_as(api_connection, name):
            assert await api_connection.execute("DELETE FROM name_tokens") == "DELETE 0"
    linked_case = populated_database.linked_case
    insert_worker = "INSERT INTO case_workers (case_id, user_id, child_id, since) VALUES ($1, $2, $3, now())"
    async with open_transaction_as(api_connection, "worker_north"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await api_connection.execute(
                insert_worker, linked_case["id"], id_of("worker_north"), linked_case["child_id"]
            )


async def test_copy_and_row_security_off_return_no_rows(
    populated_database: PopulatedDatabase, api_connection: Any
) -> None:
    del populated_database
    for table in ("children", "access_entries"):
        output = io.BytesIO()
        assert await api_connection.copy_from_table(table, output=output) == "COPY 0"
        assert output.getvalue() == b""
    await api_connection.execute("SET row_security = off")
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await api_connection.fetch("SELECT * FROM children")
