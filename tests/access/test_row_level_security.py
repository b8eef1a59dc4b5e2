"""Row security, tried by somebody who holds the API's database password and writes SQL by hand."""

import io
import uuid
from typing import Any

import asyncpg
import pytest

from app.access.log import RECORD_KINDS
from tests.support.raw_sql import (
    count_visible_rows,
    list_child_tables,
    open_access,
    open_transaction_as,
    set_access_event,
)
from tests.support.sample_rows import PopulatedDatabase
from tests.support.scenario import Scenario, id_of

NOT_ABOUT_WHAT_WAS_SHOWN = {"idempotency_records", "name_tokens"}
"""No records anybody reads: what a kept answer showed is logged as that; tokens are only ever counted."""
AGE = """
    ALTER TABLE access_events DISABLE TRIGGER prevent_update_and_delete;
    UPDATE access_events SET opened_at = opened_at - interval '{seconds} seconds' WHERE id = '{event}';
    ALTER TABLE access_events ENABLE TRIGGER prevent_update_and_delete;
"""
REFUSED = (asyncpg.InsufficientPrivilegeError,)


async def test_every_table_about_a_child_has_forced_row_security_and_a_policy(
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
        """SELECT c.relname, relrowsecurity AND relforcerowsecurity AS closed, has_table_privilege('firststep_api',
                  c.oid, 'SELECT, INSERT, UPDATE, DELETE') AS open
             FROM pg_class c JOIN pg_inherits i ON i.inhrelid = c.oid WHERE c.relkind = 'r'"""
    )
    assert len(partitions) >= 6
    assert {(row["closed"], row["open"]) for row in partitions} == {(True, False)}


async def test_the_log_knows_a_kind_for_every_table_about_a_child(
    scenario: Scenario, superuser_connection: Any
) -> None:
    del scenario
    known = {kind.__tablename__ for kind in RECORD_KINDS}  # type: ignore[attr-defined]  # every one is a table
    assert known == set(await list_child_tables(superuser_connection)) - NOT_ABOUT_WHAT_WAS_SHOWN
    assert len(set(RECORD_KINDS.values())) == len(RECORD_KINDS)


async def test_nothing_is_seen_without_an_earlier_committed_fresh_event_of_somebody(
    populated_database: PopulatedDatabase,
    superuser_connection: Any,
    api_connection: Any,
    owner_connection: Any,
    scenario: Scenario,
) -> None:
    tables = await list_child_tables(superuser_connection)
    assert set(await count_visible_rows(superuser_connection, tables)) == set(tables), (
        "every table must hold something to be hidden"
    )
    assert await count_visible_rows(api_connection, tables) == {}
    assert await count_visible_rows(owner_connection, tables) == {}, (
        "FORCE binds the owner, and it inherits nothing"
    )
    for forged in (
        "",
        str(uuid.uuid4()),
        "00000000-0000-0000-0000-000000000000",
        populated_database.north_case["id"],
    ):
        async with api_connection.transaction():
            await set_access_event(api_connection, forged)
            assert await count_visible_rows(api_connection, tables) == {}, forged
    for stranger in (await _dead(superuser_connection), await _anonymous(api_connection)):
        async with api_connection.transaction():
            await set_access_event(api_connection, stranger)
            assert await count_visible_rows(api_connection, tables) == {}
    other = await asyncpg.connect(scenario.urls.api)
    async with other.transaction(), api_connection.transaction():
        await set_access_event(api_connection, await open_access(other, "manager"))  # not committed yet
        assert await count_visible_rows(api_connection, tables) == {}
    await other.close()


async def test_without_an_access_nobody_is_anybody(api_connection: Any) -> None:
    said = await api_connection.fetchrow("""
        SELECT access.is_staff(), access.can_read_all_cases(), access.can_read_access_log(), access.is_finance_officer(),
               access.worker_id(), access.partner_agency_id(), access.caller_id(), access.supervised_team_ids()
    """)
    assert tuple(said) == (False, False, False, False, None, None, None, [])


