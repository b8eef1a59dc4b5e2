"""Privileges of the database roles for the API, the owner and the reports."""

from typing import Any

import asyncpg
import pytest

from app.database.urls import to_driver_url
from tests.support.raw_sql import (
    conclude_access,
    list_child_tables,
    open_access,
    open_transaction_as,
)
from tests.support.scenario import Scenario

EVENT_VALUES = "VALUES (uuidv7(), '{social_worker}', '{}', 'person', 'case.read', 'by-hand-00')"
SELECT_ENTRIES = "SELECT * FROM access_entries ORDER BY event_id, n"
ROLE_CHANGES = (
    "SET ROLE firststep_gate",
    "SET ROLE firststep_owner",
    "SET SESSION AUTHORIZATION firststep_owner",
    "SET SESSION AUTHORIZATION firststep_admin",
    "GRANT firststep_gate TO firststep_api",
    "ALTER ROLE firststep_api BYPASSRLS",
)
ACCESS_LOG_CHANGES = (
    "UPDATE access_events SET act = 'case.list'",
    "UPDATE access_entries SET child_id = NULL",
    "DELETE FROM access_events",
    "DELETE FROM access_entries",
    "TRUNCATE access_events",
    "TRUNCATE access_entries",
    "TRUNCATE access_entries_default",
    "SELECT * FROM access_entries_default",
    "DELETE FROM access_events_default",
    f"INSERT INTO access_events (id, roles, supervised_team_ids, kind, act, request_id) {EVENT_VALUES}",
    f"INSERT INTO access_events_default (id, roles, supervised_team_ids, kind, act, request_id) {EVENT_VALUES}",
    "INSERT INTO access_entries (event_id, n, outcome, status) VALUES (uuidv7(), 1, 'allowed', 200)",
    "INSERT INTO access_entries_default (event_id, n, outcome, status) VALUES (uuidv7(), 1, 'allowed', 200)",
    "INSERT INTO access_entries (event_id, n) SELECT event_id, 2 FROM access_entries",
    "COPY access_events FROM STDIN",
    "COPY access_entries FROM STDIN",
    "LOCK TABLE access_events IN SHARE MODE",
    "SELECT access.open_as_custodian('keys.rotate', 'by-hand-00')",
    "SELECT access.open_as_command_line('users.disable', 'by-hand-00')",
    "SELECT access.create_partitions(30)",
)
ACCESS_CONTEXT_STATEMENTS = (
    "SELECT FROM access_contexts",
    "INSERT INTO access_contexts DEFAULT VALUES",
    "UPDATE access_contexts SET can_read_all_cases = true",
    "DELETE FROM access_contexts",
    "TRUNCATE access_contexts",
    "COPY access_contexts FROM STDIN",
    "COPY access_contexts TO STDOUT",
    "LOCK TABLE access_contexts IN ACCESS SHARE MODE",
    "ALTER TABLE access_contexts SET LOGGED",
)
GATE_FUNCTIONS_OF_API = {
    "activate_account", "begin_session", "can_act", "cancel_open_follow_ups", "change_own_password", "children_share_worker",
    "conclude", "conclude_rejected", "confirm_change", "context", "count_backlog", "count_remaining_work",
    "delete_expired_rows", "duplicate_profiles", "find_earlier_event", "find_session_by_token",
    "get_confirmed_rate", "get_target", "has_open_case", "has_opened_matches", "has_supervisor", "insert_api_client", "insert_api_client_secret",
    "insert_lower_approval_limit", "insert_rates_within_tolerance", "insert_user", "is_matched", "is_merged_child",
    "convert_money", "find_case_limit_fault", "is_payment_date_confirmed", "is_payment_rate_confirmed", "find_payments_of_receipts", "is_within_limit",
    "issue_initial_password", "list_children_in_log", "list_children_of_record", "list_consent_register", "list_deviating_rates", "list_merge_obstacles",
    "list_payment_proofs", "list_records_without_approver", "list_referral_records", "list_searchable_contacts", "list_unmerge_obstacles",
    "list_uncompared_referrals", "list_unstaffed_cases", "lock_cases_of_children", "lock_consent_register", "merge_children", "open",
    "open_calendar_feed", "open_digest", "open_report_run", "replace_own_settings", "restore_follow_ups", "possible_duplicates", "raise_alerts", "read_finance_document",
    "record_matching", "refresh_context", "refresh_session", "register_session_key",
    "rehash_own_password", "reject_change", "replace_team_members", "request_change",
    "revoke_api_client_secret", "revoke_sessions", "spending_by_month", "store_own_second_factor", "supersede_basis_confirmation",
    "unmerge_children", "update_api_client", "update_last_contact", "update_user", "use_second_factor_code",
    "violates_conflict_wall", "withdraw_change", "withdraw_pending_changes",
}  # fmt: skip
"""The functions with the privileges of firststep_gate that firststep_api can execute."""
OWNER_FUNCTIONS = {"create_log_partitions"}
"""The functions that run with the privileges of the table owner: only the owner can create partitions."""
GATE_FUNCTIONS_QUERY = """
    SELECT proname, format('SELECT access.%I(%s)', proname, (
               SELECT string_agg(format('NULL::%s', format_type(type, NULL)), ', ')
                 FROM unnest(proargtypes) AS type)) AS call
      FROM pg_proc WHERE pronamespace = 'access'::regnamespace AND proowner = 'firststep_gate'::regrole
"""
SCHEMA_CHANGES = (
    "ALTER TABLE access_entries DISABLE TRIGGER ALL",
    "ALTER TABLE children DISABLE ROW LEVEL SECURITY",
    "ALTER TABLE children NO FORCE ROW LEVEL SECURITY",
    "DROP POLICY visible_in_scope ON cases",
    "CREATE POLICY mine ON cases USING (true)",
    "DROP TRIGGER prevent_update_and_delete ON access_entries",
    "DROP TABLE access_entries_default",
    "ALTER TABLE access_entries DETACH PARTITION access_entries_default",
    "SET session_replication_role = replica",
    "CREATE OR REPLACE FUNCTION access.context() RETURNS SETOF access_contexts LANGUAGE sql AS 'SELECT NULL'",
    "CREATE FUNCTION access.mine() RETURNS boolean LANGUAGE sql AS 'SELECT true'",
    "CREATE TABLE public.mine (id integer)",
    "CREATE VIEW public.mine AS SELECT * FROM children",
    "ALTER FUNCTION access.context() RESET ALL",
    "CREATE TRIGGER mine AFTER INSERT ON children EXECUTE FUNCTION access.prevent_change()",
)
PROTECTED_ROW_CHANGES = (
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
SERVER_FILE_ACCESS = (
    "COPY (SELECT 1) TO '/tmp/firststep-stolen'",
    "COPY (SELECT 1) TO PROGRAM 'cat'",
    "SELECT pg_read_file('PG_VERSION')",
    "SELECT lo_import('/etc/passwd')",
)


async def test_api_role_cannot_change_access_log_schema_or_history(
    scenario: Scenario, api_connection: Any
) -> None:
    await scenario.open_case()
    for statement in (
        *ROLE_CHANGES,
        *ACCESS_LOG_CHANGES,
        *ACCESS_CONTEXT_STATEMENTS,
        *SCHEMA_CHANGES,
        *PROTECTED_ROW_CHANGES,
        *SERVER_FILE_ACCESS,
    ):
        async with open_transaction_as(api_connection, "manager"):
            with pytest.raises(asyncpg.PostgresError) as refusal:
                await api_connection.execute(statement)
        assert isinstance(refusal.value, asyncpg.InsufficientPrivilegeError), (statement, refusal.value)


async def test_api_role_can_execute_only_the_listed_functions_of_the_gate(
    scenario: Scenario, api_connection: Any, superuser_connection: Any
) -> None:
    # Catches: access.resolve_user(uuid), access.write_event(…) and access.compute_case_scope(…) without REVOKE.
    del scenario
    functions = await superuser_connection.fetch(GATE_FUNCTIONS_QUERY)
    executable = set()
    for name, call in functions:
        async with open_transaction_as(api_connection, "manager"):
            if await is_executable(api_connection, call):
                executable.add(name)
    assert executable == GATE_FUNCTIONS_OF_API
    assert len(functions) > len(executable) + 6


async def is_executable(connection: Any, call: str) -> bool:
    """Return whether the role of a connection can execute a function. Its arguments can be invalid."""
    try:
        await connection.execute(call)
    except asyncpg.InsufficientPrivilegeError as refusal:
        # Some functions reject the caller themselves. This C function rejects the role of the connection.
        return str(refusal.server_source_function) != "aclcheck_error"
    except asyncpg.PostgresError:
        return True
    return True


async def test_database_sets_time_and_transaction_of_access_entries(
    scenario: Scenario, api_connection: Any, superuser_connection: Any
) -> None:
    del scenario
    access = await open_access(api_connection, "worker_north")
    async with api_connection.transaction():
        await conclude_access(api_connection, access)
        xid = await api_connection.fetchval("SELECT pg_current_xact_id()::text")
    entry = await superuser_connection.fetchrow(
        "SELECT xid::text, clock_timestamp() - at < interval '10 seconds' FROM access_entries WHERE event_id = $1",
        access.event_id,
    )
    assert tuple(entry) == (xid, True)


async def test_owner_and_superuser_cannot_change_access_log(
    scenario: Scenario, owner_connection: Any, superuser_connection: Any
) -> None:
    await scenario.open_case()
    before = await superuser_connection.fetch(SELECT_ENTRIES)
    assert before
    for table in ("access_events", "access_entries"):
        for change in (f"UPDATE {table} SET xid = xid", f"DELETE FROM {table}"):  # noqa: S608 - two names
            assert (await owner_connection.execute(change)).endswith(" 0"), "no row is visible"
            async with open_transaction_as(owner_connection, "dpo"):
                assert (await owner_connection.execute(change)).endswith(" 0"), "visible rows are read-only"
            with pytest.raises(asyncpg.InsufficientPrivilegeError, match="append-only"):
                await superuser_connection.execute(change)
        for partition in (table, f"{table}_default"):
            for connection in (owner_connection, superuser_connection):
                with pytest.raises(asyncpg.InsufficientPrivilegeError, match="append-only"):
                    await connection.execute(f"TRUNCATE {partition}")
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="append-only"):
        await superuser_connection.execute("DELETE FROM case_history")
    assert await superuser_connection.fetch(SELECT_ENTRIES) == before


