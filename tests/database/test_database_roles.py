"""What the database's roles may not do, each tried: the API's own, the owner's, the reports'."""

from typing import Any

import asyncpg
import pytest

from app.database.urls import to_driver_url
from tests.support.raw_sql import (
    count_visible_rows,
    list_child_tables,
    open_access,
    open_transaction_as,
    set_access_event,
)
from tests.support.scenario import Scenario, id_of

EVENT = "VALUES (uuidv7(), '{social_worker}', '{}', 'person', 'case.read', 'by-hand-00')"
UNDER_NAMES = (
    "SET ROLE firststep_gate",
    "SET ROLE firststep_owner",
    "SET SESSION AUTHORIZATION firststep_owner",
    "SET SESSION AUTHORIZATION firststep_admin",
    "GRANT firststep_gate TO firststep_api",
    "ALTER ROLE firststep_api BYPASSRLS",
)
FORGED_LOG = (
    "UPDATE access_events SET act = 'case.list'",
    "UPDATE access_entries SET child_id = NULL",
    "DELETE FROM access_events",
    "DELETE FROM access_entries",
    "TRUNCATE access_events",
    "TRUNCATE access_entries",
    "TRUNCATE access_entries_default",
    "SELECT * FROM access_entries_default",
    "DELETE FROM access_events_default",
    f"INSERT INTO access_events (id, roles, supervised_team_ids, kind, act, request_id) {EVENT}",
    f"INSERT INTO access_events_default (id, roles, supervised_team_ids, kind, act, request_id) {EVENT}",
    "INSERT INTO access_entries (id, event_id, outcome, status) VALUES (uuidv7(), uuidv7(), 'allowed', 200)",
    "INSERT INTO access_entries (xid, event_id, outcome, status) VALUES ('3', uuidv7(), 'allowed', 200)",
    "INSERT INTO access_entries (at, event_id, outcome, status) VALUES (now(), uuidv7(), 'allowed', 200)",
    "COPY access_events FROM STDIN",
    "COPY access_entries FROM STDIN",
    "LOCK TABLE access_events IN SHARE MODE",
    "SELECT access.open_as_custodian('keys.rotate', 'by-hand-00')",
    "SELECT access.create_partitions(30)",
)
DISMANTLED = (
    "ALTER TABLE access_entries DISABLE TRIGGER ALL",
    "ALTER TABLE children DISABLE ROW LEVEL SECURITY",
    "ALTER TABLE children NO FORCE ROW LEVEL SECURITY",
    "DROP POLICY visible_in_scope ON cases",
    "CREATE POLICY mine ON cases USING (true)",
    "DROP TRIGGER prevent_update_and_delete ON access_entries",
    "DROP TABLE access_entries_default",
    "ALTER TABLE access_entries DETACH PARTITION access_entries_default",
    "SET session_replication_role = replica",
    "CREATE OR REPLACE FUNCTION access.can_read_all_cases() RETURNS boolean LANGUAGE sql AS 'SELECT true'",
    "CREATE FUNCTION access.mine() RETURNS boolean LANGUAGE sql AS 'SELECT true'",
    "CREATE TABLE public.mine (id integer)",
    "CREATE VIEW public.mine AS SELECT * FROM children",
    "ALTER FUNCTION access.current_event() RESET ALL",
    "CREATE TRIGGER mine AFTER INSERT ON children EXECUTE FUNCTION access.prevent_change()",
)
DESTROYED = (
    "DELETE FROM children",
    "DELETE FROM cases",
    "DELETE FROM referrals",
    "DELETE FROM consents",
    "DELETE FROM case_links",
    "DELETE FROM break_glass",
    "DELETE FROM case_history",
    "TRUNCATE children CASCADE",
    "UPDATE case_history SET at = now()",
    "UPDATE case_links SET linked_at = now()",
    "UPDATE break_glass SET expires_at = now() + interval '1 year'",
    "UPDATE consents SET child_id = gen_random_uuid()",
    "UPDATE idempotency_records SET status = 200",
)
OUTSIDE = (
    "COPY (SELECT 1) TO '/tmp/firststep-stolen'",
    "COPY (SELECT 1) TO PROGRAM 'cat'",
    "SELECT pg_read_file('PG_VERSION')",
    "SELECT lo_import('/etc/passwd')",
)


async def test_the_api_may_not_change_the_log_the_rules_or_the_past(
    scenario: Scenario, api_connection: Any
) -> None:
    await scenario.open_case()
    for statement in (*UNDER_NAMES, *FORGED_LOG, *DISMANTLED, *DESTROYED, *OUTSIDE):
        async with open_transaction_as(api_connection, "manager"):
            with pytest.raises(asyncpg.PostgresError) as refusal:
                await api_connection.execute(statement)
        assert isinstance(refusal.value, asyncpg.InsufficientPrivilegeError), (statement, refusal.value)


