"""Grants of donors, and the attribution of cases and funds to them."""

import asyncio
from typing import Any
from uuid import uuid4

import pytest

from tests.support.case_lifecycle import create_case_path, create_closed_case
from tests.support.raw_sql import assert_statements_rejected, open_transaction_as
from tests.support.responses import expect_json, parse_faults, parse_unmet_pointers
from tests.support.scenario import Scenario, id_of

GRANT_PAYLOAD = {"code": "EF-2026-01", "name": "Recovery 2026", "donor": "Example Foundation"}
GRANT_REF = {name: GRANT_PAYLOAD[name] for name in ("code", "name", "donor")}
FUND_PAYLOAD: dict[str, Any] = {
    "name": "Winter fund", "donor": "Friends", "currency": "USD", "starts_on": "2026-01-01", "categories": ["transport"],
}  # fmt: skip
EMERGENCY = {"reason": "The child called the on-call number."}


async def create_grant(scenario: Scenario, **changes: Any) -> dict[str, Any]:
    response = await scenario.manager.post("/v1/donor-grants", {**GRANT_PAYLOAD, **changes})
    return expect_json(response, 201)


async def test_grants_are_managed_by_supervisors_managers_and_finance_officers(scenario: Scenario) -> None:
    for number, name in enumerate(("supervisor_north", "manager", "finance")):
        client = scenario.client_for(name)
        created = expect_json(
            await client.post("/v1/donor-grants", {**GRANT_PAYLOAD, "code": f"G{number}"}), 201
        )
        assert created["is_active"] is True
        path = f"/v1/donor-grants/{created['id']}"
        assert expect_json(await client.get(path)) == created
        renamed = expect_json(await client.patch(path, {"name": "  Recovery\u200b "}, etag='"1"'))
        assert (renamed["name"], renamed["code"], renamed["version"]) == ("Recovery", f"G{number}", 2)
        assert (await client.patch(path, {"code": "OTHER"}, etag='"2"')).status_code == 422
        assert (await client.patch(path, {"name": "x"})).status_code == 428
        assert (await client.patch(path, {"name": "x"}, etag='"1"')).status_code == 412
    for name in ("worker_north", "dpo", "admin", "partner_one"):
        response = await scenario.client_for(name).post("/v1/donor-grants", GRANT_PAYLOAD)
        assert response.status_code == 403, name
    page = expect_json(await scenario.worker_north.get("/v1/donor-grants", params={"sort": "code"}))
    assert [grant["code"] for grant in page["items"]] == ["G0", "G1", "G2"]


async def test_codes_of_grants_are_unique_and_have_a_fixed_form(scenario: Scenario) -> None:
    # Catches: the unique constraint dropped.
    await create_grant(scenario)
    taken = await scenario.finance.post("/v1/donor-grants", {**GRANT_PAYLOAD, "name": "Other"})
    assert taken.status_code == 409
    for code in ("", " EF", "EF 2026", "é", "-EF", "E" * 41):
        response = await scenario.manager.post("/v1/donor-grants", {**GRANT_PAYLOAD, "code": code})
        assert parse_faults(response) == {("/code", "string_pattern_mismatch")}, code


async def test_concurrent_creations_of_a_code_create_one_grant(scenario: Scenario) -> None:
    responses = await asyncio.gather(
        *(
            client.post("/v1/donor-grants", GRANT_PAYLOAD)
            for client in (scenario.manager, scenario.finance, scenario.supervisor_north)
        )
    )
    assert sorted(response.status_code for response in responses) == [201, 409, 409]


async def test_supervisor_or_manager_attributes_a_case_to_a_grant(scenario: Scenario) -> None:
    # Catches: `check_supervises_case` removed; grant_code missing from the values after the change.
    await create_grant(scenario)
    await create_grant(scenario, code="EF-2026-02")
    path = await create_case_path(scenario)
    case = expect_json(await scenario.worker_north.get(path))
    assert (case["grant_code"], case["grant"]) == (None, None)
    attribution = {"grant_code": GRANT_PAYLOAD["code"]}
    refused = await scenario.worker_north.patch(path, attribution, etag='"1"')
    assert parse_unmet_pointers(refused) == {"not_your_team": None}
    attributed = expect_json(await scenario.supervisor_north.patch(path, attribution, etag='"1"'))
    assert (attributed["grant_code"], attributed["grant"]) == (GRANT_PAYLOAD["code"], GRANT_REF)
    summary = {**attribution, "summary": "The same grant."}
    by_worker = expect_json(await scenario.worker_north.patch(path, summary, etag='"2"'))
    assert by_worker["grant_code"] == GRANT_PAYLOAD["code"], "a worker can send the grant that the case has"
    for change in ({"grant_code": None}, {"grant_code": "EF-2026-02"}):
        assert (await scenario.worker_north.patch(path, change, etag='"3"')).status_code == 409
    emptied = expect_json(await scenario.manager.patch(path, {"grant_code": None}, etag='"3"'))
    assert emptied["grant"] is None
    history = expect_json(await scenario.supervisor_north.get(f"/v1/children/{case['child_id']}/history"))
    changes = [
        change for entry in history["items"] for change in entry["changes"] if change["field"] == "grant_code"
    ]
    assert changes == [
        {"field": "grant_code", "before": GRANT_PAYLOAD["code"], "after": None},
        {"field": "grant_code", "before": None, "after": GRANT_PAYLOAD["code"]},
    ]


