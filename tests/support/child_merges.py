"""Merge two children, and read the rows that a merge moves."""

from typing import Any
from uuid import UUID

import httpx

from tests.support.responses import expect_json
from tests.support.scenario import AuthenticatedClient, Scenario

REASON = "Two partners referred the same boy."
CHILD_OF_ROWS_QUERY = """
    SELECT c.table_name, c.column_name AS child_column, replace(c.column_name, 'child_id', 'case_id') AS case_column
      FROM information_schema.columns c
      JOIN information_schema.columns k ON k.table_schema = 'public' AND k.table_name = c.table_name
       AND k.column_name = replace(c.column_name, 'child_id', 'case_id')
     WHERE c.table_schema = 'public' AND c.column_name LIKE '%child_id'
       AND c.table_name NOT LIKE 'access_entries%' AND c.table_name <> 'alerts'
     ORDER BY 1, 2
"""


def child_path(child_id: str) -> str:
    return f"/v1/children/{child_id}"


async def send_merge(
    client: AuthenticatedClient, child_id: str, merged_id: str, verb: str = "merge", **options: Any
) -> httpx.Response:
    """Send a merge or its reversal with the present versions of both children."""
    kept, merged = [await client.get(child_path(each)) for each in (child_id, merged_id)]
    payload = {
        "merged_child_id": merged_id,
        "merged_child_version": merged.json().get("version", 1),
        "reason": REASON,
    }
    etag = kept.headers.get("etag", '"1"')
    return await client.post(f"{child_path(child_id)}/{verb}", payload, etag=etag, **options)


async def merge(scenario: Scenario, child_id: str, merged_id: str, verb: str = "merge") -> dict[str, Any]:
    return expect_json(await send_merge(scenario.supervisor_north, child_id, merged_id, verb))


async def close_case(superuser: Any, case: dict[str, Any]) -> None:
    await superuser.execute("UPDATE cases SET status = 'closed' WHERE id = $1", UUID(case["id"]))


async def open_two_cases(
    scenario: Scenario, superuser: Any, **changes: Any
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the open case of a child, and the closed case of another one."""
    case, other = await scenario.open_case(**changes), await scenario.open_case(**changes)
    await close_case(superuser, other)
    return case, other


async def list_children_by_row(superuser: Any) -> set[tuple[str, str, str]]:
    """Return table, case and child of all rows about cases, once each."""
    rows: set[tuple[str, str, str]] = set()
    for table, child_column, case_column in await superuser.fetch(CHILD_OF_ROWS_QUERY):
        sql = f"SELECT DISTINCT {case_column}, {child_column} FROM {table} WHERE {case_column} IS NOT NULL"  # noqa: S608 - names from the catalog
        rows |= {(table, str(case), str(child)) for case, child in await superuser.fetch(sql)}
    rows |= {
        ("cases", str(row[0]), str(row[1])) for row in await superuser.fetch("SELECT id, child_id FROM cases")
    }
    return rows
