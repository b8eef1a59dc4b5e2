"""Row-level security: what hand-written SQL with the database password of the API can read and change."""

import io
import uuid
from typing import Any

import asyncpg
import pytest

from app.access.accessed_records import RECORD_KINDS
from app.access.caller import OpenAccess
from app.access.log import BIND_ACCESS_SQL
from tests.support.raw_sql import (
    assert_access_rejected,
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
MAKE_CONTEXT_OLDER_SQL = (
    "UPDATE access_contexts SET opened_at = opened_at - interval '{}' WHERE event_id = '{}'"
)
COPY_CONTEXT_SQL = """
    INSERT INTO access_contexts
    SELECT (json_populate_record(c, json_build_object('event_id', uuidv7()))).*
      FROM (SELECT * FROM access_contexts LIMIT 1) c, generate_series(1, 20000)
"""
OPEN_IN_SUBTRANSACTION_SQL = """
    DO $$
    DECLARE opened access.opened_access;
    BEGIN
        SELECT * INTO opened FROM access.open(
            '{{person}}', '{{{subject}}}', '{{{session}}}', '{{NULL}}', '{{x}}', '{{caught-000}}', '{{NULL}}');
        PERFORM set_config('firststep.access', concat(opened.event_id, ' ', opened.secret), true);
    EXCEPTION WHEN OTHERS THEN NULL;
    END $$
"""
OPEN_ANONYMOUS_ACCESS_SQL = """
    SELECT event_id, secret FROM access.open(
        '{anonymous}', ARRAY[$1::uuid], ARRAY[$2::uuid], '{NULL}', '{case.read}', '{by-hand-00}', '{NULL}')
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


async def test_tables_appear_empty_without_an_access_and_are_not_readable_with_a_forged_access(
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
    async with api_connection.transaction():
        await api_connection.execute(BIND_ACCESS_SQL, "")
        assert await count_visible_rows(api_connection, tables) == {}
    forged_accesses = [
        OpenAccess(event_id, uuid.uuid4())
        for event_id in (uuid.uuid4(), uuid.UUID(int=0), uuid.UUID(populated_database.north_case["id"]))
    ]
    ended_session_event = await create_event_of_ended_session(superuser_connection)
    other_connection = await asyncpg.connect(scenario.urls.api)
    async with other_connection.transaction():
        uncommitted = await open_access(other_connection, "manager")
        for access in (*forged_accesses, OpenAccess(ended_session_event, uuid.uuid4()), uncommitted):
            for connection in (api_connection, owner_connection):
                async with connection.transaction():
                    await assert_access_rejected(connection, access, tables)
    await other_connection.close()


@pytest.mark.parametrize("setting", ["x", "manager", str(uuid.UUID(int=7)), f"{uuid.UUID(int=7)} x"])
async def test_malformed_access_setting_is_rejected(
    populated_database: PopulatedDatabase, api_connection: Any, setting: str
) -> None:
    del populated_database
    async with api_connection.transaction():
        await api_connection.execute(BIND_ACCESS_SQL, setting)
        with pytest.raises(
            (asyncpg.InvalidAuthorizationSpecificationError, asyncpg.InvalidTextRepresentationError)
        ):
            await api_connection.fetch("SELECT id FROM children")


async def test_anonymous_access_shows_no_rows(
    populated_database: PopulatedDatabase, superuser_connection: Any, api_connection: Any
) -> None:
    del populated_database
    tables = await list_child_tables(superuser_connection)
    for name in ("manager", "worker_north", "worker_north_2", "supervisor_both", "dpo", "finance"):
        session_id = id_of(f"session of {name}")
        access = OpenAccess(
            *await api_connection.fetchrow(OPEN_ANONYMOUS_ACCESS_SQL, id_of(name), session_id)
        )
        async with api_connection.transaction():
            await set_access(api_connection, access)
            assert await count_visible_rows(api_connection, tables) == {}, name


async def test_caller_has_no_context_without_an_access(api_connection: Any, owner_connection: Any) -> None:
    for connection in (api_connection, owner_connection):
        assert await connection.fetch("SELECT * FROM access.context()") == []


async def create_event_of_ended_session(superuser: Any) -> uuid.UUID:
    """Return the id of a committed event whose session has ended."""
    await superuser.execute("UPDATE sessions SET revoked_at = now() WHERE user_id = $1", id_of("manager"))
    assert await open_access(superuser, "manager") == (None, None)  # type: ignore[comparison-overlap]  # SQL returns NULL for both
    await superuser.execute("UPDATE sessions SET revoked_at = NULL WHERE user_id = $1", id_of("manager"))
    event_id: uuid.UUID = await superuser.fetchval("SELECT id FROM access_events ORDER BY id DESC LIMIT 1")
    return event_id


async def test_no_rows_are_visible_with_an_access_of_the_same_transaction(
    populated_database: PopulatedDatabase, superuser_connection: Any, api_connection: Any
) -> None:
    del populated_database
    tables = await list_child_tables(superuser_connection)
    async with api_connection.transaction():
        await assert_access_rejected(api_connection, await open_access(api_connection, "manager"), tables)
    async with api_connection.transaction():
        async with api_connection.transaction():  # a released savepoint
            access = await open_access(api_connection, "manager")
            await assert_access_rejected(api_connection, access, tables)
        await assert_access_rejected(api_connection, access, tables)
    manager = {"subject": id_of("manager"), "session": id_of("session of manager")}
    async with api_connection.transaction():
        await api_connection.execute(OPEN_IN_SUBTRANSACTION_SQL.format(**manager))
        with pytest.raises(asyncpg.InvalidAuthorizationSpecificationError, match="not open"):
            await api_connection.fetch("SELECT id FROM children")
    rolled_back = api_connection.transaction()
    await rolled_back.start()
    access = await open_access(api_connection, "manager")
    await rolled_back.rollback()
    async with api_connection.transaction():
        await assert_access_rejected(api_connection, access, tables)
    async with open_transaction_as(api_connection, "manager"):
        assert await count_visible_rows(api_connection, tables), "no rows are visible with a committed access"


async def test_access_makes_rows_visible_for_sixty_seconds(
    populated_database: PopulatedDatabase, superuser_connection: Any, api_connection: Any
) -> None:
    del populated_database
    access = await open_access(api_connection, "manager")
    await superuser_connection.execute(MAKE_CONTEXT_OLDER_SQL.format("45 seconds", access.event_id))
    async with api_connection.transaction():
        await set_access(api_connection, access)
        assert await count_visible_rows(api_connection, ["children"])
    await superuser_connection.execute(MAKE_CONTEXT_OLDER_SQL.format("16 seconds", access.event_id))
    async with api_connection.transaction():
        await assert_access_rejected(api_connection, access, await list_child_tables(superuser_connection))


async def test_event_stays_after_the_transaction_is_rolled_back(
    populated_database: PopulatedDatabase, superuser_connection: Any, api_connection: Any
) -> None:
    del populated_database
    async with open_transaction_as(api_connection, "worker_north") as access:
        assert await api_connection.fetchval("SELECT count(*) FROM children") == 1
    event = await superuser_connection.fetchrow(
        "SELECT actor_id, act FROM access_events WHERE id = $1", access.event_id
    )
    assert tuple(event) == (id_of("worker_north"), "case.read")


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


async def test_context_lookup_uses_the_index_after_the_table_has_grown(
    scenario: Scenario, superuser_connection: Any, api_connection: Any
) -> None:
    # Planted: access.context() without enable_seqscan = off. A connection caches the plan of the lookup while the table is
    # small.
    del scenario
    caller = "SELECT caller_id FROM access.context()"
    await open_access(api_connection, "manager")
    await superuser_connection.execute(
        "ANALYZE access_contexts"
    )  # a sequential scan of one row is the cheapest plan
    async with open_transaction_as(api_connection, "manager"):
        for _ in range(8):  # PostgreSQL caches a generic plan after five executions
            assert await api_connection.fetchval(caller) == id_of("manager")
    await superuser_connection.execute(COPY_CONTEXT_SQL)
    async with open_transaction_as(api_connection, "worker_north"):
        assert await api_connection.fetchval(caller) == id_of("worker_north")
        scans = await api_connection.fetchrow(
            "SELECT seq_scan, seq_tup_read, idx_scan FROM pg_stat_xact_all_tables WHERE relname = 'access_contexts'"
        )
    assert (scans[0], scans[1]) == (0, 0), "the lookup scans the table sequentially"
    assert scans[2] > 0
