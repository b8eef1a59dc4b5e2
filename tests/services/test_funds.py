"""Funds: their terms, deposits, lines of the budget, transfers that a second person decides, closing, closed books."""

from datetime import timedelta

from app.kit.dates import today
from tests.money import act, approved, asked, balances, fund, given, khr, paid, payment, receipt, refused, usd
from tests.pathway import active, done, exit_plan_for, exiting, next_review
from tests.world import World


async def test_a_fund_is_entered_changed_and_never_converted(world: World) -> None:
    money = await fund(world, "", lines=[{"category": "transport", "budget": usd("300.00")}])
    assert [(line["line"], line["budget"]) for line in money["lines"]] == [
        ("general", None),
        ("transport", usd("300.00")),
    ]
    path = f"/v1/funds/{money['id']}"
    wrong = await world.finance.post(
        f"{path}/deposits", {"amount": khr("5000"), "received_on": today().isoformat(), "reference": "x"}
    )
    assert [error["code"] for error in wrong.json()["errors"]] == ["currency_other"]
    nowhere = await world.finance.post(
        f"{path}/deposits",
        {"amount": usd("5"), "received_on": today().isoformat(), "reference": "x", "line": "sports"},
    )
    assert [error["code"] for error in nowhere.json()["errors"]] == ["line_unknown"]
    await given(world, money, "50.00", line="transport")
    etag = (await world.finance.get(path)).headers["etag"]
    emptied = await world.finance.patch(path, {"lines": []}, etag=etag)
    assert [unmet["code"] for unmet in emptied.json()["unmet"]] == ["line_holds_money"]
    changed = done(
        await world.finance.patch(path, {"ends_on": "2027-12-31", "budget": usd("900")}, etag=etag)
    )
    assert (changed["ends_on"], changed["budget"], changed["name"]) == (
        "2027-12-31",
        usd("900.00"),
        money["name"],
    )
    reversed_ = await world.finance.patch(path, {"ends_on": "2025-12-31"}, etag=f'"{changed["version"]}"')
    assert reversed_.status_code == 422
    assert done(await world.worker_north.get("/v1/funds"))["items"][0]["balances"]["available"] == usd(
        "50.00"
    )
    for nobody in (world.admin, world.dpo, world.partner_one):
        assert (await nobody.get("/v1/funds")).status_code == 403
    twice = await world.finance.post(
        "/v1/funds", {k: money[k] for k in ("name", "donor", "currency", "starts_on", "categories")}
    )
    assert twice.status_code == 409


async def test_a_line_pays_for_its_category_and_money_moves_between_lines_on_two_peoples_word(
    world: World,
) -> None:
    case = await world.case()
    money = await fund(world, "20.00", lines=[{"category": "transport", "budget": usd("300.00")}])
    what = await asked(world, case)
    told = {"fund_id": money["id"]}
    assert await refused(world.supervisor_north, what, "approve", told) == {"fund_exhausted"}
    wish = {"from_line": "general", "to_line": "transport", "amount": usd("15.00"), "reason": "More buses."}
    made = done(await world.finance.post(f"/v1/funds/{money['id']}/transfers", wish), 201)
    path = f"/v1/fund-transfers/{made['id']}"
    own = await world.finance.act(path, "approve")
    assert [unmet["code"] for unmet in own.json()["unmet"]] == ["own_work"]
    assert done(await world.manager.act(path, "approve"))["status"] == "approved"
    assert (await world.manager.act(path, "reject")).status_code == 409
    await act(world.supervisor_north, what, "approve", told)
    found = done(await world.finance.get(f"/v1/funds/{money['id']}"))
    assert [(line["line"], line["available"], line["reserved"]) for line in found["lines"]] == [
        ("general", usd("5.00"), usd("0.00")), ("transport", usd("2.50"), usd("12.50")),
    ]  # fmt: skip
    again = done(await world.finance.post(f"/v1/funds/{money['id']}/transfers", wish), 201)
    late = await world.manager.act(f"/v1/fund-transfers/{again['id']}", "approve")
    assert [unmet["code"] for unmet in late.json()["unmet"]] == ["fund_exhausted"]
    done(await world.manager.act(f"/v1/fund-transfers/{again['id']}", "reject"))
    listed = done(await world.finance.get(f"/v1/funds/{money['id']}/transfers"))["items"]
    assert [item["status"] for item in listed] == ["rejected", "approved"]


