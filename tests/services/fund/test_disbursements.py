"""Money for a child: asked for, approved, paid and accounted for; by three people, and never more than there is."""

from datetime import timedelta
from typing import Any

import pytest

from app.kit.dates import add_months, today
from tests.support.case_lifecycle import create_approved_exit_plan
from tests.support.fund import (
    RECEIPT_PDF_BASE64,
    act_on_disbursement,
    create_approved_disbursement,
    create_disbursement,
    create_fund,
    create_paid_disbursement,
    disbursement_payload,
    expect_disbursement_refused,
    get_fund_balances,
    khr,
    payment_payload,
    upload_receipt,
    usd,
)
from tests.support.responses import expect_json
from tests.support.scenario import Scenario, id_of


async def test_a_request_goes_all_the_way_and_its_rest_returns_to_the_fund(scenario: Scenario) -> None:
    case, money = await scenario.open_case(), await create_fund(scenario)
    what = await create_disbursement(scenario, case, payee="The bus company")
    assert (what["status"], what["amount"], what["child_id"]) == ("requested", usd("12.50"), case["child_id"])
    assert await get_fund_balances(scenario, money) == _held("1000.00", available="1000.00")
    what = await act_on_disbursement(scenario.supervisor_north, what, "approve", {"fund_id": money["id"]})
    assert (what["status"], what["approved_by_id"]) == ("approved", str(scenario.supervisor_north.id))
    assert await get_fund_balances(scenario, money) == _held("1000.00", available="987.50", reserved="12.50")
    what = await act_on_disbursement(scenario.finance, what, "pay", payment_payload())
    assert (what["status"], what["payee"], what["tenders"][0]["worth"]) == (
        "paid",
        "The bus company",
        usd("12.50"),
    )
    assert await get_fund_balances(scenario, money) == _held("1000.00", available="987.50", advanced="12.50")
    told = {"spent": usd("10.05"), "receipt_document_ids": [await upload_receipt(scenario, case)]}
    what = await act_on_disbursement(scenario.finance, what, "reconcile", told)
    assert (what["status"], what["spent"]) == ("reconciled", usd("10.05"))
    assert await get_fund_balances(scenario, money) == _held("1000.00", available="989.95", spent="10.05")
    what = await act_on_disbursement(
        scenario.manager, what, "reverse", {"reason": "The company gave everything back."}
    )
    assert (what["status"], what["reversal_reason"]) == ("reversed", "The company gave everything back.")
    assert await get_fund_balances(scenario, money) == _held("1000.00", available="1000.00")
    lines = expect_json(
        await scenario.worker_north.get(f"/v1/cases/{case['id']}/timeline", params={"limit": 200})
    )["items"]
    told_of = [line["kind"] for line in lines if line["kind"].startswith("disbursement")]
    assert told_of == [
        f"disbursement_{step}" for step in ("reversed", "reconciled", "paid", "approved", "requested")
    ]
    ledger = expect_json(
        await scenario.finance.get(f"/v1/funds/{money['id']}/ledger", params={"disbursement_id": what["id"]})
    )
    assert {entry["kind"] for entry in ledger["items"]} == {
        "approval",
        "payment",
        "reconciliation",
        "reversal",
    }


def _held(given: str, **kinds: str) -> dict[str, str]:
    return {"given": given, **dict.fromkeys(("available", "reserved", "advanced", "spent"), "0.00"), **kinds}


async def test_a_quotation_is_attached_to_a_request_and_not_shown_to_who_pays(scenario: Scenario) -> None:
    case = await scenario.open_case()
    what = await create_disbursement(scenario, case)
    told = {"kind": "quotation", "title": "Uniform", "content": RECEIPT_PDF_BASE64}
    about = {"about": {"kind": "disbursement", "id": what["id"]}}
    path = f"/v1/cases/{case['id']}/documents"
    made = expect_json(await scenario.worker_north.post(path, told | about), 201)
    found = expect_json(await scenario.supervisor_north.get(path, params={"about_id": what["id"]}))["items"]
    assert [one["id"] for one in found] == [made["id"]]
    for hidden in (path, f"/v1/documents/{made['id']}"):
        assert (await scenario.finance.get(hidden)).status_code in {403, 404}


