"""Funds: settings, deposits, budget lines, transfers, closure and closed books."""

from datetime import timedelta

from app.kit.dates import today
from tests.support.case_lifecycle import (
    create_active_case,
    create_approved_exit_plan,
    create_exiting_case,
    get_next_review,
)
from tests.support.fund import (
    act_on_disbursement,
    create_approved_disbursement,
    create_deposit,
    create_disbursement,
    create_fund,
    create_paid_disbursement,
    expect_disbursement_refused,
    get_fund_balances,
    khr,
    payment_payload,
    upload_receipt,
    usd,
)
from tests.support.responses import expect_json, parse_unmet_pointers
from tests.support.scenario import Scenario


async def test_fund_settings_and_deposits_are_validated(scenario: Scenario) -> None:
    fund = await create_fund(scenario, "", lines=[{"category": "transport", "budget": usd("300.00")}])
    assert [(line["line"], line["budget"]) for line in fund["lines"]] == [
        ("general", None),
        ("transport", usd("300.00")),
    ]
    path = f"/v1/funds/{fund['id']}"
    other_currency = await scenario.finance.post(
        f"{path}/deposits", {"amount": khr("5000"), "received_on": today().isoformat(), "reference": "x"}
    )
    assert [error["code"] for error in other_currency.json()["errors"]] == ["currency_other"]
    unknown_line = await scenario.finance.post(
        f"{path}/deposits",
        {"amount": usd("5"), "received_on": today().isoformat(), "reference": "x", "line": "sports"},
    )
    assert [error["code"] for error in unknown_line.json()["errors"]] == ["line_unknown"]
    await create_deposit(scenario, fund, "50.00", line="transport")
    etag = (await scenario.finance.get(path)).headers["etag"]
    removed_line = await scenario.finance.patch(path, {"lines": []}, etag=etag)
    assert [unmet["code"] for unmet in removed_line.json()["unmet"]] == ["line_holds_money"]
    updated = expect_json(
        await scenario.finance.patch(path, {"ends_on": "2027-12-31", "budget": usd("900")}, etag=etag)
    )
    assert (updated["ends_on"], updated["budget"], updated["name"]) == (
        "2027-12-31",
        usd("900.00"),
        fund["name"],
    )
    reversed_period = await scenario.finance.patch(
        path, {"ends_on": "2025-12-31"}, etag=f'"{updated["version"]}"'
    )
    assert reversed_period.status_code == 422
    assert expect_json(await scenario.worker_north.get("/v1/funds"))["items"][0]["balances"][
        "available"
    ] == usd("50.00")
    for client in (scenario.admin, scenario.dpo, scenario.partner_one):
        assert (await client.get("/v1/funds")).status_code == 403
    same_name = await scenario.finance.post(
        "/v1/funds", {name: fund[name] for name in ("name", "donor", "currency", "starts_on", "categories")}
    )
    assert same_name.status_code == 409


