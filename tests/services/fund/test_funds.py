"""Funds: their terms, deposits, lines of the budget, transfers that a second person decides, closing, closed books."""

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
from tests.support.responses import expect_json
from tests.support.scenario import Scenario


async def test_a_fund_is_entered_changed_and_never_converted(scenario: Scenario) -> None:
    money = await create_fund(scenario, "", lines=[{"category": "transport", "budget": usd("300.00")}])
    assert [(line["line"], line["budget"]) for line in money["lines"]] == [
        ("general", None),
        ("transport", usd("300.00")),
    ]
    path = f"/v1/funds/{money['id']}"
    wrong = await scenario.finance.post(
        f"{path}/deposits", {"amount": khr("5000"), "received_on": today().isoformat(), "reference": "x"}
    )
    assert [error["code"] for error in wrong.json()["errors"]] == ["currency_other"]
    nowhere = await scenario.finance.post(
        f"{path}/deposits",
        {"amount": usd("5"), "received_on": today().isoformat(), "reference": "x", "line": "sports"},
    )
    assert [error["code"] for error in nowhere.json()["errors"]] == ["line_unknown"]
    await create_deposit(scenario, money, "50.00", line="transport")
    etag = (await scenario.finance.get(path)).headers["etag"]
    emptied = await scenario.finance.patch(path, {"lines": []}, etag=etag)
    assert [unmet["code"] for unmet in emptied.json()["unmet"]] == ["line_holds_money"]
    changed = expect_json(
        await scenario.finance.patch(path, {"ends_on": "2027-12-31", "budget": usd("900")}, etag=etag)
    )
    assert (changed["ends_on"], changed["budget"], changed["name"]) == (
        "2027-12-31",
        usd("900.00"),
        money["name"],
    )
    reversed_ = await scenario.finance.patch(path, {"ends_on": "2025-12-31"}, etag=f'"{changed["version"]}"')
    assert reversed_.status_code == 422
    assert expect_json(await scenario.worker_north.get("/v1/funds"))["items"][0]["balances"][
        "available"
    ] == usd("50.00")
    for nobody in (scenario.admin, scenario.dpo, scenario.partner_one):
        assert (await nobody.get("/v1/funds")).status_code == 403
    twice = await scenario.finance.post(
        "/v1/funds", {k: money[k] for k in ("name", "donor", "currency", "starts_on", "categories")}
    )
    assert twice.status_code == 409


async def test_a_line_pays_for_its_category_and_money_moves_between_lines_on_two_peoples_word(
    scenario: Scenario,
) -> None:
    case = await scenario.open_case()
    money = await create_fund(scenario, "20.00", lines=[{"category": "transport", "budget": usd("300.00")}])
    what = await create_disbursement(scenario, case)
    told = {"fund_id": money["id"]}
    assert await expect_disbursement_refused(scenario.supervisor_north, what, "approve", told) == {
        "fund_exhausted"
    }
    wish = {"from_line": "general", "to_line": "transport", "amount": usd("15.00"), "reason": "More buses."}
    made = expect_json(await scenario.finance.post(f"/v1/funds/{money['id']}/transfers", wish), 201)
    path = f"/v1/fund-transfers/{made['id']}"
    own = await scenario.finance.act(path, "approve")
    assert [unmet["code"] for unmet in own.json()["unmet"]] == ["own_work"]
    assert expect_json(await scenario.manager.act(path, "approve"))["status"] == "approved"
    assert (await scenario.manager.act(path, "reject")).status_code == 409
    await act_on_disbursement(scenario.supervisor_north, what, "approve", told)
    found = expect_json(await scenario.finance.get(f"/v1/funds/{money['id']}"))
    assert [(line["line"], line["available"], line["reserved"]) for line in found["lines"]] == [
        ("general", usd("5.00"), usd("0.00")), ("transport", usd("2.50"), usd("12.50")),
    ]  # fmt: skip
    again = expect_json(await scenario.finance.post(f"/v1/funds/{money['id']}/transfers", wish), 201)
    late = await scenario.manager.act(f"/v1/fund-transfers/{again['id']}", "approve")
    assert [unmet["code"] for unmet in late.json()["unmet"]] == ["fund_exhausted"]
    expect_json(await scenario.manager.act(f"/v1/fund-transfers/{again['id']}", "reject"))
    listed = expect_json(await scenario.finance.get(f"/v1/funds/{money['id']}/transfers"))["items"]
    assert [item["status"] for item in listed] == ["rejected", "approved"]


