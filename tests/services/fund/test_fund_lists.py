"""Lists of funds, ledger entries, transfers, limits, rates and closings: names, filters, orders and statements."""

import re
from datetime import timedelta
from typing import Any

from app.kit.dates import today
from tests.support.fund import create_approved_disbursement, create_fund, statement_path, usd
from tests.support.responses import expect_json
from tests.support.scenario import Scenario
from tests.support.sql_statements import record_statements

FINANCE = {"name": "Finance"}


async def list_items(scenario: Scenario, path: str, **params: Any) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = expect_json(await scenario.finance.get(path, params=params))["items"]
    return items


def without_id(staff: dict[str, str]) -> dict[str, str]:
    return {key: value for key, value in staff.items() if key != "id"}


async def test_funds_are_filtered_and_sorted_in_both_directions(scenario: Scenario) -> None:
    lines = [{"category": "education", "budget": usd("50.00")}]
    first = await create_fund(scenario, name="b", lines=lines, province_codes=["17", "01"])
    second = await create_fund(scenario, "40000", "KHR", name="a", categories=["court_attendance"])
    third = await create_fund(scenario, "", name="c")
    closure = {"reason": "The grant has ended.", "rest_to_fund_id": first["id"]}
    third = expect_json(await scenario.manager.act(f"/v1/funds/{third['id']}", "close", closure))
    assert (without_id(third["closed_by"]), third["rest_to_fund"]) == (
        {"name": "Manager"},
        {"id": first["id"], "name": first["name"]},
    )
    assert [place["name_en"] for place in first["provinces"]] == ["Banteay Meanchey", "Siemreap"]
    assert [line["line"] for line in first["lines"]] == ["general", "education"]
    for params, expected in (
        ({"status": "closed"}, [third]),
        ({"currency": "KHR"}, [second]),
        ({"category": "court_attendance,sports"}, [second]),
        ({"category": "transport", "status": "open"}, [first]),
        ({"sort": "created_at"}, [first, second, third]),
        ({"sort": "-created_at"}, [third, second, first]),
        ({"sort": "name"}, sorted((first, second, third), key=lambda fund: fund["name"])),
        ({"sort": "-name"}, sorted((first, second, third), key=lambda fund: fund["name"], reverse=True)),
    ):
        assert await list_items(scenario, "/v1/funds", **params) == expected, params
        page = expect_json(await scenario.finance.get("/v1/funds", params={**params, "limit": 1}))
        rest = []
        if page["next_cursor"]:
            rest = await list_items(scenario, "/v1/funds", **params, cursor=page["next_cursor"])
        assert page["items"] + rest == expected, params
    expect_json(await scenario.finance.get("/v1/funds", params={"sort": "donor"}), 422)


async def test_ledger_entries_are_filtered_and_name_the_person(scenario: Scenario) -> None:
    case = await scenario.open_case()
    lines = [{"category": "transport", "budget": usd("50.00")}]
    fund, other = await create_fund(scenario, lines=lines), await create_fund(scenario, name="other")
    transfer = {"from_line": "general", "to_line": "transport", "amount": usd("40.00"), "reason": "Busses."}
    path = f"/v1/funds/{fund['id']}"
    transfer = expect_json(await scenario.finance.post(f"{path}/transfers", transfer), 201)
    expect_json(await scenario.manager.act(f"/v1/fund-transfers/{transfer['id']}", "approve"))
    disbursement = await create_approved_disbursement(scenario, case, fund)
    entries = await list_items(scenario, f"{path}/ledger")
    assert [(entry["kind"], entry["by"]["name"]) for entry in entries] == [
        *[("approval", "Supervisor North")] * 2,
        *[("transfer", "Manager")] * 2,
        *[("deposit", "Finance")] * 2,
    ]
    for params, is_expected in (
        ({"kind": "approval,transfer"}, lambda entry: entry["kind"] != "deposit"),
        ({"account": "reserved,donor"}, lambda entry: entry["account"] in {"reserved", "donor"}),
        ({"line": "transport"}, lambda entry: entry["line"] == "transport"),
        ({"disbursement_id": disbursement["id"]}, lambda entry: entry["kind"] == "approval"),
        ({"line": "general", "account": "spent"}, lambda _: False),
    ):
        expected = [entry for entry in entries if is_expected(entry)]
        assert await list_items(scenario, f"{path}/ledger", **params) == expected, params
    assert len(await list_items(scenario, f"/v1/funds/{other['id']}/ledger")) == 2
    page = expect_json(await scenario.finance.get(f"{path}/ledger?limit=4"))
    rest = await list_items(scenario, f"{path}/ledger", cursor=page["next_cursor"])
    assert page["items"] + rest == entries
    for changed in (f"{path}/ledger?kind=deposit", f"/v1/funds/{other['id']}/ledger?limit=4"):
        response = await scenario.finance.get(f"{changed}&cursor={page['next_cursor']}")
        assert response.status_code == 422, changed
    for below in ("ledger", "transfers"):
        missing = await scenario.finance.get(f"/v1/funds/{case['id']}/{below}")
        assert missing.status_code == 404, below


