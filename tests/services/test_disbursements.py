"""Money for a child: asked for, approved, paid and accounted for; by three people, and never more than there is."""

from datetime import timedelta
from typing import Any

import pytest

from app.kit.dates import add_months, today
from tests.money import (
    PDF,
    act,
    approved,
    asked,
    balances,
    fund,
    khr,
    paid,
    payment,
    receipt,
    refused,
    usd,
    wish,
)
from tests.pathway import done, exit_plan_for
from tests.world import World, id_of


async def test_a_request_goes_all_the_way_and_its_rest_returns_to_the_fund(world: World) -> None:
    case, money = await world.case(), await fund(world)
    what = await asked(world, case, payee="The bus company")
    assert (what["status"], what["amount"], what["child_id"]) == ("requested", usd("12.50"), case["child_id"])
    assert await balances(world, money) == _held("1000.00", available="1000.00")
    what = await act(world.supervisor_north, what, "approve", {"fund_id": money["id"]})
    assert (what["status"], what["approved_by_id"]) == ("approved", str(world.supervisor_north.id))
    assert await balances(world, money) == _held("1000.00", available="987.50", reserved="12.50")
    what = await act(world.finance, what, "pay", payment())
    assert (what["status"], what["payee"], what["tenders"][0]["worth"]) == (
        "paid",
        "The bus company",
        usd("12.50"),
    )
    assert await balances(world, money) == _held("1000.00", available="987.50", advanced="12.50")
    told = {"spent": usd("10.05"), "receipt_document_ids": [await receipt(world, case)]}
    what = await act(world.finance, what, "reconcile", told)
    assert (what["status"], what["spent"]) == ("reconciled", usd("10.05"))
    assert await balances(world, money) == _held("1000.00", available="989.95", spent="10.05")
    what = await act(world.manager, what, "reverse", {"reason": "The company gave everything back."})
    assert (what["status"], what["reversal_reason"]) == ("reversed", "The company gave everything back.")
    assert await balances(world, money) == _held("1000.00", available="1000.00")
    lines = done(await world.worker_north.get(f"/v1/cases/{case['id']}/timeline", params={"limit": 200}))[
        "items"
    ]
    told_of = [line["kind"] for line in lines if line["kind"].startswith("disbursement")]
    assert told_of == [
        f"disbursement_{step}" for step in ("reversed", "reconciled", "paid", "approved", "requested")
    ]
    ledger = done(
        await world.finance.get(f"/v1/funds/{money['id']}/ledger", params={"disbursement_id": what["id"]})
    )
    assert {entry["kind"] for entry in ledger["items"]} == {
        "approval",
        "payment",
        "reconciliation",
        "reversal",
    }


def _held(given: str, **kinds: str) -> dict[str, str]:
    return {"given": given, **dict.fromkeys(("available", "reserved", "advanced", "spent"), "0.00"), **kinds}


async def test_a_quotation_is_attached_to_a_request_and_not_shown_to_who_pays(world: World) -> None:
    case = await world.case()
    what = await asked(world, case)
    told = {"kind": "quotation", "title": "Uniform", "content": PDF}
    about = {"about": {"kind": "disbursement", "id": what["id"]}}
    path = f"/v1/cases/{case['id']}/documents"
    made = done(await world.worker_north.post(path, told | about), 201)
    found = done(await world.supervisor_north.get(path, params={"about_id": what["id"]}))["items"]
    assert [one["id"] for one in found] == [made["id"]]
    for hidden in (path, f"/v1/documents/{made['id']}"):
        assert (await world.finance.get(hidden)).status_code in {403, 404}


async def test_finance_sees_the_payment_and_no_word_of_the_child_and_leaves_a_trace(world: World) -> None:
    case = await world.case()
    what = await asked(world, case)
    seen = await world.finance.get(f"/v1/disbursements/{what['id']}")
    body = done(seen)
    assert (body["case_number"], body["category"], body["amount"]) == (
        case["number"],
        "transport",
        usd("12.50"),
    )
    hidden = ("child_id", "purpose", "other_support_sought", "area", "goal_id", "reason")
    assert [body[name] for name in hidden] == [None] * len(hidden)
    assert case["child_id"] not in seen.text
    (entry,) = await world.log(seen.headers["x-request-id"])
    assert (entry["child_id"], entry["record"]["kind"]) == (case["child_id"], "disbursement")
    listed = await world.finance.get("/v1/disbursements")
    assert [item["id"] for item in done(listed)["items"]] == [what["id"]]
    assert done(await world.worker_south.get("/v1/disbursements"))["items"] == []
    path = f"/v1/disbursements/{what['id']}"
    assert (await world.worker_south.get(path)).status_code == 404
    assert (await world.partner_one.get(path)).status_code == 403
    assert (await world.finance.get(f"/v1/cases/{case['id']}")).status_code == 403