async def test_a_fund_is_closed_when_nothing_is_open_and_its_rest_goes_somewhere(scenario: Scenario) -> None:
    case, money, heir = (
        await scenario.open_case(),
        await create_fund(scenario, "100.00"),
        await create_fund(scenario, "", name="heir"),
    )
    what = await create_paid_disbursement(scenario, case, money)
    waiting = await create_approved_disbursement(scenario, case, money, usd("1.00"))
    told = {"reason": "The grant ended.", "rest_to_fund_id": heir["id"]}
    path = f"/v1/funds/{money['id']}"
    answer = await scenario.manager.act(path, "close", told)
    assert {unmet["code"] for unmet in answer.json()["unmet"]} == {"money_reserved", "money_unreconciled"}
    await act_on_disbursement(scenario.worker_north, waiting, "cancel")
    spent = {"spent": usd("12.50"), "receipt_document_ids": [await upload_receipt(scenario, case)]}
    await act_on_disbursement(scenario.finance, what, "reconcile", spent)
    assert (await scenario.finance.act(path, "close", told)).status_code == 403
    closed = expect_json(await scenario.manager.act(path, "close", told))
    assert (closed["status"], closed["rest_to_fund_id"]) == ("closed", heir["id"])
    assert (await get_fund_balances(scenario, money))["available"] == "0.00"
    assert (await get_fund_balances(scenario, money))["given"] == "12.50"
    assert (await get_fund_balances(scenario, heir))["available"] == "87.50"
    late = {"amount": usd("5"), "received_on": today().isoformat(), "reference": "x"}
    assert (await scenario.finance.post(f"{path}/deposits", late)).status_code == 409
    assert await expect_disbursement_refused(scenario.finance, what, "reverse", {"reason": "Back."}) == {
        "fund_closed"
    }


async def test_closed_books_take_nothing_more(scenario: Scenario) -> None:
    money, yesterday = await create_fund(scenario), (today() - timedelta(days=1)).isoformat()
    assert (
        await scenario.finance.post("/v1/books-closings", {"until": today().isoformat()})
    ).status_code == 422
    expect_json(await scenario.finance.post("/v1/books-closings", {"until": yesterday}), 201)
    assert (await scenario.finance.post("/v1/books-closings", {"until": yesterday})).status_code == 409
    late = {"amount": usd("5"), "received_on": yesterday, "reference": "x"}
    answer = await scenario.finance.post(f"/v1/funds/{money['id']}/deposits", late)
    assert [unmet["code"] for unmet in answer.json()["unmet"]] == ["books_closed"]
    await create_deposit(scenario, money, "5.00")
    assert [
        item["until"] for item in expect_json(await scenario.manager.get("/v1/books-closings"))["items"]
    ] == [yesterday]


async def test_a_case_closes_with_nothing_unpaid_and_what_recurs_stops(scenario: Scenario) -> None:
    case, _ = await create_exiting_case(scenario)
    await create_approved_exit_plan(scenario, case["id"])
    money = await create_fund(scenario, "100.00")
    recurring = await create_disbursement(scenario, case, usd("10.00"), months=3)
    await act_on_disbursement(scenario.supervisor_north, recurring, "approve", {"fund_id": money["id"]})
    told = {"reason_code": "goals_met", "outcome": "Goes to school, sleeps well."}
    answer = await scenario.worker_north.act(f"/v1/cases/{case['id']}", "close", told)
    assert [unmet["code"] for unmet in answer.json()["unmet"]] == ["fund_unpaid"]
    await act_on_disbursement(scenario.finance, recurring, "pay", payment_payload(usd("10.00")))
    answer = await scenario.worker_north.act(f"/v1/cases/{case['id']}", "close", told)
    assert [unmet["code"] for unmet in answer.json()["unmet"]] == ["fund_unreconciled"]
    spent = {"spent": usd("8.00"), "receipt_document_ids": [await upload_receipt(scenario, case)]}
    await act_on_disbursement(scenario.finance, recurring, "reconcile", spent)
    expect_json(await scenario.worker_north.act(f"/v1/cases/{case['id']}", "close", told))
    months = expect_json(
        await scenario.worker_north.get("/v1/disbursements", params={"series_id": recurring["id"]})
    )["items"]
    assert sorted(month["status"] for month in months) == ["cancelled", "cancelled", "reconciled"]
    found = await get_fund_balances(scenario, money)
    assert (found["available"], found["reserved"], found["spent"]) == ("92.00", "0.00", "8.00")


async def test_a_review_is_told_what_was_spent_by_currency(scenario: Scenario) -> None:
    case, _ = await create_active_case(scenario)
    dollars, riel = await create_fund(scenario), await create_fund(scenario, "900000", "KHR")
    first = await create_paid_disbursement(scenario, case, dollars)
    await create_paid_disbursement(scenario, case, riel, khr("41000"))
    await act_on_disbursement(scenario.finance, first, "reverse", {"reason": "Nobody came."})
    await create_paid_disbursement(scenario, case, dollars, usd("3.00"))
    assert (await get_next_review(scenario, case["id"]))["happened"]["money_spent"] == [
        khr("41000"),
        usd("3.00"),
    ]