async def test_transfers_name_fund_and_people_and_are_filtered_by_status(scenario: Scenario) -> None:
    lines = [{"category": "transport", "budget": usd("50.00")}]
    fund = await create_fund(scenario, lines=lines)
    payload = {"from_line": "general", "to_line": "transport", "amount": usd("1.00"), "reason": "Busses."}
    path = f"/v1/funds/{fund['id']}/transfers"
    first, second = [expect_json(await scenario.finance.post(path, payload), 201) for _ in range(2)]
    assert (first["fund"]["name"], without_id(first["asked_by"])) == (fund["name"], FINANCE)
    assert first["decided_by"] is None
    first = expect_json(await scenario.manager.act(f"/v1/fund-transfers/{first['id']}", "reject"))
    assert first["decided_by"]["name"] == "Manager"
    assert await list_items(scenario, path) == [second, first]
    assert await list_items(scenario, path, status="requested") == [second]
    assert await list_items(scenario, path, status="rejected,approved") == [first]


async def test_responses_of_writes_equal_list_items_with_names(scenario: Scenario) -> None:
    day = (today() - timedelta(days=1)).isoformat()
    rate = {"on": day, "rate": "4100.50", "source": "National Bank of Cambodia"}
    for client, path, payload, field in (
        (scenario.finance, "/v1/exchange-rates", rate, "recorded_by"),
        (scenario.finance, "/v1/books-closings", {"until": day}, "closed_by"),
    ):
        created = expect_json(await client.post(path, payload), 201)
        created = created.get("effective", created)
        assert created[field] == {"id": str(client.id), "name": client.name.title()}, path
        assert (await list_items(scenario, path))[0] == created, path
    lower = {"amount": "50.00", "currency": "USD"}
    limit = {"role": "supervisor", "act": "approve", "currency": "USD", "amount": lower, "starts_on": day}
    effective = expect_json(await scenario.admin.post("/v1/approval-limits", limit))["effective"]
    assert (effective["amount"], effective["set_by"]["name"]) == (lower, "Admin")
    assert (await list_items(scenario, "/v1/approval-limits"))[0] == effective
    installed = (await list_items(scenario, "/v1/approval-limits"))[-1]
    assert (installed["set_by_id"], installed["set_by"]) == (None, None)


async def test_reads_of_funds_use_a_fixed_number_of_statements(scenario: Scenario) -> None:
    fund = await create_fund(scenario)
    counts = []
    for number in range(2):
        await create_fund(scenario, name=number)
        statement_counts = {}
        for path in (
            "/v1/funds",
            f"/v1/funds/{fund['id']}",
            f"/v1/funds/{fund['id']}/ledger",
            statement_path(fund),
            f"/v1/funds/{fund['id']}/deposits",
            "/v1/approval-limits",
            "/v1/exchange-rates",
            "/v1/ledger-check",
        ):
            with record_statements(scenario) as statements:
                expect_json(await scenario.finance.get(path))
            name = re.sub(r"statements/.*", "statements", path.replace(fund["id"], "{id}"))
            statement_counts[name] = len(statements)
        counts.append(statement_counts)
    assert (
        counts[0]
        == counts[1]
        == {
            "/v1/funds": 1,
            "/v1/funds/{id}": 1,
            "/v1/funds/{id}/ledger": 1,
            "/v1/funds/{id}/statements": 5,
            "/v1/funds/{id}/deposits": 1,
            "/v1/approval-limits": 1,
            "/v1/exchange-rates": 1,
            "/v1/ledger-check": 2,
        }
    )
