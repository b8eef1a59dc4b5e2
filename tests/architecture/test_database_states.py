"""The SQL that repeats state machines, roles and permissions matches the Python tables that define them.

Each test names the planted fault that made it fail.
"""

import re
from collections.abc import AsyncIterator, Iterable, Mapping
from typing import Any

import asyncpg
import pytest

from app.access.acts import ActWithoutPermission
from app.access.log import open_command_line_access, open_custodian_access
from app.access.permissions import CASEWORK, POLICY, Permission, Role
from app.access.roles import ROLE_BY_SCOPE
from app.database.urls import to_driver_url
from app.kit.approval import EDITABLE_STATUSES
from app.schemas.codes import get_codes
from app.services.agenda.sources import CANNOT_ACT
from app.services.agenda.team_sources import TEAMS_WITHOUT_SUPERVISOR_CTE
from app.services.agenda.worker_sources import WORKER_SOURCES
from tests.support.raw_sql import open_access
from tests.support.scenario import API_CLIENT_ROLES, STAFF, Scenario, id_of
from tests.support.state_machines import STATE_MACHINES, get_statuses

CODE_LISTS = {
    "ck_actions_status": "action_status",
    "ck_assessments_subject": "subject",
    "ck_care_plans_subject": "subject",
    "ck_funds_status": "fund_status",
    "ck_goals_status": "goal_status",
    "ck_ledger_accounts_kind": "ledger_account",
    "ck_ledger_transactions_kind": "ledger_kind",
}
CUSTODIAN = "custodian"
"""The role of the table owner during key rotation; no user holds it, so it is no `Role`."""
COMMAND_LINE = "command_line"
"""The role of an operator who runs a command; no user holds it either."""
WORKERS = POLICY[Permission.case_break_glass]
SUPERVISORS = POLICY[Permission.assessment_decide] & WORKERS
WRITERS_OF_ROLES = {
    "apply_change", "confirm_change", "grant_rights", "insert_user", "issue_initial_password", "require_caller", "update_user",
}  # fmt: skip
"""Functions that read the roles of users to decide which changes need a second person."""
ROLES_BY_COLUMN: dict[str, Iterable[str]] = {
    "is_staff": {*POLICY[Permission.case_read], CUSTODIAN},
    "worker_id": WORKERS,
    "supervised_team_ids": SUPERVISORS,
    "can_read_all_cases": {*POLICY[Permission.case_read] - WORKERS, CUSTODIAN},
    "can_read_access_log": {*POLICY[Permission.access_log_read] - SUPERVISORS, CUSTODIAN},
    "can_report_all_teams": POLICY[Permission.report_read] - SUPERVISORS,
    "partner_agency_id": {ROLE_BY_SCOPE["referrals"]},
    "is_finance_officer": POLICY[Permission.disbursement_pay],
    "is_custodian": {CUSTODIAN},
    "is_command_line": {COMMAND_LINE},
}
"""The roles whose callers have a value in a column of `access_contexts`."""
OTHER_CONTEXT_COLUMNS = {
    "event_id", "secret_digest", "xid", "opened_at", "act", "caller_id", "assigned_case_ids", "break_glass_case_ids",
    "conflict_wall_case_ids",
}  # fmt: skip
IDENTITY_COLUMNS = {"id", "created_at", "child_id", "case_id", "contributor_ids"}


@pytest.fixture
async def catalog(scenario: Scenario) -> AsyncIterator[asyncpg.Connection]:
    """A connection as the owner of the tables."""
    connection = await asyncpg.connect(to_driver_url(scenario.urls.owner))
    yield connection
    await connection.close()


async def get_constraint_values(catalog: asyncpg.Connection, name: str) -> set[str]:
    definition = await catalog.fetchval(
        "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = $1", name
    )
    assert definition, name
    return get_literals(definition)


async def get_function_body(catalog: asyncpg.Connection, name: str) -> str:
    body = await catalog.fetchval(
        "SELECT prosrc FROM pg_proc WHERE proname = $1 AND pronamespace = 'access'::regnamespace", name
    )
    assert body, name
    return str(body)


def get_literals(sql: str) -> set[str]:
    return set(re.findall(r"'([^']*)'", sql))