async def test_a_fund_is_closed_when_nothing_is_open_and_its_rest_goes_somewhere(world: World) -> None:
    case, money, heir = await world.case(), await fund(world, "100.00"), await fund(world, "", name="heir")
    what = await paid(world, case, money)
    waiting = await approved(world, case, money, usd("1.00"))
    told = {"reason": "The grant ended.", "rest_to_fund_id": heir["id"]}
    path = f"/v1/funds/{money['id']}"
    answer = await world.manager.act(path, "close", told)
    assert {unmet["code"] for unmet in answer.json()["unmet"]} == {"money_reserved", "money_unreconciled"}
    await act(world.worker_north, waiting, "cancel")
    spent = {"spent": usd("12.50"), "receipt_document_ids": [await receipt(world, case)]}
    await act(world.finance, what, "reconcile", spent)
    assert (await world.finance.act(path, "close", told)).status_code == 403
    closed = done(await world.manager.act(path, "close", told))
    assert (closed["status"], closed["rest_to_fund_id"]) == ("closed", heir["id"])
    assert (await balances(world, money))["available"] == "0.00"
    assert (await balances(world, money))["given"] == "12.50"
    assert (await balances(world, heir))["available"] == "87.50"
    late = {"amount": usd("5"), "received_on": today().isoformat(), "reference": "x"}
    assert (await world.finance.post(f"{path}/deposits", late)).status_code == 409
    assert await refused(world.finance, what, "reverse", {"reason": "Back."}) == {"fund_closed"}


async def test_closed_books_take_nothing_more(world: World) -> None:
    money, yesterday = await fund(world), (today() - timedelta(days=1)).isoformat()
    assert (await world.finance.post("/v1/books-closings", {"until": today().isoformat()})).status_code == 422
    done(await world.finance.post("/v1/books-closings", {"until": yesterday}), 201)
    assert (await world.finance.post("/v1/books-closings", {"until": yesterday})).status_code == 409
    late = {"amount": usd("5"), "received_on": yesterday, "reference": "x"}
    answer = await world.finance.post(f"/v1/funds/{money['id']}/deposits", late)
    assert [unmet["code"] for unmet in answer.json()["unmet"]] == ["books_closed"]
    await given(world, money, "5.00")
    assert [item["until"] for item in done(await world.manager.get("/v1/books-closings"))["items"]] == [
        yesterday
    ]


async def test_a_case_closes_with_nothing_unpaid_and_what_recurs_stops(world: World) -> None:
    case, _ = await exiting(world)
    await exit_plan_for(world, case["id"])
    money = await fund(world, "100.00")
    recurring = await asked(world, case, usd("10.00"), months=3)
    await act(world.supervisor_north, recurring, "approve", {"fund_id": money["id"]})
    told = {"reason_code": "goals_met", "outcome": "Goes to school, sleeps well."}
    answer = await world.worker_north.act(f"/v1/cases/{case['id']}", "close", told)
    assert [unmet["code"] for unmet in answer.json()["unmet"]] == ["fund_unpaid"]
    await act(world.finance, recurring, "pay", payment(usd("10.00")))
    answer = await world.worker_north.act(f"/v1/cases/{case['id']}", "close", told)
    assert [unmet["code"] for unmet in answer.json()["unmet"]] == ["fund_unreconciled"]
    spent = {"spent": usd("8.00"), "receipt_document_ids": [await receipt(world, case)]}
    await act(world.finance, recurring, "reconcile", spent)
    done(await world.worker_north.act(f"/v1/cases/{case['id']}", "close", told))
    months = done(await world.worker_north.get("/v1/disbursements", params={"series_id": recurring["id"]}))[
        "items"
    ]
    assert sorted(month["status"] for month in months) == ["cancelled", "cancelled", "reconciled"]
    found = await balances(world, money)
    assert (found["available"], found["reserved"], found["spent"]) == ("92.00", "0.00", "8.00")


async def test_a_review_is_told_what_was_spent_by_currency(world: World) -> None:
    case, _ = await active(world)
    dollars, riel = await fund(world), await fund(world, "900000", "KHR")
    first = await paid(world, case, dollars)
    await paid(world, case, riel, khr("41000"))
    await act(world.finance, first, "reverse", {"reason": "Nobody came."})
    await paid(world, case, dollars, usd("3.00"))
    assert (await next_review(world, case["id"]))["happened"]["money_spent"] == [khr("41000"), usd("3.00")]