async def test_finance_sees_the_payment_and_no_word_of_the_child_and_leaves_a_trace(
    scenario: Scenario,
) -> None:
    case = await scenario.open_case()
    what = await create_disbursement(scenario, case)
    seen = await scenario.finance.get(f"/v1/disbursements/{what['id']}")
    body = expect_json(seen)
    assert (body["case_number"], body["category"], body["amount"]) == (
        case["number"],
        "transport",
        usd("12.50"),
    )
    hidden = ("child_id", "purpose", "other_support_sought", "area", "goal_id", "reason")
    assert [body[name] for name in hidden] == [None] * len(hidden)
    assert case["child_id"] not in seen.text
    (entry,) = await scenario.list_access_entries(seen.headers["x-request-id"])
    assert (entry["child_id"], entry["record"]["kind"]) == (case["child_id"], "disbursement")
    listed = await scenario.finance.get("/v1/disbursements")
    assert [item["id"] for item in expect_json(listed)["items"]] == [what["id"]]
    assert expect_json(await scenario.worker_south.get("/v1/disbursements"))["items"] == []
    path = f"/v1/disbursements/{what['id']}"
    assert (await scenario.worker_south.get(path)).status_code == 404
    assert (await scenario.partner_one.get(path)).status_code == 403
    assert (await scenario.finance.get(f"/v1/cases/{case['id']}")).status_code == 403


async def test_three_different_people_ask_approve_and_pay(
    scenario: Scenario, superuser_connection: Any
) -> None:
    case, money = await scenario.open_case(), await create_fund(scenario)
    everything = ["social_worker", "supervisor", "programme_manager", "finance_officer"]
    await superuser_connection.execute("UPDATE users SET roles = $1 WHERE id = ANY ($2)", everything,
                            [id_of("supervisor_north"), id_of("finance"), id_of("worker_north")])  # fmt: skip
    mine = await create_disbursement(scenario, case)
    assert await expect_disbursement_refused(
        scenario.worker_north, mine, "approve", {"fund_id": money["id"]}
    ) == {"own_work"}
    mine = await act_on_disbursement(scenario.supervisor_north, mine, "approve", {"fund_id": money["id"]})
    for who in (scenario.worker_north, scenario.supervisor_north):
        assert await expect_disbursement_refused(who, mine, "pay", payment_payload()) == {"own_work"}
    mine = await act_on_disbursement(scenario.finance, mine, "pay", payment_payload())
    told = {"spent": usd("12.50"), "receipt_document_ids": [await upload_receipt(scenario, case)]}
    assert await expect_disbursement_refused(scenario.worker_north, mine, "reconcile", told) == {"own_work"}
    assert await expect_disbursement_refused(scenario.worker_north, mine, "reverse", {"reason": "Back."}) == {
        "own_work"
    }


async def test_broken_glass_shows_and_neither_asks_nor_approves(scenario: Scenario) -> None:
    case, money = await scenario.open_case("worker_south"), await create_fund(scenario)
    what = await create_disbursement(scenario, case, by="worker_south")
    glass = {"reason": "The worker is away, the child is at the door."}
    for who in (scenario.worker_north_2, scenario.supervisor_north):
        expect_json(await who.post(f"/v1/cases/{case['id']}/break-glass", glass))
    answer = await scenario.worker_north_2.post("/v1/disbursements", disbursement_payload(case))
    assert [unmet["code"] for unmet in answer.json()["unmet"]] == ["not_on_case"]
    assert await expect_disbursement_refused(
        scenario.supervisor_north, what, "approve", {"fund_id": money["id"]}
    ) == {"not_your_team"}