def get_match(pattern: str, sql: str) -> str:
    match = re.search(pattern, sql, re.DOTALL)
    assert match, pattern
    return match[1]


@pytest.mark.parametrize("table", STATE_MACHINES)
async def test_status_constraint_allows_the_statuses_of_the_state_machine(
    catalog: asyncpg.Connection, table: str
) -> None:
    # Catches: 'missed' removed from ck_follow_ups_status; SUPERSEDE removed from TRANSITIONS in care_plans/states.py.
    allowed = await get_constraint_values(catalog, f"ck_{table}_status")
    assert allowed == get_statuses(STATE_MACHINES[table])


@pytest.mark.parametrize("constraint", CODE_LISTS)
async def test_constraint_allows_the_codes_of_the_code_list(
    catalog: asyncpg.Connection, constraint: str
) -> None:
    # Catches: 'dropped' removed from ck_goals_status.
    assert await get_constraint_values(catalog, constraint) == set(get_codes(CODE_LISTS[constraint]))


async def test_contributors_are_recorded_in_editable_statuses(catalog: asyncpg.Connection) -> None:
    # Catches: 'returned' removed from access.record_contributor().
    body = await get_function_body(catalog, "record_contributor")
    assert get_literals(get_match(r"NEW\.status IN \((.*?)\)", body)) == EDITABLE_STATUSES


@pytest.fixture
async def context_by_role(
    catalog: asyncpg.Connection, superuser_connection: asyncpg.Connection
) -> dict[str, Mapping[str, Any]]:
    """The context of an access of each role. Every user supervises a team."""
    await superuser_connection.execute("UPDATE team_members SET is_supervisor = true")
    await superuser_connection.execute(
        "INSERT INTO team_members (team_id, user_id, is_supervisor) SELECT $1, id, true FROM users ON CONFLICT DO NOTHING",
        id_of("north"),
    )
    accesses = {roles[0]: await open_access(catalog, name) for name, (roles, _) in STAFF.items()}
    accesses |= {role: await open_access(catalog, name) for name, role in API_CLIENT_ROLES.items()}
    accesses[CUSTODIAN] = await open_custodian_access(catalog, ActWithoutPermission.keys_reencrypt)
    accesses[COMMAND_LINE] = await open_command_line_access(catalog, ActWithoutPermission.users_list)
    query = "SELECT * FROM access_contexts WHERE event_id = $1"
    return {
        role: await superuser_connection.fetchrow(query, access.event_id) for role, access in accesses.items()
    }


@pytest.mark.parametrize("column", ROLES_BY_COLUMN)
async def test_columns_of_the_context_have_values_for_the_roles_of_the_policy(
    context_by_role: dict[str, Mapping[str, Any]], column: str
) -> None:
    # Catches: 'supervisor' removed from `worker` in access.write_event(); the condition removed from `teams`;
    # Role.programme_manager removed from `case_read`.
    assert context_by_role.keys() == {*Role, CUSTODIAN, COMMAND_LINE}
    roles = {role for role, context in context_by_role.items() if context[column]}
    assert roles == {str(role) for role in ROLES_BY_COLUMN[column]}


async def test_roles_by_column_is_complete_and_approval_limits_have_known_roles(
    catalog: asyncpg.Connection, context_by_role: dict[str, Mapping[str, Any]]
) -> None:
    # Catches: 'is_finance_officer' removed from ROLES_BY_COLUMN; 'is_manager' in `approval_limits`; a function of the
    # schema access that reads `roles`.
    functions = await catalog.fetch(
        "SELECT proname FROM pg_proc WHERE pronamespace::regnamespace::text IN ('access', 'ledger') AND prosrc ~ 'roles &&'"
    )
    assert {row["proname"] for row in functions} - WRITERS_OF_ROLES == {
        "can_act", "write_event", "raise_reading_alerts",
    }  # fmt: skip
    # Functions and the agenda pass the roles of the policy to access.can_act().
    functions = await catalog.fetch("SELECT prosrc FROM pg_proc WHERE prosrc ~ 'can_act\\('")
    sources = [row["prosrc"] for row in functions] + [
        CANNOT_ACT,
        *WORKER_SOURCES.values(),
        TEAMS_WITHOUT_SUPERVISOR_CTE,
    ]
    roles = set(re.findall(r"can_act\([\w.]+, '{(.+?)}'\)", "".join(sources)))
    assert {frozenset(names.split(",")) for names in roles} == {
        WORKERS, SUPERVISORS, POLICY[Permission.case_transfer],
    }  # fmt: skip
    casework = await get_function_body(catalog, "raise_reading_alerts")
    assert set(re.findall(r"e\.roles && '{(.+)}'", casework)[0].split(",")) == CASEWORK
    assert set(context_by_role[CUSTODIAN].keys()) == ROLES_BY_COLUMN.keys() | OTHER_CONTEXT_COLUMNS
    limits = await catalog.fetch("SELECT DISTINCT role FROM approval_limits")
    assert {row["role"] for row in limits} <= set(Role)