async def test_three_different_people_ask_approve_and_pay(world: World, superuser: Any) -> None:
    case, money = await world.case(), await fund(world)
    everything = ["social_worker", "supervisor", "programme_manager", "finance_officer"]
    await superuser.execute("UPDATE users SET roles = $1 WHERE id = ANY ($2)", everything,
                            [id_of("supervisor_north"), id_of("finance"), id_of("worker_north")])  # fmt: skip
    mine = await asked(world, case)
    assert await refused(world.worker_north, mine, "approve", {"fund_id": money["id"]}) == {"own_work"}
    mine = await act(world.supervisor_north, mine, "approve", {"fund_id": money["id"]})
    for who in (world.worker_north, world.supervisor_north):
        assert await refused(who, mine, "pay", payment()) == {"own_work"}
    mine = await act(world.finance, mine, "pay", payment())
    told = {"spent": usd("12.50"), "receipt_document_ids": [await receipt(world, case)]}
    assert await refused(world.worker_north, mine, "reconcile", told) == {"own_work"}
    assert await refused(world.worker_north, mine, "reverse", {"reason": "Back."}) == {"own_work"}


async def test_broken_glass_shows_and_neither_asks_nor_approves(world: World) -> None:
    case, money = await world.case("worker_south"), await fund(world)
    what = await asked(world, case, by="worker_south")
    glass = {"reason": "The worker is away, the child is at the door."}
    for who in (world.worker_north_2, world.supervisor_north):
        done(await who.post(f"/v1/cases/{case['id']}/break-glass", glass))
    answer = await world.worker_north_2.post("/v1/disbursements", wish(case))
    assert [unmet["code"] for unmet in answer.json()["unmet"]] == ["not_on_case"]
    assert await refused(world.supervisor_north, what, "approve", {"fund_id": money["id"]}) == {
        "not_your_team"
    }


async def test_approval_asks_for_everything_and_lists_what_is_missing(world: World) -> None:
    case = await world.case()
    narrow = await fund(
        world, "5.00", categories=["education"], ends_on="2026-02-01", province_codes=["01"], oldest=6
    )
    what = await asked(world, case, usd("250.00"))
    assert await refused(world.supervisor_north, what, "approve", {"fund_id": narrow["id"]}) == {
        "above_limit", "category_not_funded", "outside_period", "province_not_funded", "age_not_funded", "fund_exhausted",
    }  # fmt: skip
    riel = await fund(world, "1000000", "KHR")
    assert await refused(world.manager, what, "approve", {"fund_id": riel["id"]}) == {"currency_other"}
    wide = await fund(world, "1000.00", name="wide", province_codes=["17"], youngest=5, oldest=17)
    assert await refused(world.supervisor_north, what, "approve", {"fund_id": wide["id"]}) == {"above_limit"}
    what = await act(world.manager, what, "approve", {"fund_id": wide["id"]})
    assert await refused(world.manager, what, "approve", {"fund_id": wide["id"]}) == {"status"}
    assert await refused(world.manager, what, "reject", {"reason": "Too late."}) == {"status"}
    limit = {
        "role": "supervisor",
        "act": "approve",
        "currency": "USD",
        "amount": usd("300.00"),
        "starts_on": today().isoformat(),
    }
    done(await world.admin.post("/v1/approval-limits", limit), 201)
    later = {**limit, "amount": usd("1.00"), "starts_on": (today() + timedelta(days=1)).isoformat()}
    done(await world.admin.post("/v1/approval-limits", later), 201)
    again = await asked(world, case, usd("250.00"))
    await act(world.supervisor_north, again, "approve", {"fund_id": wide["id"]})
    assert (await world.admin.post("/v1/approval-limits", limit)).status_code == 409


async def test_payment_in_two_currencies_at_stored_rates(world: World) -> None:
    case, money = await world.case(), await fund(world)
    rate = {"on": today().isoformat(), "rate": "4100.00", "source": "National Bank of Cambodia"}
    first = await approved(world, case, money)
    mixed = [usd("10.00"), khr("10250")]
    assert await refused(world.finance, first, "pay", payment(*mixed)) == {"rate_missing"}
    invented = {**khr("10250"), "rate": "1"}
    assert await refused(world.finance, first, "pay", payment(usd("10.00"), invented)) == {"rate_missing"}
    done(await world.finance.post("/v1/exchange-rates", rate), 201)
    assert await refused(world.finance, first, "pay", payment(usd("10.00"), khr("10300"))) == {
        "tenders_unequal"
    }
    far = {**khr("10250"), "rate": "41000"}
    assert await refused(world.finance, first, "pay", payment(usd("10.00"), far)) == {"rate_far_off"}
    broken = await world.finance.act(f"/v1/disbursements/{first['id']}", "pay", payment(khr("0.50")))
    assert broken.status_code == 422
    told = await act(world.finance, first, "pay", payment(*mixed))
    assert told["tenders"][1] == {
        "amount": khr("10250"), "rate": "4100", "rate_on": today().isoformat(),
        "rate_source": "National Bank of Cambodia", "worth": usd("2.50"),
    }  # fmt: skip
    second = await approved(world, case, money)
    changers = {**khr("10275"), "rate": "4110"}
    told = await act(world.finance, second, "pay", payment(usd("10.00"), changers))
    assert (told["tenders"][1]["rate"], told["tenders"][1]["rate_source"]) == ("4110", "payment")
    tomorrow = payment(paid_on=(today() + timedelta(days=1)).isoformat())
    third = await approved(world, case, money)
    assert (await world.finance.act(f"/v1/disbursements/{third['id']}", "pay", tomorrow)).status_code == 422