async def test_approval_asks_for_everything_and_lists_what_is_missing(scenario: Scenario) -> None:
    case = await scenario.open_case()
    narrow = await create_fund(
        scenario, "5.00", categories=["education"], ends_on="2026-02-01", province_codes=["01"], oldest=6
    )
    what = await create_disbursement(scenario, case, usd("250.00"))
    assert await expect_disbursement_refused(scenario.supervisor_north, what, "approve", {"fund_id": narrow["id"]}) == {
        "above_limit", "category_not_funded", "outside_period", "province_not_funded", "age_not_funded", "fund_exhausted",
    }  # fmt: skip
    riel = await create_fund(scenario, "1000000", "KHR")
    assert await expect_disbursement_refused(scenario.manager, what, "approve", {"fund_id": riel["id"]}) == {
        "currency_other"
    }
    wide = await create_fund(scenario, "1000.00", name="wide", province_codes=["17"], youngest=5, oldest=17)
    assert await expect_disbursement_refused(
        scenario.supervisor_north, what, "approve", {"fund_id": wide["id"]}
    ) == {"above_limit"}
    what = await act_on_disbursement(scenario.manager, what, "approve", {"fund_id": wide["id"]})
    assert await expect_disbursement_refused(scenario.manager, what, "approve", {"fund_id": wide["id"]}) == {
        "status"
    }
    assert await expect_disbursement_refused(scenario.manager, what, "reject", {"reason": "Too late."}) == {
        "status"
    }
    limit = {
        "role": "supervisor",
        "act": "approve",
        "currency": "USD",
        "amount": usd("300.00"),
        "starts_on": today().isoformat(),
    }
    expect_json(await scenario.admin.post("/v1/approval-limits", limit), 201)
    later = {**limit, "amount": usd("1.00"), "starts_on": (today() + timedelta(days=1)).isoformat()}
    expect_json(await scenario.admin.post("/v1/approval-limits", later), 201)
    again = await create_disbursement(scenario, case, usd("250.00"))
    await act_on_disbursement(scenario.supervisor_north, again, "approve", {"fund_id": wide["id"]})
    assert (await scenario.admin.post("/v1/approval-limits", limit)).status_code == 409


async def test_payment_in_two_currencies_at_stored_rates(scenario: Scenario) -> None:
    case, money = await scenario.open_case(), await create_fund(scenario)
    rate = {"on": today().isoformat(), "rate": "4100.00", "source": "National Bank of Cambodia"}
    first = await create_approved_disbursement(scenario, case, money)
    mixed = [usd("10.00"), khr("10250")]
    assert await expect_disbursement_refused(scenario.finance, first, "pay", payment_payload(*mixed)) == {
        "rate_missing"
    }
    invented = {**khr("10250"), "rate": "1"}
    assert await expect_disbursement_refused(
        scenario.finance, first, "pay", payment_payload(usd("10.00"), invented)
    ) == {"rate_missing"}
    expect_json(await scenario.finance.post("/v1/exchange-rates", rate), 201)
    assert await expect_disbursement_refused(
        scenario.finance, first, "pay", payment_payload(usd("10.00"), khr("10300"))
    ) == {"tenders_unequal"}
    far = {**khr("10250"), "rate": "41000"}
    assert await expect_disbursement_refused(
        scenario.finance, first, "pay", payment_payload(usd("10.00"), far)
    ) == {"rate_far_off"}
    broken = await scenario.finance.act(
        f"/v1/disbursements/{first['id']}", "pay", payment_payload(khr("0.50"))
    )
    assert broken.status_code == 422
    told = await act_on_disbursement(scenario.finance, first, "pay", payment_payload(*mixed))
    assert told["tenders"][1] == {
        "amount": khr("10250"), "rate": "4100", "rate_on": today().isoformat(),
        "rate_source": "National Bank of Cambodia", "worth": usd("2.50"),
    }  # fmt: skip
    second = await create_approved_disbursement(scenario, case, money)
    changers = {**khr("10275"), "rate": "4110"}
    told = await act_on_disbursement(scenario.finance, second, "pay", payment_payload(usd("10.00"), changers))
    assert (told["tenders"][1]["rate"], told["tenders"][1]["rate_source"]) == ("4110", "payment")
    tomorrow = payment_payload(paid_on=(today() + timedelta(days=1)).isoformat())
    third = await create_approved_disbursement(scenario, case, money)
    assert (
        await scenario.finance.act(f"/v1/disbursements/{third['id']}", "pay", tomorrow)
    ).status_code == 422


