"""The caseload standard: its defaults, its changes by administrators, and the report that compares with it."""

import asyncio
from typing import Any

import pytest

from tests.support.raw_sql import assert_statements_rejected, open_transaction_as
from tests.support.responses import expect_json, parse_faults
from tests.support.row_factories import date_in_days
from tests.support.scenario import Scenario

PATH = "/v1/caseload-standard"
DEFAULTS = {
    "cases_per_worker": 25, "workers_per_supervisor": 6,
    "weight_high": 2.0, "weight_medium": 1.5, "weight_low": 1.0, "weight_unknown": 1.0,
}  # fmt: skip


async def test_new_installation_has_the_minimum_standards(scenario: Scenario) -> None:
    for name in ("worker_north", "supervisor_north", "manager", "me_officer", "admin"):
        response = await scenario.client_for(name).get(PATH)
        standard = expect_json(response)
        assert {field: standard[field] for field in DEFAULTS} == DEFAULTS
        assert (standard["version"], response.headers["etag"]) == (1, '"1"')


async def test_administrator_changes_the_standard_and_the_log_has_both_values(scenario: Scenario) -> None:
    # Catches: `CaseloadStandard` removed from CONFIGURATION_KINDS.
    response = await scenario.admin.patch(PATH, {"cases_per_worker": 20, "weight_high": 2.25}, etag='"1"')
    standard = expect_json(response)
    assert standard | DEFAULTS | {"cases_per_worker": 20, "weight_high": 2.25} == standard
    assert expect_json(await scenario.worker_north.get(PATH)) == standard
    [entry] = await scenario.list_access_entries(response.headers["x-request-id"])
    assert (entry["child_id"], entry["record"]) == (
        None,
        {"kind": "caseload_standard", "id": standard["id"]},
    )
    assert entry["changes"]["cases_per_worker"] == {"old": 25, "new": 20}


@pytest.mark.parametrize("name", ["worker_north", "supervisor_north", "manager", "me_officer", "finance"])
async def test_only_administrators_can_change_the_standard(scenario: Scenario, name: str) -> None:
    assert (
        await scenario.client_for(name).patch(PATH, {"cases_per_worker": 9}, etag='"1"')
    ).status_code == 403
    assert expect_json(await scenario.admin.get(PATH))["cases_per_worker"] == 25


@pytest.mark.parametrize(
    ("change", "faults"),
    [
        ({"cases_per_worker": 0}, {("/cases_per_worker", "greater_than_equal")}),
        ({"cases_per_worker": 2.5}, {("/cases_per_worker", "int_type")}),
        ({"weight_high": 0}, {("/weight_high", "greater_than_equal")}),
        ({"weight_low": 1.125}, {("/weight_low", "too_precise")}),
        ({"weight_low": None}, {("/weight_low", "missing")}),
        ({"limit": 25}, {("/limit", "extra_forbidden")}),
    ],
)
async def test_invalid_standards_are_rejected(scenario: Scenario, change: Any, faults: Any) -> None:
    response = await scenario.admin.patch(PATH, change, etag='"1"')
    assert (response.status_code, parse_faults(response)) == (422, faults)


async def test_only_one_of_two_concurrent_changes_succeeds(scenario: Scenario) -> None:
    assert (await scenario.admin.patch(PATH, {"cases_per_worker": 20})).status_code == 428
    responses = await asyncio.gather(
        *(scenario.admin.patch(PATH, {"cases_per_worker": limit}, etag='"1"') for limit in (20, 21))
    )
    assert sorted(response.status_code for response in responses) == [200, 412]
    assert expect_json(await scenario.worker_north.get(PATH))["version"] == 2


@pytest.mark.usefixtures("scenario")
async def test_database_has_one_standard_with_positive_values(api_connection: Any) -> None:
    async with open_transaction_as(api_connection, "admin", "caseload_standard.set"):
        await assert_statements_rejected(
            api_connection,
            "INSERT INTO caseload_standards SELECT * FROM caseload_standards",
            "DELETE FROM caseload_standards",
            "UPDATE caseload_standards SET version = version + 1, weight_high = 0",
        )


async def test_report_compares_weighted_cases_with_the_limit(scenario: Scenario) -> None:
    for _ in range(2):
        await scenario.open_case()

    async def read_figures() -> dict[str, Any]:
        period = {"from": date_in_days(-1).isoformat(), "to": date_in_days(0).isoformat()}
        report = expect_json(await scenario.supervisor_north.get("/v1/reports/caseload", params=period))
        figures: dict[str, Any] = report["current"]["total"]
        return figures

    figures = await read_figures()
    assert (figures["limit"], figures["largest_weight"], figures["over_limit"]) == (25, 2, 0)
    change = {"cases_per_worker": 2, "weight_unknown": 1.25}
    expect_json(await scenario.admin.patch(PATH, change, etag='"1"'))
    figures = await read_figures()
    assert (figures["limit"], figures["largest_weight"], figures["over_limit"]) == (2, 2.5, 1)