async def _dead(superuser: Any) -> uuid.UUID:
    """An event of a session that is over: it exists, and shows nothing."""
    await superuser.execute("UPDATE sessions SET revoked_at = now() WHERE user_id = $1", id_of("manager"))
    assert await open_access(superuser, "manager") is None
    await superuser.execute("UPDATE sessions SET revoked_at = NULL WHERE user_id = $1", id_of("manager"))
    found: uuid.UUID = await superuser.fetchval("SELECT id FROM access_events ORDER BY id DESC LIMIT 1")
    return found


async def _anonymous(intruder: Any) -> uuid.UUID:
    opened = "SELECT event_id FROM access.open('anonymous', $1, NULL, NULL, 'x', 'by-hand-00', NULL)"
    found: uuid.UUID = await intruder.fetchval(opened, id_of("manager"))
    return found


async def test_an_event_of_the_same_transaction_shows_nothing(
    populated_database: PopulatedDatabase, superuser_connection: Any, api_connection: Any
) -> None:
    del populated_database
    tables = await list_child_tables(superuser_connection)
    async with api_connection.transaction():
        await set_access_event(api_connection, await open_access(api_connection, "manager"))
        assert await count_visible_rows(api_connection, tables) == {}
    async with api_connection.transaction():
        async with api_connection.transaction():  # a savepoint, released
            event_id = await open_access(api_connection, "manager")
            await set_access_event(api_connection, event_id)
            assert await count_visible_rows(api_connection, tables) == {}
        assert await count_visible_rows(api_connection, tables) == {}
        caught = "DO $$ BEGIN PERFORM access.open('person', '{}', '{}', NULL, 'x', 'caught-000', NULL); EXCEPTION WHEN OTHERS THEN NULL; END $$"
        await api_connection.execute(caught.format(id_of("manager"), id_of("session of manager")))
        assert await count_visible_rows(api_connection, tables) == {}
    undone = api_connection.transaction()
    await undone.start()
    event_id = await open_access(api_connection, "manager")
    await undone.rollback()
    async with api_connection.transaction():
        await set_access_event(api_connection, event_id)
        assert await count_visible_rows(api_connection, tables) == {}
    async with open_transaction_as(api_connection, "manager"):
        assert await count_visible_rows(api_connection, tables), (
            "and with a committed one there is something to see"
        )


async def test_an_event_shows_for_sixty_seconds(
    populated_database: PopulatedDatabase, superuser_connection: Any, api_connection: Any
) -> None:
    del populated_database
    event_id = await open_access(api_connection, "manager")
    for seconds, visible in ((45, True), (16, False)):
        await superuser_connection.execute(AGE.format(seconds=seconds, event=event_id))
        async with api_connection.transaction():
            await set_access_event(api_connection, event_id)
            assert bool(await count_visible_rows(api_connection, ["children"])) is visible


async def test_a_read_that_is_rolled_back_leaves_its_event(
    populated_database: PopulatedDatabase, superuser_connection: Any, api_connection: Any
) -> None:
    del populated_database
    async with open_transaction_as(api_connection, "worker_north") as event_id:
        assert await api_connection.fetchval("SELECT count(*) FROM children") == 1
    kept = await superuser_connection.fetchrow(
        "SELECT actor_id, act FROM access_events WHERE id = $1", event_id
    )
    assert tuple(kept) == (id_of("worker_north"), "case.read")