async def test_an_emergency_is_paid_first_and_approved_within_three_days(
    scenario: Scenario, superuser_connection: Any
) -> None:
    case, money = await scenario.open_case(), await create_fund(scenario)
    calm = await create_disbursement(scenario, case)
    first = payment_payload(fund_id=money["id"])
    assert await expect_disbursement_refused(scenario.finance, calm, "pay", first) == {"status", "fund_other"}
    large = await create_disbursement(scenario, case, usd("51.00"), urgency="emergency")
    assert await expect_disbursement_refused(
        scenario.finance, large, "pay", {**first, "tenders": [usd("51.00")]}
    ) == {"above_limit"}
    what = await create_disbursement(scenario, case, urgency="emergency")
    what = await act_on_disbursement(scenario.finance, what, "pay", first)
    assert (what["status"], what["approved_by_id"], what["approval_overdue"]) == ("paid", None, False)
    assert what["approval_due_on"] == (today() + timedelta(days=3)).isoformat()
    assert (await get_fund_balances(scenario, money))["advanced"] == "12.50"
    told = {"spent": usd("12.50"), "receipt_document_ids": [await upload_receipt(scenario, case)]}
    assert await expect_disbursement_refused(scenario.finance, what, "reconcile", told) == {"not_approved"}
    await superuser_connection.execute(
        "UPDATE disbursements SET approval_due_on = $1 WHERE id = $2", today() - timedelta(days=1), what["id"]
    )
    late = expect_json(
        await scenario.supervisor_north.get("/v1/disbursements", params={"approval_overdue": True})
    )["items"]
    assert [(item["id"], item["approval_overdue"]) for item in late] == [(what["id"], True)]
    other = await create_fund(scenario, name="other")
    assert await expect_disbursement_refused(
        scenario.supervisor_north, what, "approve", {"fund_id": other["id"]}
    ) == {"fund_other"}
    what = await act_on_disbursement(scenario.supervisor_north, what, "approve", {"fund_id": money["id"]})
    assert (what["status"], what["approval_overdue"]) == ("paid", False)
    await act_on_disbursement(scenario.finance, what, "reconcile", told)
    assert await get_fund_balances(scenario, money) == _held("1000.00", available="987.50", spent="12.50")


async def test_who_pays_first_pays_from_a_fund_without_restrictions(scenario: Scenario) -> None:
    case, narrow = await scenario.open_case(), await create_fund(scenario, youngest=15)
    what = await create_disbursement(scenario, case, urgency="emergency")
    first = payment_payload(fund_id=narrow["id"])
    assert await expect_disbursement_refused(scenario.finance, what, "pay", first) == {"fund_restricted"}


async def test_what_was_approved_is_paid_to_whom_it_was_approved_for_and_not_before(
    scenario: Scenario, superuser_connection: Any
) -> None:
    case, money = await scenario.open_case(), await create_fund(scenario)
    what = await create_disbursement(scenario, case, payee="The clinic")
    what = await act_on_disbursement(scenario.supervisor_north, what, "approve", {"fund_id": money["id"]})
    assert await expect_disbursement_refused(scenario.finance, what, "pay", payment_payload()) == {
        "payee_other"
    }
    await superuser_connection.execute("UPDATE disbursements SET created_at = now() - interval '5 days'")
    early = payment_payload(payee="the  clinic", paid_on=(today() - timedelta(days=1)).isoformat())
    assert await expect_disbursement_refused(scenario.finance, what, "pay", early) == {"before_approval"}
    await act_on_disbursement(scenario.finance, what, "pay", payment_payload(payee="the  clinic"))


async def test_months_after_the_fund_has_ended_are_not_approved(scenario: Scenario) -> None:
    case = await scenario.open_case()
    money = await create_fund(scenario, ends_on=(today() + timedelta(days=40)).isoformat())
    what = await create_disbursement(scenario, case, months=3)
    assert await expect_disbursement_refused(
        scenario.supervisor_north, what, "approve", {"fund_id": money["id"]}
    ) == {"outside_period"}


async def test_a_receipt_still_arrives_after_the_case_was_closed(scenario: Scenario) -> None:
    case, money = await scenario.open_case(), await create_fund(scenario)
    what = await create_paid_disbursement(scenario, case, money)
    await create_approved_exit_plan(scenario, case["id"], reason_code="moved_away", follow_up_months=[])
    ended = {"reason_code": "moved_away", "outcome": "The family went to Thailand."}
    expect_json(await scenario.worker_north.act(f"/v1/cases/{case['id']}", "close", ended))
    told = {"spent": usd("12.50"), "receipt_document_ids": [await upload_receipt(scenario, case)]}
    await act_on_disbursement(scenario.finance, what, "reconcile", told)


