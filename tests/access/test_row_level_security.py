"""Row-level security: what hand-written SQL with the database password of the API can read and change."""

import io
import uuid
from typing import Any

import asyncpg
import pytest

from app.access.accessed_records import RECORD_KINDS
from tests.support.raw_sql import (
    count_visible_rows,
    list_child_tables,
    open_access,
    open_transaction_as,
    set_access,
)
from tests.support.sample_rows import PopulatedDatabase
from tests.support.scenario import Scenario, id_of

TABLES_WITHOUT_RECORD_KIND = {"idempotency_records", "name_tokens"}
"""Tables that are not logged: a replayed response logs the records that it contains, and tokens are only counted."""
MAKE_EVENT_OLDER_SQL = """
    ALTER TABLE access_events DISABLE TRIGGER prevent_update_and_delete;
    UPDATE access_events SET opened_at = opened_at - interval '{seconds} seconds' WHERE id = '{event}';
    ALTER TABLE access_events ENABLE TRIGGER prevent_update_and_delete;
"""


async def test_every_child_table_has_forced_row_security_and_a_policy(
    scenario: Scenario, superuser_connection: Any
) -> None:
    del scenario
    tables = await list_child_tables(superuser_connection)
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
    assert logged_tables == set(await list_child_tables(superuser_connection)) - TABLES_WITHOUT_RECORD_KIND
    assert len(set(RECORD_KINDS.values())) == len(RECORD_KINDS)


async def test_no_rows_are_visible_without_a_committed_event_of_an_active_session(
    populated_database: PopulatedDatabase,
    superuser_connection: Any,
    api_connection: Any,
    owner_connection: Any,
    scenario: Scenario,
) -> None:
    tables = await list_child_tables(superuser_connection)
    assert set(await count_visible_rows(superuser_connection, tables)) == set(tables), "a table has no rows"
    assert await count_visible_rows(api_connection, tables) == {}
    assert await count_visible_rows(owner_connection, tables) == {}, "FORCE does not apply to the owner"
    for forged_event_id in (
        "",
        str(uuid.uuid4()),
        "00000000-0000-0000-0000-000000000000",
        populated_database.north_case["id"],
    ):
        async with api_connection.transaction():
            await set_access(api_connection, forged_event_id)
            assert await count_visible_rows(api_connection, tables) == {}, forged_event_id
    ended_session_event = await create_event_of_ended_session(superuser_connection)
    anonymous_event = await create_anonymous_event(api_connection)
    for event_id in (ended_session_event, anonymous_event):
        async with api_connection.transaction():
            await set_access(api_connection, event_id)
            assert await count_visible_rows(api_connection, tables) == {}
    other_connection = await asyncpg.connect(scenario.urls.api)
    async with other_connection.transaction(), api_connection.transaction():
        uncommitted_event = await open_access(other_connection, "manager")
        await set_access(api_connection, uncommitted_event)
        assert await count_visible_rows(api_connection, tables) == {}
    await other_connection.close()


async def test_caller_has_no_role_and_no_id_without_an_access_event(api_connection: Any) -> None:
    caller = await api_connection.fetchrow("""
        SELECT access.is_staff(), access.can_read_all_cases(), access.can_read_access_log(), access.is_finance_officer(),
               access.worker_id(), access.partner_agency_id(), access.caller_id(), access.supervised_team_ids()
    """)
    assert tuple(caller) == (False, False, False, False, None, None, None, [])


async def create_event_of_ended_session(superuser: Any) -> uuid.UUID:
    """Return the id of a committed event whose session has ended."""
    await superuser.execute("UPDATE sessions SET revoked_at = now() WHERE user_id = $1", id_of("manager"))
    assert await open_access(superuser, "manager") is None
    await superuser.execute("UPDATE sessions SET revoked_at = NULL WHERE user_id = $1", id_of("manager"))
    event_id: uuid.UUID = await superuser.fetchval("SELECT id FROM access_events ORDER BY id DESC LIMIT 1")
    return event_id


async def create_anonymous_event(api_connection: Any) -> uuid.UUID:
    query = "SELECT event_id FROM access.open('anonymous', $1, NULL, NULL, 'x', 'by-hand-00', NULL)"
    event_id: uuid.UUID = await api_connection.fetchval(query, id_of("manager"))
    return event_id