async def test_transfer_between_budget_lines_requires_second_person(
    scenario: Scenario,
) -> None:
    case = await scenario.open_case()
    fund = await create_fund(scenario, "20.00", lines=[{"category": "transport", "budget": usd("300.00")}])
    disbursement = await create_disbursement(scenario, case)
    approval = {"fund_id": fund["id"]}
    assert await expect_disbursement_refused(
        scenario.supervisor_north, disbursement, "approve", approval
    ) == {"fund_exhausted"}
    transfer_payload = {
        "from_line": "general",
        "to_line": "transport",
        "amount": usd("15.00"),
        "reason": "More buses.",
    }
    transfer = expect_json(
        await scenario.finance.post(f"/v1/funds/{fund['id']}/transfers", transfer_payload), 201
    )
    path = f"/v1/fund-transfers/{transfer['id']}"
    by_requester = await scenario.finance.act(path, "approve")
    assert [unmet["code"] for unmet in by_requester.json()["unmet"]] == ["own_work"]
    assert expect_json(await scenario.manager.act(path, "approve"))["status"] == "approved"
    assert (await scenario.manager.act(path, "reject")).status_code == 409
    await act_on_disbursement(scenario.supervisor_north, disbursement, "approve", approval)
    lines = expect_json(await scenario.finance.get(f"/v1/funds/{fund['id']}"))["lines"]
    assert [(line["line"], line["available"], line["reserved"]) for line in lines] == [
        ("general", usd("5.00"), usd("0.00")), ("transport", usd("2.50"), usd("12.50")),
    ]  # fmt: skip
    second_transfer = expect_json(
        await scenario.finance.post(f"/v1/funds/{fund['id']}/transfers", transfer_payload), 201
    )
    refused = await scenario.manager.act(f"/v1/fund-transfers/{second_transfer['id']}", "approve")
    assert [unmet["code"] for unmet in refused.json()["unmet"]] == ["fund_exhausted"]
    expect_json(await scenario.manager.act(f"/v1/fund-transfers/{second_transfer['id']}", "reject"))
    transfers = expect_json(await scenario.finance.get(f"/v1/funds/{fund['id']}/transfers"))["items"]
    assert [item["status"] for item in transfers] == ["rejected", "approved"]


async def test_fund_closes_when_settled_and_remaining_money_goes_to_another_fund(scenario: Scenario) -> None:
    case, fund, receiving_fund = (
        await scenario.open_case(),
        await create_fund(scenario, "100.00"),
        await create_fund(scenario, "", name="heir"),
    )
    disbursement = await create_paid_disbursement(scenario, case, fund)
    approved = await create_approved_disbursement(scenario, case, fund, usd("1.00"))
    payload = {"reason": "The grant ended.", "rest_to_fund_id": receiving_fund["id"]}
    path = f"/v1/funds/{fund['id']}"
    refused = await scenario.manager.act(path, "close", payload)
    assert {unmet["code"] for unmet in refused.json()["unmet"]} == {"money_reserved", "money_unreconciled"}
    await act_on_disbursement(scenario.worker_north, approved, "cancel")
    reconciliation = {"spent": usd("12.50"), "receipt_document_ids": [await upload_receipt(scenario, case)]}
    await act_on_disbursement(scenario.finance, disbursement, "reconcile", reconciliation)
    assert (await scenario.finance.act(path, "close", payload)).status_code == 403
    closed = expect_json(await scenario.manager.act(path, "close", payload))
    assert (closed["status"], closed["rest_to_fund_id"]) == ("closed", receiving_fund["id"])
    assert (await get_fund_balances(scenario, fund))["available"] == "0.00"
    assert (await get_fund_balances(scenario, fund))["given"] == "12.50"
    assert (await get_fund_balances(scenario, receiving_fund))["available"] == "87.50"
    deposit = {"amount": usd("5"), "received_on": today().isoformat(), "reference": "x"}
    assert (await scenario.finance.post(f"{path}/deposits", deposit)).status_code == 409
    assert await expect_disbursement_refused(
        scenario.finance, disbursement, "reverse", {"reason": "Back."}
    ) == {"fund_closed"}


async def test_closed_books_reject_deposit(scenario: Scenario) -> None:
    fund, yesterday = await create_fund(scenario), (today() - timedelta(days=1)).isoformat()
    assert (
        await scenario.finance.post("/v1/books-closings", {"until": today().isoformat()})
    ).status_code == 422
    expect_json(await scenario.finance.post("/v1/books-closings", {"until": yesterday}), 201)
    assert (await scenario.finance.post("/v1/books-closings", {"until": yesterday})).status_code == 409
    deposit = {"amount": usd("5"), "received_on": yesterday, "reference": "x"}
    response = await scenario.finance.post(f"/v1/funds/{fund['id']}/deposits", deposit)
    assert [unmet["code"] for unmet in response.json()["unmet"]] == ["books_closed"]
    await create_deposit(scenario, fund, "5.00")
    assert [
        item["until"] for item in expect_json(await scenario.manager.get("/v1/books-closings"))["items"]
    ] == [yesterday]


