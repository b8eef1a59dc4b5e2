"""The SQL statements of the two requests that docs/architecture.md describes."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from tests.support.case_lifecycle import create_assessed_case, fill_care_plan
from tests.support.responses import expect_json
from tests.support.scenario import Scenario
from tests.support.sql_statements import record_statements

PAGE = Path(__file__).parents[2] / "docs" / "architecture.md"
STATEMENT = re.compile(
    r"SELECT \* FROM access\.\w+|SELECT access\.\w+|SELECT set_config|COMMIT|ROLLBACK|INSERT INTO \w+|UPDATE \w+"
    r"|SELECT .*?\bFROM (?P<table>\w+)",
    re.DOTALL,
)


def summarize_statement(statement: str) -> str:
    """The kind of a statement and its table: `SELECT cases FOR NO KEY UPDATE`."""
    outer, count = statement, 1
    while count and "FROM" in outer:  # subqueries in the select list come before the table of the statement
        outer, count = re.subn(r"\([^()]*\)", "", outer)
    match = STATEMENT.search(outer) or STATEMENT.search(statement)
    assert match, statement
    if match["table"] is None:
        return match[0]
    lock = " FOR NO KEY UPDATE" if "FOR NO KEY UPDATE" in statement else ""
    return f"SELECT {match['table']}{lock}"


def documented_statements(heading: str) -> list[str]:
    section = PAGE.read_text().partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    statements = re.findall(r"^\| (?:own, commits at once|request) \| `([^`]+)`", section, re.MULTILINE)
    return [summarize_statement(statement) for statement in statements]


@contextmanager
def record_all_statements(scenario: Scenario, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Collect the statements that requests send through SQLAlchemy and directly on the driver, in order."""
    with record_statements(scenario) as statements:

        def log_query(record: Any) -> None:
            # Not counted: queries for the driver's types, BEGIN, and statements that `record_statements` reports.
            if not re.search(r"typeinfo_tree|typinput|'jit'|^BEGIN;?$|\$1::", record.query):
                statements.append(record.query)

        connect = asyncpg.Connection.__init__

        def connect_with_logger(connection: asyncpg.Connection, *args: Any, **options: Any) -> None:
            connect(connection, *args, **options)
            connection.add_query_logger(log_query)

        monkeypatch.setattr(asyncpg.Connection, "__init__", connect_with_logger)
        yield statements


async def reconnect(scenario: Scenario) -> None:
    await scenario.database.engine.dispose()
    await scenario.database.access_pool.expire_connections()
    await scenario.database.read_pool.expire_connections()


async def test_reading_a_case_sends_the_documented_statements(
    scenario: Scenario, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Catches: the row with `access.conclude` removed from the table.
    case = await scenario.open_case()
    await reconnect(scenario)
    with record_all_statements(scenario, monkeypatch) as statements:
        expect_json(await scenario.worker_north.get(f"/v1/cases/{case['id']}"))
    sent = [summarize_statement(statement) for statement in statements]
    assert sent == documented_statements("One request: read a case")


async def test_approving_a_care_plan_sends_the_documented_statements(
    scenario: Scenario, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Catches: the rows with `UPDATE care_plans` and `UPDATE cases` exchanged.
    case, assessment = await create_assessed_case(scenario)
    source = {"subject": "child", "assessment_id": assessment["id"]}
    created = await scenario.worker_north.post(f"/v1/cases/{case['id']}/care-plans", source)
    plan = await fill_care_plan(scenario, expect_json(created, 201))
    path = f"/v1/care-plans/{plan['id']}"
    submitted = await scenario.worker_north.act(path, "submit")
    await reconnect(scenario)
    with record_all_statements(scenario, monkeypatch) as statements:
        approved = await scenario.supervisor_north.post(
            f"{path}/approve", {"comment": "Agreed."}, etag=submitted.headers["etag"]
        )
    assert expect_json(approved)["status"] == "approved"
    sent = [summarize_statement(statement) for statement in statements]
    assert sent == documented_statements("One act: approve a care plan")