async def test_no_rows_are_visible_with_an_event_of_the_same_transaction(
    populated_database: PopulatedDatabase, superuser_connection: Any, api_connection: Any
) -> None:
    del populated_database
    tables = await list_child_tables(superuser_connection)
    async with api_connection.transaction():
        await set_access(api_connection, await open_access(api_connection, "manager"))
        assert await count_visible_rows(api_connection, tables) == {}
    async with api_connection.transaction():
        async with api_connection.transaction():  # a released savepoint
            event_id = await open_access(api_connection, "manager")
            await set_access(api_connection, event_id)
            assert await count_visible_rows(api_connection, tables) == {}
        assert await count_visible_rows(api_connection, tables) == {}
        open_in_subtransaction = "DO $$ BEGIN PERFORM access.open('person', '{}', '{}', NULL, 'x', 'caught-000', NULL); EXCEPTION WHEN OTHERS THEN NULL; END $$"
        await api_connection.execute(
            open_in_subtransaction.format(id_of("manager"), id_of("session of manager"))
        )
        assert await count_visible_rows(api_connection, tables) == {}
    rolled_back = api_connection.transaction()
    await rolled_back.start()
    event_id = await open_access(api_connection, "manager")
    await rolled_back.rollback()
    async with api_connection.transaction():
        await set_access(api_connection, event_id)
        assert await count_visible_rows(api_connection, tables) == {}
    async with open_transaction_as(api_connection, "manager"):
        assert await count_visible_rows(api_connection, tables), "no rows are visible with a committed event"


async def test_event_makes_rows_visible_for_sixty_seconds(
    populated_database: PopulatedDatabase, superuser_connection: Any, api_connection: Any
) -> None:
    del populated_database
    event_id = await open_access(api_connection, "manager")
    for seconds, visible in ((45, True), (16, False)):
        await superuser_connection.execute(MAKE_EVENT_OLDER_SQL.format(seconds=seconds, event=event_id))
        async with api_connection.transaction():
            await set_access(api_connection, event_id)
            assert bool(await count_visible_rows(api_connection, ["children"])) is visible


async def test_event_stays_after_the_transaction_is_rolled_back(
    populated_database: PopulatedDatabase, superuser_connection: Any, api_connection: Any
) -> None:
    del populated_database
    async with open_transaction_as(api_connection, "worker_north") as event_id:
        assert await api_connection.fetchval("SELECT count(*) FROM children") == 1
    event = await superuser_connection.fetchrow(
        "SELECT actor_id, act FROM access_events WHERE id = $1", event_id
    )
    assert tuple(event) == (id_of("worker_north"), "case.read")


async def test_event_makes_only_the_rows_of_its_caller_visible(
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
        "UPDATE consents SET withdrawn_at = now()": "UPDATE 1",
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


async def test_event_lookup_uses_the_index_after_the_log_has_grown(
    scenario: Scenario, superuser_connection: Any, api_connection: Any
) -> None:
    # A connection caches the plan of the lookup while the log is small.
    del scenario
    await open_access(api_connection, "manager")
    await superuser_connection.execute(
        "ANALYZE access_events"
    )  # with one row, a sequential scan is the cheapest plan
    async with open_transaction_as(api_connection, "manager"):
        for _ in range(8):  # PostgreSQL caches a generic plan after five executions
            assert await api_connection.fetchval("SELECT access.caller_id()") == id_of("manager")
    await superuser_connection.execute(
        """INSERT INTO access_events (kind, roles, supervised_team_ids, act, request_id)
           SELECT 'person', '{}', '{}', 'case.read', 'grown-0000' FROM generate_series(1, 20000)"""
    )
    async with open_transaction_as(api_connection, "worker_north"):
        assert await api_connection.fetchval("SELECT access.caller_id()") == id_of("worker_north")
        scans = await api_connection.fetchrow(
            "SELECT sum(seq_scan), sum(seq_tup_read), sum(idx_scan) FROM pg_stat_xact_all_tables"
            " WHERE relname LIKE 'access_events_%'"
        )
    assert (scans[0], scans[1]) == (0, 0), "the lookup scans the log sequentially"
    assert scans[2] > 0