async def test_reports_role_cannot_read_whole_rows_about_children_or_staff(
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
                await reports.execute(f"SELECT * FROM {table}")  # noqa: S608 - names from the catalog
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await open_access(reports, "manager")
    finally:
        await reports.close()


async def test_application_roles_cannot_bypass_row_level_security(
    scenario: Scenario, superuser_connection: Any
) -> None:
    del scenario
    roles = await superuser_connection.fetch(
        "SELECT rolname, rolsuper OR rolbypassrls OR rolcreaterole OR rolreplication AS is_privileged FROM pg_roles"
        " WHERE rolname LIKE 'firststep%' AND rolname <> 'firststep_admin'"
    )
    assert {row["rolname"]: row["is_privileged"] for row in roles} == dict.fromkeys(
        ("firststep_owner", "firststep_api", "firststep_reports", "firststep_gate"), False
    )
    members = await superuser_connection.fetch(
        "SELECT r.rolname FROM pg_roles r WHERE r.rolname LIKE 'firststep%' AND NOT r.rolsuper"
        " AND r.rolname <> 'firststep_gate' AND pg_has_role(r.oid, 'firststep_gate', 'USAGE')"
    )
    assert not members, "a role that inherits from the gate passes the policies of the gate"


async def test_security_definer_functions_have_fixed_search_path_and_limited_execute(
    scenario: Scenario, superuser_connection: Any
) -> None:
    del scenario
    functions = await superuser_connection.fetch(
        """SELECT p.proname, p.proowner::regrole::text AS owner,
                  coalesce('search_path=""' = ANY (proconfig), false) AS has_fixed_search_path,
                  EXISTS (SELECT FROM aclexplode(coalesce(proacl, acldefault('f', proowner))) a WHERE a.grantee = 0) AS public,
                  has_function_privilege('firststep_reports', p.oid, 'EXECUTE') AS reports, prosecdef,
                  prosqlbody IS NOT NULL AS has_parsed_body
             FROM pg_proc p WHERE p.pronamespace = 'access'::regnamespace"""
    )
    definers = [row for row in functions if row["prosecdef"]]
    assert len(definers) >= 20
    assert {row["proname"] for row in definers if row["owner"] != "firststep_gate"} == OWNER_FUNCTIONS
    assert {(row["has_fixed_search_path"], row["public"]) for row in definers} == {(True, False)}
    assert [row["proname"] for row in definers if row["reports"]] == ["context", "list_entry_profiles"]
    # The body of a function that PostgreSQL inlines into a policy is parsed when the function is created.
    assert all(row["has_fixed_search_path"] or row["has_parsed_body"] for row in functions)
    public_definers = await superuser_connection.fetchval(
        "SELECT count(*) FROM pg_proc WHERE prosecdef AND pronamespace = 'public'::regnamespace"
    )
    assert public_definers == 0