async def test_the_api_writes_entries_whose_moment_and_transaction_the_database_says(
    scenario: Scenario, api_connection: Any, superuser_connection: Any
) -> None:
    del scenario
    marked = await open_access(api_connection, "worker_north")
    async with api_connection.transaction():
        await set_access_event(api_connection, marked)
        entry = "INSERT INTO access_entries (event_id, outcome, status) VALUES ($1, 'allowed', 200)"
        await api_connection.execute(entry, marked)
        xid = await api_connection.fetchval("SELECT pg_current_xact_id()::text")
    written = await superuser_connection.fetchrow(
        "SELECT xid::text, clock_timestamp() - at < interval '10 seconds' FROM access_entries WHERE event_id = $1",
        marked,
    )
    assert tuple(written) == (xid, True)


async def test_nobody_changes_the_log_neither_the_owner_nor_the_superuser(
    scenario: Scenario, owner_connection: Any, superuser_connection: Any
) -> None:
    await scenario.open_case()
    before = await superuser_connection.fetch("SELECT * FROM access_entries ORDER BY id")
    assert before
    for table in ("access_events", "access_entries"):
        for change in (f"UPDATE {table} SET id = id", f"DELETE FROM {table}"):  # noqa: S608 - two names
            assert (await owner_connection.execute(change)).endswith(" 0"), "nothing it could reach"
            async with open_transaction_as(owner_connection, "dpo"):
                assert (await owner_connection.execute(change)).endswith(" 0"), "not even what it may read"
            with pytest.raises(asyncpg.InsufficientPrivilegeError, match="append-only"):
                await superuser_connection.execute(change)
        for part in (table, f"{table}_default"):
            for connection in (owner_connection, superuser_connection):
                with pytest.raises(asyncpg.InsufficientPrivilegeError, match="append-only"):
                    await connection.execute(f"TRUNCATE {part}")
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="append-only"):
        await superuser_connection.execute("DELETE FROM case_history")
    assert await superuser_connection.fetch("SELECT * FROM access_entries ORDER BY id") == before


async def test_the_reports_role_reads_no_table_about_a_child(
    scenario: Scenario, superuser_connection: Any
) -> None:
    await scenario.open_case()
    reports = await asyncpg.connect(to_driver_url(scenario.urls.reports))
    try:
        for table in [
            *await list_child_tables(superuser_connection),
            "users",
            "sessions",
            "api_client_secrets",
        ]:
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await count_visible_rows(reports, [table])
        opened = "SELECT access.open('person', $1, $2, NULL, 'x', 'by-hand-00', NULL)"
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await reports.fetchval(opened, id_of("manager"), id_of("session of manager"))
    finally:
        await reports.close()


async def test_no_role_of_ours_is_above_row_security(scenario: Scenario, superuser_connection: Any) -> None:
    del scenario
    roles = await superuser_connection.fetch(
        "SELECT rolname, rolsuper OR rolbypassrls OR rolcreaterole OR rolreplication AS above FROM pg_roles"
        " WHERE rolname LIKE 'firststep%' AND rolname <> 'firststep_admin'"
    )
    assert {row["rolname"]: row["above"] for row in roles} == dict.fromkeys(
        ("firststep_owner", "firststep_api", "firststep_reports", "firststep_gate"), False
    )
    inherited = await superuser_connection.fetch(
        "SELECT r.rolname FROM pg_roles r WHERE r.rolname LIKE 'firststep%' AND NOT r.rolsuper"
        " AND r.rolname <> 'firststep_gate' AND pg_has_role(r.oid, 'firststep_gate', 'USAGE')"
    )
    assert not inherited, "policies for the gate hold for whoever inherits from it"


async def test_functions_that_act_as_the_gate_cannot_be_led_astray(
    scenario: Scenario, superuser_connection: Any
) -> None:
    del scenario
    functions = await superuser_connection.fetch(
        """SELECT p.proname, p.proowner::regrole::text AS owner, coalesce('search_path=""' = ANY (proconfig), false) AS fixed,
                  EXISTS (SELECT FROM aclexplode(coalesce(proacl, acldefault('f', proowner))) a WHERE a.grantee = 0) AS public,
                  has_function_privilege('firststep_reports', p.oid, 'EXECUTE') AS reports, prosecdef
             FROM pg_proc p WHERE p.pronamespace = 'access'::regnamespace"""
    )
    as_gate = [row for row in functions if row["prosecdef"]]
    assert len(as_gate) >= 20
    assert {(r["owner"], r["fixed"], r["public"], r["reports"]) for r in as_gate} == {
        ("firststep_gate", True, False, False)
    }
    assert all(row["fixed"] for row in functions)
    definers = await superuser_connection.fetchval(
        "SELECT count(*) FROM pg_proc WHERE prosecdef AND pronamespace = 'public'::regnamespace"
    )
    assert definers == 0