async def test_break_glass_and_another_team_cannot_attribute_a_case(scenario: Scenario) -> None:
    await create_grant(scenario)
    path = await create_case_path(scenario)
    attribution = {"grant_code": GRANT_PAYLOAD["code"]}
    assert (await scenario.supervisor_south.patch(path, attribution, etag='"1"')).status_code == 404
    expect_json(await scenario.supervisor_south.post(f"{path}/break-glass", EMERGENCY))
    refused = await scenario.supervisor_south.patch(path, attribution, etag='"1"')
    assert parse_unmet_pointers(refused) == {"not_on_case": None}
    closed = await create_closed_case(scenario)
    response = await scenario.supervisor_north.patch(
        f"/v1/cases/{closed['id']}", attribution, etag=f'"{closed["version"]}"'
    )
    assert response.status_code == 409


@pytest.mark.parametrize("grant_code", ["UNKNOWN", "EF-2026-00"])
async def test_unknown_or_inactive_grants_are_rejected(scenario: Scenario, grant_code: str) -> None:
    # Catches: `col(DonorGrant.is_active)` removed.
    await create_grant(scenario, code="EF-2026-00", is_active=False)
    path = await create_case_path(scenario)
    for response in (
        await scenario.supervisor_north.patch(path, {"grant_code": grant_code}, etag='"1"'),
        await scenario.finance.post("/v1/funds", {**FUND_PAYLOAD, "grant_code": grant_code}),
    ):
        assert response.status_code == 422
        assert parse_faults(response) == {("/grant_code", "reference_unknown")}


async def test_case_and_fund_keep_a_grant_that_becomes_inactive(scenario: Scenario) -> None:
    # Catches: the previous code checked again in `validate_grant_code`.
    grant = await create_grant(scenario)
    path = await create_case_path(scenario)
    attribution = {"grant_code": grant["code"]}
    expect_json(await scenario.supervisor_north.patch(path, attribution, etag='"1"'))
    fund = expect_json(await scenario.finance.post("/v1/funds", {**FUND_PAYLOAD, **attribution}), 201)
    assert fund["grant_code"] == grant["code"]
    expect_json(
        await scenario.manager.patch(f"/v1/donor-grants/{grant['id']}", {"is_active": False}, etag='"1"')
    )
    case = expect_json(await scenario.worker_north.patch(path, {"summary": "Later."}, etag='"2"'))
    renamed = await scenario.finance.patch(f"/v1/funds/{fund['id']}", {"name": "Spring fund"}, etag='"1"')
    assert (case["grant_code"], expect_json(renamed)["grant_code"]) == (grant["code"],) * 2


async def test_worker_cannot_attribute_a_case_in_the_database(
    scenario: Scenario, api_connection: Any
) -> None:
    # Catches: the trigger require_supervisor_of_case dropped.
    await create_grant(scenario)
    await create_case_path(scenario)
    statement = "UPDATE cases SET version = 2, grant_code = 'EF-2026-01'"
    async with open_transaction_as(api_connection, "worker_north", "case.change"):
        await assert_statements_rejected(api_connection, statement)
    for name in ("supervisor_north", "manager"):
        async with open_transaction_as(api_connection, name, "case.change"):
            assert await api_connection.execute(statement) == "UPDATE 1", name


async def test_change_of_a_grant_is_in_the_access_log_without_a_child(scenario: Scenario) -> None:
    grant = await create_grant(scenario, id=str(uuid4()))
    response = await scenario.finance.patch(f"/v1/donor-grants/{grant['id']}", {"donor": "Other"}, etag='"1"')
    [entry] = await scenario.list_access_entries(response.headers["x-request-id"])
    assert (entry["child_id"], entry["record"]["kind"], entry["actor"]["id"]) == (
        None,
        "donor_grant",
        str(id_of("finance")),
    )
    assert entry["changes"]["donor"] == {"old": GRANT_PAYLOAD["donor"], "new": "Other"}