async def test_an_emergency_is_paid_first_and_approved_within_three_days(
    world: World, superuser: Any
) -> None:
    case, money = await world.case(), await fund(world)
    calm = await asked(world, case)
    first = payment(fund_id=money["id"])
    assert await refused(world.finance, calm, "pay", first) == {"status", "fund_other"}
    large = await asked(world, case, usd("51.00"), urgency="emergency")
    assert await refused(world.finance, large, "pay", {**first, "tenders": [usd("51.00")]}) == {"above_limit"}
    what = await asked(world, case, urgency="emergency")
    what = await act(world.finance, what, "pay", first)
    assert (what["status"], what["approved_by_id"], what["approval_overdue"]) == ("paid", None, False)
    assert what["approval_due_on"] == (today() + timedelta(days=3)).isoformat()
    assert (await balances(world, money))["advanced"] == "12.50"
    told = {"spent": usd("12.50"), "receipt_document_ids": [await receipt(world, case)]}
    assert await refused(world.finance, what, "reconcile", told) == {"not_approved"}
    await superuser.execute(
        "UPDATE disbursements SET approval_due_on = $1 WHERE id = $2", today() - timedelta(days=1), what["id"]
    )
    late = done(await world.supervisor_north.get("/v1/disbursements", params={"approval_overdue": True}))[
        "items"
    ]
    assert [(item["id"], item["approval_overdue"]) for item in late] == [(what["id"], True)]
    other = await fund(world, name="other")
    assert await refused(world.supervisor_north, what, "approve", {"fund_id": other["id"]}) == {"fund_other"}
    what = await act(world.supervisor_north, what, "approve", {"fund_id": money["id"]})
    assert (what["status"], what["approval_overdue"]) == ("paid", False)
    await act(world.finance, what, "reconcile", told)
    assert await balances(world, money) == _held("1000.00", available="987.50", spent="12.50")


async def test_who_pays_first_pays_from_a_fund_without_restrictions(world: World) -> None:
    case, narrow = await world.case(), await fund(world, youngest=15)
    what = await asked(world, case, urgency="emergency")
    first = payment(fund_id=narrow["id"])
    assert await refused(world.finance, what, "pay", first) == {"fund_restricted"}


async def test_what_was_approved_is_paid_to_whom_it_was_approved_for_and_not_before(
    world: World, superuser: Any
) -> None:
    case, money = await world.case(), await fund(world)
    what = await asked(world, case, payee="The clinic")
    what = await act(world.supervisor_north, what, "approve", {"fund_id": money["id"]})
    assert await refused(world.finance, what, "pay", payment()) == {"payee_other"}
    await superuser.execute("UPDATE disbursements SET created_at = now() - interval '5 days'")
    early = payment(payee="the  clinic", paid_on=(today() - timedelta(days=1)).isoformat())
    assert await refused(world.finance, what, "pay", early) == {"before_approval"}
    await act(world.finance, what, "pay", payment(payee="the  clinic"))


async def test_months_after_the_fund_has_ended_are_not_approved(world: World) -> None:
    case = await world.case()
    money = await fund(world, ends_on=(today() + timedelta(days=40)).isoformat())
    what = await asked(world, case, months=3)
    assert await refused(world.supervisor_north, what, "approve", {"fund_id": money["id"]}) == {
        "outside_period"
    }


async def test_a_receipt_still_arrives_after_the_case_was_closed(world: World) -> None:
    case, money = await world.case(), await fund(world)
    what = await paid(world, case, money)
    await exit_plan_for(world, case["id"], reason_code="moved_away", follow_up_months=[])
    ended = {"reason_code": "moved_away", "outcome": "The family went to Thailand."}
    done(await world.worker_north.act(f"/v1/cases/{case['id']}", "close", ended))
    told = {"spent": usd("12.50"), "receipt_document_ids": [await receipt(world, case)]}
    await act(world.finance, what, "reconcile", told)


