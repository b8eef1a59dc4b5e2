"""Each privilege of a database role has a reason and a use, and PUBLIC has no privilege on objects of the application."""

import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from sqlmodel import SQLModel

from app import models
from app.server.docs_grants import Grant, list_grants, load_grant_reasons
from tests.support.scenario import Scenario

APP_CODE = "\n".join(
    path.read_text() for path in sorted(Path("app").rglob("*.py")) if not path.match("app/models/*.py")
)
MODELS = {
    str(model.__tablename__): name
    for name, model in vars(models).items()
    if isinstance(model, type) and issubclass(model, SQLModel) and hasattr(model, "__table__")
}
"""Names of model classes, by table."""
FUNCTIONS_QUERY = """
    SELECT p.oid::regprocedure::text AS signature, p.proname::text AS name, p.proowner::regrole::text AS owner,
           p.prosecdef AS is_definer, pg_get_functiondef(p.oid) AS source, p.prorettype = 'trigger'::regtype AS is_trigger,
           ARRAY(SELECT a.grantee::regrole::text FROM aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a
                  WHERE a.grantee <> p.proowner) AS roles
      FROM pg_proc p WHERE p.pronamespace::regnamespace::text IN ('access', 'ledger')
"""
POLICIES_QUERY = """
    SELECT concat_ws(' ', pg_get_expr(polqual, polrelid), pg_get_expr(polwithcheck, polrelid)) FROM pg_policy
     WHERE 'firststep_api'::regrole = ANY (polroles)
"""
UNUSED_FUNCTIONS = (
    "lo_creat(-1)", "lo_create(0)", "lo_from_bytea(0, 'x')", "lo_put(1, 0, 'x')", "lo_unlink(1)", "lo_open(1, 131072)",
    "loread(0, 1)", "lowrite(0, 'x')", "lo_import('/etc/passwd')", "lo_export(1, '/tmp/x')", "pg_notify('x', 'x')",
    "pg_cancel_backend(pg_backend_pid())", "pg_terminate_backend(pg_backend_pid())",
    "pg_logical_emit_message(false, 'x', 'x')", "pg_export_snapshot()", "pg_read_file('PG_VERSION')",
    "pg_read_binary_file('PG_VERSION')", "pg_ls_dir('.')", "pg_stat_file('PG_VERSION')", "pg_reload_conf()",
    "pg_rotate_logfile()", "pg_log_backend_memory_contexts(pg_backend_pid())", "pg_switch_wal()",
)  # fmt: skip
"""Calls of functions of PostgreSQL that firststep_api cannot execute."""
UNUSED_PRIVILEGES = (
    "CREATE TEMPORARY TABLE mine (id integer)", "CREATE FUNCTION pg_temp.mine() RETURNS integer LANGUAGE sql AS 'SELECT 1'",
    "CREATE SCHEMA mine", "CREATE EXTENSION dblink", "COPY (SELECT 1) TO PROGRAM 'cat'", "LOAD 'auto_explain'",
    "CREATE TYPE public.mine AS (id integer)", "CREATE PUBLICATION mine", "CHECKPOINT",
    "ALTER SYSTEM SET fsync = off", "SET session_replication_role = replica", "SET log_statement = 'none'",
)  # fmt: skip
"""Statements for which firststep_api has no privilege."""


@cache
def find_assigned_names() -> frozenset[str]:
    """Return the names that the application assigns: attributes, keyword arguments, columns in SQL, and names in sets."""
    patterns = (
        r"\.(\w+)(?:, \w+\.\w+)* = ",
        r"\.(\w+) \+= ",
        r"\b(\w+)=",
        r"\b(\w+) = ",
        r"[\"'](\w+)[\"']",
        r"\.(\w+), ",
    )
    return frozenset(name for pattern in patterns for name in re.findall(pattern, APP_CODE))


@pytest.fixture
async def grants(scenario: Scenario, owner_connection: Any) -> list[Grant]:
    del scenario
    return await list_grants(owner_connection)


@pytest.fixture
async def functions(scenario: Scenario, owner_connection: Any) -> list[asyncpg.Record]:
    del scenario
    rows: list[asyncpg.Record] = await owner_connection.fetch(FUNCTIONS_QUERY)
    return rows


async def test_every_grant_has_a_reason_and_every_reason_a_grant(grants: list[Grant]) -> None:
    # Catches: GRANT DELETE ON cases TO firststep_api; GRANT SELECT ON goals TO PUBLIC; a reason for DELETE on goals.
    reasons = load_grant_reasons()
    assert {(grant.object, grant.role, grant.privilege) for grant in grants} == reasons.keys()
    assert all(len(reason) > 5 and not reason.endswith(".") for reason in reasons.values())


async def test_api_role_updates_listed_columns_only(grants: list[Grant]) -> None:
    # Catches: GRANT UPDATE ON teams TO firststep_api; GRANT UPDATE (opened_on) ON cases TO firststep_api.
    updates = [grant for grant in grants if (grant.role, grant.privilege) == ("api", "UPDATE")]
    assert [grant.object for grant in updates if grant.columns is None] == []
    columns = {(grant.object, name) for grant in updates for name in (grant.columns or "").split(", ")}
    unused = {
        (table, name)
        for table, name in columns
        if name.removesuffix("_encrypted") not in find_assigned_names()
    }
    assert unused == set()


