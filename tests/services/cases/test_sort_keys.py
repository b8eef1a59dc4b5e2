"""The sort keys of the list of cases: order of NULL, and use of their indexes under row-level security."""

import json
from datetime import date
from typing import Any

import pytest
from sqlalchemy import Uuid, bindparam, literal_column, select, tuple_
from sqlmodel import col

from app.access.reader import NoShownRecord, ReadQuery
from app.models import Case
from app.services.cases.sort_keys import SORT_KEYS
from tests.support.raw_sql import open_transaction_as
from tests.support.scenario import Scenario

COPIES_SQL = """
    INSERT INTO cases SELECT (jsonb_populate_record(c, jsonb_build_object(
        'id', gen_random_uuid(), 'number', 'X-' || n, 'status', 'closed', 'opened_on', c.opened_on - n % 700,
        'risk_level', (ARRAY['low', 'medium', 'high', NULL])[1 + n % 4],
        'next_review_on', CASE WHEN n % 3 > 0 THEN c.opened_on + n % 90 END,
        'last_contact_on', CASE WHEN n % 3 > 0 THEN c.opened_on - n % 90 END))).*
      FROM cases c, generate_series(1, 3000) n
"""
LAST_ID = "80000000-0000-4000-8000-000000000000"
CURSOR_VALUES = {"number": "X-2", "risk_level": 2}
"""Sort values of a cursor in the middle of the list; by default, a date."""
MAX_READ_ROWS = 30
"""Rows that a page of 26 may read. The index on the unique number does not contain the id, so it reads one row more."""
NO_SHOWN_RECORD = NoShownRecord("the tests read ids only")


def build_page_query(name: str, *, descending: bool) -> ReadQuery:
    """Build the query for the cases after a cursor in the order of a sort key."""
    columns: tuple[Any, ...] = (SORT_KEYS[name], col(Case.id))
    cursor = tuple_(bindparam("value", type_=columns[0].type), bindparam("last_id", type_=Uuid()))
    query = select(col(Case.id)).where(tuple_(*columns) < cursor if descending else tuple_(*columns) > cursor)
    order = [column.desc() for column in columns] if descending else columns
    return ReadQuery(query.order_by(*order).limit(literal_column("26")), shows=NO_SHOWN_RECORD)


def find_case_scan(plan: dict[str, Any]) -> dict[str, Any]:
    """Return the node of a query plan that reads `cases`."""
    if plan.get("Relation Name") == "cases":
        return plan
    return find_case_scan(plan["Plans"][-1])


@pytest.fixture
async def many_cases(scenario: Scenario, superuser_connection: Any) -> dict[str, Any]:
    """Return a case of which the database contains 3,000 copies."""
    case = await scenario.open_case()
    await superuser_connection.execute(COPIES_SQL)
    await superuser_connection.execute("VACUUM ANALYZE cases")
    return case


async def test_page_in_every_order_reads_the_rows_of_the_page_only(
    many_cases: dict[str, Any], api_connection: Any
) -> None:
    # Catches: coalesce() instead of CASE in NEXT_REVIEW_KEY: PostgreSQL reads all rows before the cursor.
    day = date.fromisoformat(many_cases["opened_on"])
    async with open_transaction_as(api_connection, "manager"):
        for name in SORT_KEYS:
            for descending in (False, True):
                query = build_page_query(name, descending=descending)
                value = CURSOR_VALUES.get(name, day)
                [plan] = json.loads(
                    await api_connection.fetchval(
                        f"EXPLAIN (ANALYZE, FORMAT JSON) {query.sql}", value, LAST_ID
                    )
                )
                scan = find_case_scan(plan["Plan"])
                assert "Index Cond" in scan, (name, plan)
                assert scan["Actual Rows"] + scan["Rows Removed by Filter"] <= MAX_READ_ROWS, (name, plan)


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("risk_level", [None, "low", "medium", "high"]),
        ("next_review_on", [date(2026, 1, 1), date(2026, 1, 2), None]),
        ("last_contact_on", [None, date(2026, 1, 1), date(2026, 1, 2)]),
    ],
)
async def test_order_of_a_nullable_column(
    scenario: Scenario, superuser_connection: Any, name: str, values: list[Any]
) -> None:
    for value in reversed(values):
        case = await scenario.open_case()
        await superuser_connection.execute(f"UPDATE cases SET {name} = $1 WHERE id = $2", value, case["id"])  # noqa: S608
    query = ReadQuery(
        select(SORT_KEYS[name].label("key"), literal_column(f"cases.{name}").label("value"))
        .select_from(Case)
        .order_by(SORT_KEYS[name]),
        shows=NO_SHOWN_RECORD,
    )
    rows = await superuser_connection.fetch(query.sql)
    assert [row["value"] for row in rows] == values
    assert None not in [row["key"] for row in rows]