async def test_reconciling_asks_for_receipts_of_this_case(scenario: Scenario) -> None:
    case, other, money = await scenario.open_case(), await scenario.open_case(), await create_fund(scenario)
    what = await create_paid_disbursement(scenario, case, money)
    none = {"spent": usd("12.50"), "receipt_document_ids": []}
    assert await expect_disbursement_refused(scenario.finance, what, "reconcile", none) == {"receipt_missing"}
    foreign = {**none, "receipt_document_ids": [await upload_receipt(scenario, other)]}
    assert await expect_disbursement_refused(scenario.finance, what, "reconcile", foreign) == {
        "proof_unknown"
    }
    letter = {**none, "receipt_document_ids": [await upload_receipt(scenario, case, "letter")]}
    assert await expect_disbursement_refused(scenario.finance, what, "reconcile", letter) == {"proof_unknown"}
    more = {"spent": usd("12.51"), "receipt_document_ids": [await upload_receipt(scenario, case)]}
    assert await expect_disbursement_refused(scenario.finance, what, "reconcile", more) == {"above_paid"}
    listed = expect_json(await scenario.finance.get("/v1/unreceipted-money"))
    assert [(i["worker_id"], i["age"], i["count"], i["amount"]) for i in listed["items"]] == [
        (str(scenario.worker_north.id), "up_to_7_days", 1, usd("12.50"))
    ]
    assert expect_json(await scenario.worker_south.get("/v1/unreceipted-money"))["items"] == []
    await act_on_disbursement(
        scenario.finance, what, "reconcile", {"spent": usd("0"), "receipt_document_ids": []}
    )
    assert expect_json(await scenario.finance.get("/v1/unreceipted-money"))["items"] == []


async def test_what_recurs_is_approved_once_and_released_month_by_month(scenario: Scenario) -> None:
    case, money = await scenario.open_case(), await create_fund(scenario, "100.00")
    what = await create_disbursement(scenario, case, usd("12.50"), months=4)
    months = expect_json(
        await scenario.worker_north.get("/v1/disbursements", params={"series_id": what["id"]})
    )["items"]
    assert sorted(m["release_on"] for m in months) == [add_months(today(), n).isoformat() for n in range(4)]
    assert len({m["number"] for m in months}) == 4
    await act_on_disbursement(scenario.supervisor_north, what, "approve", {"fund_id": money["id"]})
    assert (await get_fund_balances(scenario, money))["reserved"] == "50.00"
    second = next(m for m in months if m["instalment"] == 2)
    assert await expect_disbursement_refused(scenario.finance, second, "pay", payment_payload()) == {
        "not_released"
    }
    await act_on_disbursement(scenario.finance, what, "pay", payment_payload())
    await act_on_disbursement(scenario.worker_north, second, "cancel", {"reason": "Holidays."})
    assert await get_fund_balances(scenario, money) == _held(
        "100.00", available="62.50", reserved="25.00", advanced="12.50"
    )
    split = await create_disbursement(scenario, case, usd("60.00"), months=4)
    big = await create_fund(scenario, name="big")
    assert await expect_disbursement_refused(
        scenario.supervisor_north, split, "approve", {"fund_id": big["id"]}
    ) == {"above_limit"}
    await act_on_disbursement(scenario.supervisor_north, split, "reject", {"reason": "Too much."})
    rejected = expect_json(
        await scenario.worker_north.get("/v1/disbursements", params={"series_id": split["id"]})
    )["items"]
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
async def test_a_request_that_cannot_be_is_refused(
    scenario: Scenario, changes: dict[str, Any], code: str
) -> None:
    case = await scenario.open_case()
    answer = await scenario.worker_north.post("/v1/disbursements", disbursement_payload(case, **changes))
    assert answer.status_code == 422, answer.text
    assert code in {error["code"] for error in answer.json()["errors"]}


async def test_a_retry_with_the_same_key_is_one_payment_even_for_who_does_not_see_the_child(
    scenario: Scenario,
) -> None:
    case, money = await scenario.open_case(), await create_fund(scenario)
    what = await create_approved_disbursement(scenario, case, money)
    path = f"/v1/disbursements/{what['id']}"
    seen = (await scenario.finance.get(path)).headers["etag"]
    first = await scenario.finance.post(f"{path}/pay", payment_payload(), etag=seen, key="pay-1")
    again = await scenario.finance.post(f"{path}/pay", payment_payload(), etag=seen, key="pay-1")
    assert (first.status_code, again.status_code, again.headers.get("idempotent-replayed")) == (
        200,
        200,
        "true",
    )
    assert first.json() == again.json()
    assert (
        await scenario.finance.post(f"{path}/pay", payment_payload(), etag=seen, key="pay-2")
    ).status_code == 412
    assert (await get_fund_balances(scenario, money))["advanced"] == "12.50"