async def test_fund_statement_is_readable_by_the_roles_of_the_policy(catalog: asyncpg.Connection) -> None:
    # Catches: `x.can_read_all_cases` removed from access.spending_by_month(); Role.programme_manager removed from
    # `fund_ledger`.
    body = await get_function_body(catalog, "spending_by_month")
    columns = re.findall(r"x\.(\w+)", body)
    roles = {str(role) for column in columns for role in ROLES_BY_COLUMN[column]}
    assert roles - {CUSTODIAN} == POLICY[Permission.fund_ledger]


async def test_sql_maps_api_client_scopes_to_the_same_roles_as_the_application(
    catalog: asyncpg.Connection,
) -> None:
    # Catches: 'partner_system' for the scope 'reports' in access.resolve_session().
    body = await get_function_body(catalog, "resolve_session")
    pairs = re.findall(r"WHEN '(\w+)' = ANY \(c\.scopes\) THEN '(\w+)'", body)
    assert dict(pairs) == ROLE_BY_SCOPE


async def test_acts_in_sql_functions_are_permissions(catalog: asyncpg.Connection) -> None:
    # Catches: 'case.reopened' in access.has_open_case().
    bodies = await catalog.fetch("SELECT prosrc FROM pg_proc WHERE pronamespace = 'access'::regnamespace")
    acts = {
        act
        for row in bodies
        for compared in re.findall(r"x\.act (?:=|IN) (\(.*?\)|'.*?')", row["prosrc"])
        for act in get_literals(compared)
    }
    assert acts
    assert acts <= {str(permission) for permission in Permission}


async def test_identity_columns_of_case_records_cannot_be_updated(catalog: asyncpg.Connection) -> None:
    # Catches: GRANT UPDATE (case_id) ON goals; GRANT UPDATE ON reviews.
    grants = await catalog.fetch(
        """
        SELECT c.relname AS table, array_agg(a.attname::text) AS columns
          FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
         WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND c.relrowsecurity
           AND has_column_privilege('firststep_api', c.oid, a.attnum, 'UPDATE')
           AND c.relname IN (SELECT table_name FROM information_schema.columns WHERE column_name = 'case_id')
         GROUP BY 1
        """
    )
    updatable = {row["table"]: IDENTITY_COLUMNS.intersection(row["columns"]) for row in grants}
    assert {table for table, columns in updatable.items() if columns} == {
        "break_glass",  # the child is set once: user_can_set_child
        "referrals",  # joins a case when it is accepted: prevent_reassignment
    }


async def test_folded_column_can_be_updated_with_its_text(catalog: asyncpg.Connection) -> None:
    # Catches: GRANT UPDATE (name) ON providers, without `name_key`.
    columns = await catalog.fetch(
        """
        SELECT c.relname || '.' || k.attname AS name
          FROM pg_class c JOIN pg_attribute k ON k.attrelid = c.oid AND k.attname LIKE '%\\_key'
          JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname || '_key' = k.attname
         WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r'
           AND has_column_privilege('firststep_api', c.oid, a.attnum, 'UPDATE')
           AND NOT has_column_privilege('firststep_api', c.oid, k.attnum, 'UPDATE')
        """
    )
    assert [row["name"] for row in columns] == []