async def test_reconciling_asks_for_receipts_of_this_case(world: World) -> None:
    case, other, money = await world.case(), await world.case(), await fund(world)
    what = await paid(world, case, money)
    none = {"spent": usd("12.50"), "receipt_document_ids": []}
    assert await refused(world.finance, what, "reconcile", none) == {"receipt_missing"}
    foreign = {**none, "receipt_document_ids": [await receipt(world, other)]}
    assert await refused(world.finance, what, "reconcile", foreign) == {"proof_unknown"}
    letter = {**none, "receipt_document_ids": [await receipt(world, case, "letter")]}
    assert await refused(world.finance, what, "reconcile", letter) == {"proof_unknown"}
    more = {"spent": usd("12.51"), "receipt_document_ids": [await receipt(world, case)]}
    assert await refused(world.finance, what, "reconcile", more) == {"above_paid"}
    listed = done(await world.finance.get("/v1/unreceipted-money"))
    assert [(i["worker_id"], i["age"], i["count"], i["amount"]) for i in listed["items"]] == [
        (str(world.worker_north.id), "up_to_7_days", 1, usd("12.50"))
    ]
    assert done(await world.worker_south.get("/v1/unreceipted-money"))["items"] == []
    await act(world.finance, what, "reconcile", {"spent": usd("0"), "receipt_document_ids": []})
    assert done(await world.finance.get("/v1/unreceipted-money"))["items"] == []


async def test_what_recurs_is_approved_once_and_released_month_by_month(world: World) -> None:
    case, money = await world.case(), await fund(world, "100.00")
    what = await asked(world, case, usd("12.50"), months=4)
    months = done(await world.worker_north.get("/v1/disbursements", params={"series_id": what["id"]}))[
        "items"
    ]
    assert sorted(m["release_on"] for m in months) == [add_months(today(), n).isoformat() for n in range(4)]
    assert len({m["number"] for m in months}) == 4
    await act(world.supervisor_north, what, "approve", {"fund_id": money["id"]})
    assert (await balances(world, money))["reserved"] == "50.00"
    second = next(m for m in months if m["instalment"] == 2)
    assert await refused(world.finance, second, "pay", payment()) == {"not_released"}
    await act(world.finance, what, "pay", payment())
    await act(world.worker_north, second, "cancel", {"reason": "Holidays."})
    assert await balances(world, money) == _held(
        "100.00", available="62.50", reserved="25.00", advanced="12.50"
    )
    split = await asked(world, case, usd("60.00"), months=4)
    big = await fund(world, name="big")
    assert await refused(world.supervisor_north, split, "approve", {"fund_id": big["id"]}) == {"above_limit"}
    await act(world.supervisor_north, split, "reject", {"reason": "Too much."})
    rejected = done(await world.worker_north.get("/v1/disbursements", params={"series_id": split["id"]}))[
        "items"
    ]
    assert {m["status"] for m in rejected} == {"rejected"}


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"beneficiary": "family"}, "category_unfit"),
        ({"category": "legal_advice"}, "category_unfit"),
        ({"amount": khr("100.50")}, "riel_broken"),
        ({"amount": usd("0.00")}, "amount_zero"),
        ({"amount": usd("-5")}, "string_pattern_mismatch"),
        ({"amount": usd("1e3")}, "string_pattern_mismatch"),
        ({"goal_id": "3c1d2e4f-5a6b-4c7d-8e9f-0a1b2c3d4e5f"}, "reference_unknown"),
        ({"starts_on": "2020-01-01"}, "date_out_of_reach"),
        ({"urgency": "emergency", "months": 2}, "emergency_is_now"),
    ],
)
async def test_a_request_that_cannot_be_is_refused(world: World, changes: dict[str, Any], code: str) -> None:
    case = await world.case()
    answer = await world.worker_north.post("/v1/disbursements", wish(case, **changes))
    assert answer.status_code == 422, answer.text
    assert code in {error["code"] for error in answer.json()["errors"]}


async def test_a_retry_with_the_same_key_is_one_payment_even_for_who_does_not_see_the_child(
    world: World,
) -> None:
    case, money = await world.case(), await fund(world)
    what = await approved(world, case, money)
    path = f"/v1/disbursements/{what['id']}"
    seen = (await world.finance.get(path)).headers["etag"]
    first = await world.finance.post(f"{path}/pay", payment(), etag=seen, key="pay-1")
    again = await world.finance.post(f"{path}/pay", payment(), etag=seen, key="pay-1")
    assert (first.status_code, again.status_code, again.headers.get("idempotent-replayed")) == (
        200,
        200,
        "true",
    )
    assert first.json() == again.json()
    assert (await world.finance.post(f"{path}/pay", payment(), etag=seen, key="pay-2")).status_code == 412
    assert (await balances(world, money))["advanced"] == "12.50"