async def test_every_grant_of_the_api_role_is_used_by_the_application(
    grants: list[Grant], functions: list[asyncpg.Record], owner_connection: Any
) -> None:
    # Catches: GRANT DELETE ON team_members TO firststep_api, with a reason.
    policies = " ".join(row[0] for row in await owner_connection.fetch(POLICIES_QUERY))
    sql = policies + " ".join(row["source"] for row in functions if not row["is_definer"])
    unused = [
        grant
        for grant in grants
        if grant.role == "api" and grant.object in MODELS and not is_used_by_api(grant, sql)
    ]
    assert not unused, unused


def is_used_by_api(grant: Grant, sql: str) -> bool:
    """Return whether the application, or SQL that runs with its privileges, contains a statement that needs a grant."""
    table, model = grant.object, MODELS[grant.object]
    patterns = {
        "SELECT": rf"\b{model}\b|FROM {table}\b|public\.{table}\b|\b{table}\b",
        "INSERT": rf"\b{model}\(|RecordInsert\({model}\b|\b(insert|upsert)\({model}\b|INSERT INTO {table}\b",
        "UPDATE": rf"\bupdate\({model}\)|UPDATE {table}\b|INTO {table}\b|\b{model}\b",
        "DELETE": rf"\bdelete\({model}\)|DELETE FROM {table}\b",  # noqa: S608 - a pattern
    }
    return re.search(patterns[grant.privilege], APP_CODE + sql) is not None


async def test_every_grant_of_the_gate_is_used_by_its_functions(
    grants: list[Grant], functions: list[asyncpg.Record]
) -> None:
    # Catches: GRANT UPDATE ON teams TO firststep_gate, with a reason; GRANT SELECT (status) ON goals.
    sources = [
        row["source"]
        for row in functions
        if row["owner"] == "firststep_gate" or "firststep_gate" in row["roles"]
    ]
    assert [grant for grant in grants if grant.role == "gate" and not is_used_by_gate(grant, sources)] == []


def is_used_by_gate(grant: Grant, sources: list[str]) -> bool:
    if grant.object.startswith("schema "):
        return True
    table = rf"public\.{grant.object}\b"
    patterns = {
        "SELECT": rf"\b{grant.object}\b",
        "INSERT": rf"INSERT INTO {table}",
        # A row lock needs UPDATE too.
        "UPDATE": rf"UPDATE {table}|{table}[^;]*FOR (NO KEY UPDATE|UPDATE|SHARE)|INSERT INTO {table}[^;]*DO UPDATE",
        "DELETE": rf"DELETE FROM {table}",  # noqa: S608 - a pattern
    }
    using = [source for source in sources if re.search(patterns[grant.privilege], source)]
    columns = grant.columns.split(", ") if grant.columns else []
    return bool(using) and all(any(re.search(rf"\b{name}\b", source) for source in using) for name in columns)


async def test_functions_are_executable_where_they_are_called(
    functions: list[asyncpg.Record], owner_connection: Any
) -> None:
    # Catches: GRANT EXECUTE ON FUNCTION access.resolve_user(uuid) TO firststep_api; ledger.is_balanced(uuid) not
    # granted
    # to firststep_api; access.can_read_case(…) not granted to firststep_gate.
    policies = " ".join(row[0] for row in await owner_connection.fetch(POLICIES_QUERY))
    triggers = [row["source"] for row in functions if row["is_trigger"] and not row["is_definer"]]
    gate_definers = [
        row["source"] for row in functions if row["is_definer"] and row["owner"] == "firststep_gate"
    ]
    called_by_sql = find_called_functions([policies, *triggers], functions)
    for role, called, may_be_called in (
        ("firststep_api", called_by_sql, called_by_sql | find_called_functions([APP_CODE], functions)),
        (
            "firststep_gate",
            find_called_functions(gate_definers, functions),
            find_called_functions([*gate_definers, *triggers], functions),
        ),
    ):
        others = [row for row in functions if row["owner"] != role and not row["is_trigger"]]
        granted = {row["name"] for row in others if role in row["roles"]}
        assert {row["name"] for row in others if row["name"] in called} - granted == set(), role
        assert granted - may_be_called == set(), role


def find_called_functions(code: Iterable[str], functions: list[asyncpg.Record]) -> set[str]:
    """Return the names of the functions that code calls, including calls from functions that run with its privileges."""
    called: set[str] = set()
    remaining = list(code)
    while remaining:
        text = remaining.pop()
        for row in functions:
            if row["name"] not in called and re.search(rf"(access|ledger)\.{row['name']}\b", get_body(text)):
                called.add(row["name"])
                if not row["is_definer"]:
                    remaining.append(row["source"])
    return called


def get_body(source: str) -> str:
    """Return the body of a function definition, without its own name, or any other code unchanged."""
    return re.sub(r"\ACREATE OR REPLACE FUNCTION \w+\.\w+", "", source)


async def test_public_has_no_privilege_on_functions_and_types_of_the_application(
    functions: list[asyncpg.Record],
) -> None:
    # Catches: the default privileges of firststep_owner missing from schemas.sql.
    assert [row["signature"] for row in functions if "-" in row["roles"]] == []


@pytest.mark.parametrize("call", UNUSED_FUNCTIONS)
async def test_api_role_cannot_call_functions_that_the_application_does_not_use(
    scenario: Scenario, api_connection: Any, call: str
) -> None:
    # Catches: 'pg_notify' removed from roles.sql.
    del scenario
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="permission denied"):
        await api_connection.execute(f"SELECT {call}")


@pytest.mark.parametrize("statement", UNUSED_PRIVILEGES)
async def test_api_role_has_no_further_privileges(
    scenario: Scenario, api_connection: Any, statement: str
) -> None:
    # Catches: REVOKE ALL ON DATABASE removed from roles.sql.
    del scenario
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await api_connection.execute(statement)