async def test_an_event_shows_exactly_what_its_actor_may_see(
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
    expected: dict[str, set[str]] = {
        "worker_north": {north}, "worker_north_2": {north, other}, "worker_south": {south, other},
        "supervisor_north": {north}, "supervisor_south": {south, other},
        "supervisor_both": {north, south, other}, "manager": {north, south, other},
        "finance": set(), "me_officer": set(), "dpo": set(), "admin": set(),
        "partner_one": set(), "partner_two": set(), "reporting": set(),
    }  # fmt: skip
    through_cases = ("case_history", "cases", "people", "children")
    tables = await list_child_tables(superuser_connection)
    for name, children in expected.items():
        async with open_transaction_as(api_connection, name):
            for table in through_cases:
                key = "id" if table == "children" else "child_id"
                query = f"SELECT DISTINCT {key} FROM {table}"  # noqa: S608 - both named above
                found = {str(row[0]) for row in await api_connection.fetch(query)}
                assert found == children, (name, table)
            everything = await count_visible_rows(api_connection, tables)
        assert ("case_links" in everything) is (name in {"supervisor_both", "manager"}), name
        assert everything.get("consents", 0) == (3 if name == "dpo" else len(children)), name
        assert everything.get("referrals", 0) == _referrals(name, children), name
        if name in {"me_officer", "admin", "partner_two", "reporting"}:
            assert everything == {}, name
        if name == "finance":
            assert everything == {"disbursements": 1}, "what is paid, and no word of the child"


def _referrals(name: str, children: set[str]) -> int:
    """One for each child, the one that waits for an answer, and all four for the partner who sent them."""
    waiting = name in {"supervisor_north", "supervisor_both", "manager"}
    return 4 if name == "partner_one" else len(children) + waiting


async def test_a_change_without_a_condition_reaches_only_what_its_actor_sees(
    populated_database: PopulatedDatabase, api_connection: Any
) -> None:
    """An UPDATE or DELETE that reads nothing asks no policy for SELECT."""
    blind = {
        "UPDATE cases SET status = 'closed'": "UPDATE 1",
        "UPDATE children SET sex = 'male'": "UPDATE 1",
        "UPDATE people SET role = 'other'": "UPDATE 1",
        "UPDATE consents SET withdrawn_at = now()": "UPDATE 1",
        "UPDATE referrals SET handed_to_id = NULL": "UPDATE 1",
        "UPDATE referral_questions SET answered_at = now()": "UPDATE 0",
        "DELETE FROM case_workers": "DELETE 1",
    }
    for statement, reached in blind.items():
        async with open_transaction_as(api_connection, "worker_north"):
            assert await api_connection.execute(statement) == reached, statement
    for stranger in ("partner_two", "finance"):
        async with open_transaction_as(api_connection, stranger):
            assert await api_connection.execute("DELETE FROM name_tokens") == "DELETE 0"
    south = populated_database.linked_case
    joining = "INSERT INTO case_workers (case_id, user_id, child_id, since) VALUES ($1, $2, $3, now())"
    async with open_transaction_as(api_connection, "worker_north"):
        with pytest.raises(REFUSED):
            await api_connection.execute(joining, south["id"], id_of("worker_north"), south["child_id"])


async def test_copy_and_row_security_off_show_nothing(
    populated_database: PopulatedDatabase, api_connection: Any
) -> None:
    del populated_database
    for table in ("children", "access_entries"):
        out = io.BytesIO()
        assert await api_connection.copy_from_table(table, output=out) == "COPY 0"
        assert out.getvalue() == b""
    await api_connection.execute("SET row_security = off")
    with pytest.raises(REFUSED):
        await api_connection.fetch("SELECT * FROM children")


async def test_the_plan_that_finds_an_event_stays_an_index_scan(
    scenario: Scenario, superuser_connection: Any, api_connection: Any
) -> None:
    """The plan is made while the log is young, and kept: it must not scan the log when that has grown."""
    del scenario
    await open_access(api_connection, "manager")
    await superuser_connection.execute("ANALYZE access_events")  # one row: a scan would be the cheapest plan
    async with open_transaction_as(api_connection, "manager"):
        for _ in range(8):  # often enough for a plan that is kept
            assert await api_connection.fetchval("SELECT access.caller_id()") == id_of("manager")
    await superuser_connection.execute(
        """INSERT INTO access_events (kind, roles, supervised_team_ids, act, request_id)
           SELECT 'person', '{}', '{}', 'case.read', 'grown-0000' FROM generate_series(1, 20000)"""
    )
    async with open_transaction_as(api_connection, "worker_north"):
        assert await api_connection.fetchval("SELECT access.caller_id()") == id_of("worker_north")
        read = await api_connection.fetchrow(
            "SELECT sum(seq_scan), sum(seq_tup_read), sum(idx_scan) FROM pg_stat_xact_all_tables"
            " WHERE relname LIKE 'access_events_%'"
        )
    assert (read[0], read[1]) == (0, 0), "rows read one by one for one look-up among 20,000"
    assert read[2] > 0