async def test_case_closure_requires_settled_disbursements_and_cancels_future_instalments(
    scenario: Scenario,
) -> None:
    case, _ = await create_exiting_case(scenario)
    await create_approved_exit_plan(scenario, case["id"])
    fund = await create_fund(scenario, "100.00")
    recurring = await create_disbursement(scenario, case, usd("10.00"), months=3)
    await act_on_disbursement(scenario.supervisor_north, recurring, "approve", {"fund_id": fund["id"]})
    closure = {"reason_code": "goals_met", "outcome": "Goes to school, sleeps well."}
    response = await scenario.worker_north.act(f"/v1/cases/{case['id']}", "close", closure)
    assert [unmet["code"] for unmet in response.json()["unmet"]] == ["fund_unpaid"]
    await act_on_disbursement(scenario.finance, recurring, "pay", payment_payload(usd("10.00")))
    response = await scenario.worker_north.act(f"/v1/cases/{case['id']}", "close", closure)
    assert [unmet["code"] for unmet in response.json()["unmet"]] == ["fund_unreconciled"]
    reconciliation = {"spent": usd("8.00"), "receipt_document_ids": [await upload_receipt(scenario, case)]}
    await act_on_disbursement(scenario.finance, recurring, "reconcile", reconciliation)
    expect_json(await scenario.worker_north.act(f"/v1/cases/{case['id']}", "close", closure))
    instalments = expect_json(
        await scenario.worker_north.get("/v1/disbursements", params={"series_id": recurring["id"]})
    )["items"]
    assert sorted(instalment["status"] for instalment in instalments) == [
        "cancelled",
        "cancelled",
        "reconciled",
    ]
    balances = await get_fund_balances(scenario, fund)
    assert (balances["available"], balances["reserved"], balances["spent"]) == ("92.00", "0.00", "8.00")


async def test_review_contains_spending_by_currency(scenario: Scenario) -> None:
    case, _ = await create_active_case(scenario)
    usd_fund, khr_fund = await create_fund(scenario), await create_fund(scenario, "900000", "KHR")
    rate = {"on": today().isoformat(), "rate": "4100", "source": "National Bank"}
    expect_json(await scenario.finance.post("/v1/exchange-rates", rate), 201)
    first = await create_paid_disbursement(scenario, case, usd_fund)
    await create_paid_disbursement(scenario, case, khr_fund, khr("41000"))
    await act_on_disbursement(scenario.finance, first, "reverse", {"reason": "Nobody came."})
    await create_paid_disbursement(scenario, case, usd_fund, usd("3.00"))
    assert (await get_next_review(scenario, case["id"]))["happened"]["money_spent"] == [
        khr("41000"),
        usd("3.00"),
    ]


async def test_transfer_from_a_removed_line_is_refused(scenario: Scenario) -> None:
    # Catches: a fault at `/to_line` for each unknown line.
    fund = await create_fund(scenario, "20.00", lines=[{"category": "transport", "budget": usd("300.00")}])
    payload = {
        "from_line": "transport",
        "to_line": "general",
        "amount": usd("1.00"),
        "reason": "Fewer buses.",
    }
    path = f"/v1/funds/{fund['id']}"
    transfer = expect_json(await scenario.finance.post(f"{path}/transfers", payload), 201)
    etag = (await scenario.finance.get(path)).headers["etag"]
    expect_json(await scenario.finance.patch(path, {"lines": []}, etag=etag))
    unmet = parse_unmet_pointers(
        await scenario.manager.act(f"/v1/fund-transfers/{transfer['id']}", "approve")
    )
    assert unmet == {"line_unknown": "/from_line", "fund_exhausted": "/fund_id"}
