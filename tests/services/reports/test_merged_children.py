"""A child whose two records were merged counts once."""

from typing import Any

from app.kit.dates import today
from app.services.reports.catalogue import REPORTS
from tests.support.child_merges import merge, open_two_cases
from tests.support.responses import expect_json
from tests.support.scenario import Scenario

CASE_REPORTS = [
    name
    for name, report in REPORTS.items()
    if report.unit != "child_id" and name != "data_quality" and not report.needs_run
]
"""Reports whose figures do not depend on the child of a case."""


async def get_totals(scenario: Scenario, name: str) -> dict[str, Any]:
    client = scenario.manager
    path = f"/v1/reports/{name}?from={today().replace(day=1)}&to={today()}"
    totals: dict[str, Any] = expect_json(await client.get(path))["current"]["total"]
    return totals


async def test_merged_child_counts_once_and_each_case_still_counts(
    scenario: Scenario, superuser_connection: Any
) -> None:
    case, other = await open_two_cases(scenario, superuser_connection)
    figures = {name: await get_totals(scenario, name) for name in CASE_REPORTS}
    assert await get_totals(scenario, "children_supported") == {"children": 2}

    await merge(scenario, case["child_id"], other["child_id"])

    assert await get_totals(scenario, "children_supported") == {"children": 1}
    assert {name: await get_totals(scenario, name) for name in CASE_REPORTS} == figures
    assert figures["new_cases"]["cases"] == 2
