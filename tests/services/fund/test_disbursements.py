"""Disbursements: request, approval, payment, reconciliation and reversal."""

from datetime import timedelta
from typing import Any

import pytest

from app.kit.dates import add_months, today
from tests.support.case_lifecycle import create_approved_exit_plan
from tests.support.confirmations import confirm_pending_change
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


async def test_disbursement_life_cycle_moves_money_between_fund_balances(scenario: Scenario) -> None:
    case, fund = await scenario.open_case(), await create_fund(scenario)
    disbursement = await create_disbursement(scenario, case, payee="The bus company")
    assert (disbursement["status"], disbursement["amount"], disbursement["child_id"]) == (
        "requested",
        usd("12.50"),
        case["child_id"],
    )
    assert await get_fund_balances(scenario, fund) == _balances("1000.00", available="1000.00")
    disbursement = await act_on_disbursement(
        scenario.supervisor_north, disbursement, "approve", {"fund_id": fund["id"]}
    )
    assert (disbursement["status"], disbursement["approved_by_id"]) == (
        "approved",
        str(scenario.supervisor_north.id),
    )
    assert await get_fund_balances(scenario, fund) == _balances(
        "1000.00", available="987.50", reserved="12.50"
    )
    disbursement = await act_on_disbursement(scenario.finance, disbursement, "pay", payment_payload())
    assert (disbursement["status"], disbursement["payee"], disbursement["tenders"][0]["worth"]) == (
        "paid",
        "The bus company",
        usd("12.50"),
    )
    assert await get_fund_balances(scenario, fund) == _balances(
        "1000.00", available="987.50", advanced="12.50"
    )
    payload = {"spent": usd("10.05"), "receipt_document_ids": [await upload_receipt(scenario, case)]}
    disbursement = await act_on_disbursement(scenario.finance, disbursement, "reconcile", payload)
    assert (disbursement["status"], disbursement["spent"]) == ("reconciled", usd("10.05"))
    assert await get_fund_balances(scenario, fund) == _balances("1000.00", available="989.95", spent="10.05")
    disbursement = await act_on_disbursement(
        scenario.manager, disbursement, "reverse", {"reason": "The company gave everything back."}
    )
    assert (disbursement["status"], disbursement["reversal_reason"]) == (
        "reversed",
        "The company gave everything back.",
    )
    assert await get_fund_balances(scenario, fund) == _balances("1000.00", available="1000.00")
    entries = expect_json(
        await scenario.worker_north.get(f"/v1/cases/{case['id']}/timeline", params={"limit": 200})
    )["items"]
    history_kinds = [entry["kind"] for entry in entries if entry["kind"].startswith("disbursement")]
    assert history_kinds == [
        f"disbursement_{status}" for status in ("reversed", "reconciled", "paid", "approved", "requested")
    ]
    ledger = expect_json(
        await scenario.finance.get(
            f"/v1/funds/{fund['id']}/ledger", params={"disbursement_id": disbursement["id"]}
        )
    )
    assert {entry["kind"] for entry in ledger["items"]} == {
        "approval",
        "payment",
        "reconciliation",
        "reversal",
    }


def _balances(given: str, **amounts: str) -> dict[str, str]:
    return {
        "given": given,
        **dict.fromkeys(("available", "reserved", "advanced", "spent", "rounding"), "0.00"),
        **amounts,
    }


async def test_quotation_of_disbursement_is_hidden_from_finance_officer(scenario: Scenario) -> None:
    case = await scenario.open_case()
    disbursement = await create_disbursement(scenario, case)
    quotation = {"kind": "quotation", "title": "Uniform", "content": RECEIPT_PDF_BASE64}
    about = {"about": {"kind": "disbursement", "id": disbursement["id"]}}
    path = f"/v1/cases/{case['id']}/documents"
    document = expect_json(await scenario.worker_north.post(path, quotation | about), 201)
    documents = expect_json(
        await scenario.supervisor_north.get(path, params={"about_id": disbursement["id"]})
    )["items"]
    assert [item["id"] for item in documents] == [document["id"]]
    for hidden_path in (path, f"/v1/documents/{document['id']}"):
        assert (await scenario.finance.get(hidden_path)).status_code in {403, 404}


async def test_finance_officer_reads_disbursement_without_details_of_child(
    scenario: Scenario,
) -> None:
    case = await scenario.open_case()
    disbursement = await create_disbursement(scenario, case)
    response = await scenario.finance.get(f"/v1/disbursements/{disbursement['id']}")
    body = expect_json(response)
    assert (body["case_number"], body["category"], body["amount"]) == (
        case["number"],
        "transport",
        usd("12.50"),
    )
    detail_fields = ("child_id", "purpose", "other_support_sought", "area", "goal_id", "reason")
    assert [body[name] for name in detail_fields] == [None] * len(detail_fields)
    assert case["child_id"] not in response.text
    (entry,) = await scenario.list_access_entries(response.headers["x-request-id"])
    assert (entry["child_id"], entry["record"]["kind"]) == (case["child_id"], "disbursement")
    page = expect_json(await scenario.finance.get("/v1/disbursements"))
    assert [item["id"] for item in page["items"]] == [disbursement["id"]]
    assert expect_json(await scenario.worker_south.get("/v1/disbursements"))["items"] == []
    path = f"/v1/disbursements/{disbursement['id']}"
    assert (await scenario.worker_south.get(path)).status_code == 404
    assert (await scenario.partner_one.get(path)).status_code == 403
    assert (await scenario.finance.get(f"/v1/cases/{case['id']}")).status_code == 403


async def test_requester_approver_and_payer_must_be_three_people(
    scenario: Scenario, superuser_connection: Any
) -> None:
    case, fund = await scenario.open_case(), await create_fund(scenario)
    all_roles = ["social_worker", "supervisor", "programme_manager", "finance_officer"]
    await superuser_connection.execute("UPDATE users SET roles = $1 WHERE id = ANY ($2)", all_roles,
                            [id_of("supervisor_north"), id_of("finance"), id_of("worker_north")])  # fmt: skip
    disbursement = await create_disbursement(scenario, case)
    assert await expect_disbursement_refused(
        scenario.worker_north, disbursement, "approve", {"fund_id": fund["id"]}
    ) == {"own_work"}
    disbursement = await act_on_disbursement(
        scenario.supervisor_north, disbursement, "approve", {"fund_id": fund["id"]}
    )
    for client in (scenario.worker_north, scenario.supervisor_north):
        assert await expect_disbursement_refused(client, disbursement, "pay", payment_payload()) == {
            "own_work"
        }
    disbursement = await act_on_disbursement(scenario.finance, disbursement, "pay", payment_payload())
    payload = {"spent": usd("12.50"), "receipt_document_ids": [await upload_receipt(scenario, case)]}
    assert await expect_disbursement_refused(scenario.worker_north, disbursement, "reconcile", payload) == {
        "own_work"
    }
    assert await expect_disbursement_refused(
        scenario.worker_north, disbursement, "reverse", {"reason": "Back."}
    ) == {"own_work"}


async def test_break_glass_access_does_not_allow_request_or_approval(scenario: Scenario) -> None:
    case, fund = await scenario.open_case("worker_south"), await create_fund(scenario)
    disbursement = await create_disbursement(scenario, case, by="worker_south")
    payload = {"reason": "The worker is away, the child is at the door."}
    for client in (scenario.worker_north_2, scenario.supervisor_north):
        expect_json(await client.post(f"/v1/cases/{case['id']}/break-glass", payload))
    response = await scenario.worker_north_2.post("/v1/disbursements", disbursement_payload(case))
    assert [unmet["code"] for unmet in response.json()["unmet"]] == ["not_on_case"]
    assert await expect_disbursement_refused(
        scenario.supervisor_north, disbursement, "approve", {"fund_id": fund["id"]}
    ) == {"not_your_team"}


async def test_refused_approval_lists_every_unmet_condition(scenario: Scenario) -> None:
    case = await scenario.open_case()
    narrow = await create_fund(
        scenario, "5.00", categories=["education"], ends_on="2026-02-01", province_codes=["01"], oldest=6
    )
    disbursement = await create_disbursement(scenario, case, usd("250.00"))
    assert await expect_disbursement_refused(scenario.supervisor_north, disbursement, "approve", {"fund_id": narrow["id"]}) == {
        "above_limit", "category_not_funded", "outside_period", "province_not_funded", "age_not_funded", "fund_exhausted",
    }  # fmt: skip
    riel = await create_fund(scenario, "1000000", "KHR")
    assert await expect_disbursement_refused(
        scenario.manager, disbursement, "approve", {"fund_id": riel["id"]}
    ) == {"currency_other"}
    wide = await create_fund(scenario, "1000.00", name="wide", province_codes=["17"], youngest=5, oldest=17)
    assert await expect_disbursement_refused(
        scenario.supervisor_north, disbursement, "approve", {"fund_id": wide["id"]}
    ) == {"above_limit"}
    disbursement = await act_on_disbursement(
        scenario.manager, disbursement, "approve", {"fund_id": wide["id"]}
    )
    assert await expect_disbursement_refused(
        scenario.manager, disbursement, "approve", {"fund_id": wide["id"]}
    ) == {"status"}
    assert await expect_disbursement_refused(
        scenario.manager, disbursement, "reject", {"reason": "Too late."}
    ) == {"status"}
    limit = {
        "role": "supervisor",
        "act": "approve",
        "currency": "USD",
        "amount": usd("300.00"),
        "starts_on": today().isoformat(),
    }
    expect_json(await scenario.admin.post("/v1/approval-limits", limit))
    await confirm_pending_change(scenario)
    later = {**limit, "amount": usd("1.00"), "starts_on": (today() + timedelta(days=1)).isoformat()}
    expect_json(await scenario.admin.post("/v1/approval-limits", later))
    next_request = await create_disbursement(scenario, case, usd("250.00"))
    await act_on_disbursement(scenario.supervisor_north, next_request, "approve", {"fund_id": wide["id"]})
    assert (await scenario.admin.post("/v1/approval-limits", limit)).status_code == 409


async def test_payment_in_two_currencies_uses_stored_rates(scenario: Scenario) -> None:
    case, fund = await scenario.open_case(), await create_fund(scenario)
    rate = {"on": today().isoformat(), "rate": "4100.00", "source": "National Bank of Cambodia"}
    first = await create_approved_disbursement(scenario, case, fund)
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
        scenario.finance, first, "pay", payment_payload(usd("10.00"), khr("10400"))
    ) == {"tenders_unequal"}
    deviating = {**khr("10250"), "rate": "41000"}
    assert await expect_disbursement_refused(
        scenario.finance, first, "pay", payment_payload(usd("10.00"), deviating)
    ) == {"rate_far_off"}
    fraction_of_riel = await scenario.finance.act(
        f"/v1/disbursements/{first['id']}", "pay", payment_payload(khr("0.50"))
    )
    assert fraction_of_riel.status_code == 422
    paid = await act_on_disbursement(scenario.finance, first, "pay", payment_payload(*mixed))
    assert paid["tenders"][1] == {
        "amount": khr("10250"), "rate": "4100", "rate_on": today().isoformat(),
        "rate_source": "National Bank of Cambodia", "worth": usd("2.50"),
    }  # fmt: skip
    second = await create_approved_disbursement(scenario, case, fund)
    with_rate = {**khr("10275"), "rate": "4110"}
    paid = await act_on_disbursement(
        scenario.finance, second, "pay", payment_payload(usd("10.00"), with_rate)
    )
    assert (paid["tenders"][1]["rate"], paid["tenders"][1]["rate_source"]) == ("4110", "payment")
    tomorrow = payment_payload(paid_on=(today() + timedelta(days=1)).isoformat())
    third = await create_approved_disbursement(scenario, case, fund)
    assert (
        await scenario.finance.act(f"/v1/disbursements/{third['id']}", "pay", tomorrow)
    ).status_code == 422


async def test_emergency_can_be_paid_first_and_its_approval_is_due_in_three_days(
    scenario: Scenario, superuser_connection: Any
) -> None:
    case, fund = await scenario.open_case(), await create_fund(scenario)
    routine = await create_disbursement(scenario, case)
    payload = payment_payload(fund_id=fund["id"])
    assert await expect_disbursement_refused(scenario.finance, routine, "pay", payload) == {
        "status",
        "fund_other",
    }
    large = await create_disbursement(scenario, case, usd("51.00"), urgency="emergency")
    assert await expect_disbursement_refused(
        scenario.finance, large, "pay", {**payload, "tenders": [usd("51.00")]}
    ) == {"above_limit"}
    disbursement = await create_disbursement(scenario, case, urgency="emergency")
    disbursement = await act_on_disbursement(scenario.finance, disbursement, "pay", payload)
    assert (disbursement["status"], disbursement["approved_by_id"], disbursement["approval_overdue"]) == (
        "paid",
        None,
        False,
    )
    assert disbursement["approval_due_on"] == (today() + timedelta(days=3)).isoformat()
    assert (await get_fund_balances(scenario, fund))["advanced"] == "12.50"
    payload = {"spent": usd("12.50"), "receipt_document_ids": [await upload_receipt(scenario, case)]}
    assert await expect_disbursement_refused(scenario.finance, disbursement, "reconcile", payload) == {
        "not_approved"
    }
    await superuser_connection.execute(
        "UPDATE disbursements SET approval_due_on = $1 WHERE id = $2",
        today() - timedelta(days=1),
        disbursement["id"],
    )
    overdue = expect_json(
        await scenario.supervisor_north.get("/v1/disbursements", params={"approval_overdue": True})
    )["items"]
    assert [(item["id"], item["approval_overdue"]) for item in overdue] == [(disbursement["id"], True)]
    other_fund = await create_fund(scenario, name="other")
    assert await expect_disbursement_refused(
        scenario.supervisor_north, disbursement, "approve", {"fund_id": other_fund["id"]}
    ) == {"fund_other"}
    disbursement = await act_on_disbursement(
        scenario.supervisor_north, disbursement, "approve", {"fund_id": fund["id"]}
    )
    assert (disbursement["status"], disbursement["approval_overdue"]) == ("paid", False)
    await act_on_disbursement(scenario.finance, disbursement, "reconcile", payload)
    assert await get_fund_balances(scenario, fund) == _balances("1000.00", available="987.50", spent="12.50")


async def test_emergency_payment_from_restricted_fund_is_refused(scenario: Scenario) -> None:
    case, narrow = await scenario.open_case(), await create_fund(scenario, youngest=15)
    disbursement = await create_disbursement(scenario, case, urgency="emergency")
    payload = payment_payload(fund_id=narrow["id"])
    assert await expect_disbursement_refused(scenario.finance, disbursement, "pay", payload) == {
        "fund_restricted"
    }


async def test_payee_is_confirmed_by_a_name_that_looks_equal(scenario: Scenario) -> None:
    # Catches: the payees compared by letter case and spaces only.
    case, fund = await scenario.open_case(), await create_fund(scenario)
    disbursement = await create_disbursement(scenario, case, payee="ហាងស្ត្រី - Anne\u2019s 1")
    disbursement = await act_on_disbursement(
        scenario.supervisor_north, disbursement, "approve", {"fund_id": fund["id"]}
    )
    for payee in ("ហាងស្រី - Anne's 1", "ហាងស្ត្រី - Annes 1"):
        refused = await expect_disbursement_refused(
            scenario.finance, disbursement, "pay", payment_payload(payee=payee)
        )
        assert refused == {"payee_other"}, payee
    payment = payment_payload(payee="ហាង\u200bស្រ្ដី\u00a0\u2013 ANNE's ១")
    paid = await act_on_disbursement(scenario.finance, disbursement, "pay", payment)
    assert paid["status"] == "paid"


async def test_payment_to_other_payee_or_before_approval_is_refused(
    scenario: Scenario, superuser_connection: Any
) -> None:
    case, fund = await scenario.open_case(), await create_fund(scenario)
    disbursement = await create_disbursement(scenario, case, payee="The clinic")
    disbursement = await act_on_disbursement(
        scenario.supervisor_north, disbursement, "approve", {"fund_id": fund["id"]}
    )
    assert await expect_disbursement_refused(scenario.finance, disbursement, "pay", payment_payload()) == {
        "payee_other"
    }
    await superuser_connection.execute("UPDATE disbursements SET created_at = now() - interval '5 days'")
    early = payment_payload(payee="the  clinic", paid_on=(today() - timedelta(days=1)).isoformat())
    assert await expect_disbursement_refused(scenario.finance, disbursement, "pay", early) == {
        "before_approval"
    }
    await act_on_disbursement(scenario.finance, disbursement, "pay", payment_payload(payee="the  clinic"))


async def test_instalments_after_end_of_fund_are_refused(scenario: Scenario) -> None:
    case = await scenario.open_case()
    fund = await create_fund(scenario, ends_on=(today() + timedelta(days=40)).isoformat())
    disbursement = await create_disbursement(scenario, case, months=3)
    assert await expect_disbursement_refused(
        scenario.supervisor_north, disbursement, "approve", {"fund_id": fund["id"]}
    ) == {"outside_period"}


async def test_payment_is_reconciled_after_case_is_closed(scenario: Scenario) -> None:
    case, fund = await scenario.open_case(), await create_fund(scenario)
    disbursement = await create_paid_disbursement(scenario, case, fund)
    await create_approved_exit_plan(scenario, case["id"], reason_code="moved_away", follow_up_months=[])
    closure = {"reason_code": "moved_away", "outcome": "The family went to Thailand."}
    expect_json(await scenario.worker_north.act(f"/v1/cases/{case['id']}", "close", closure))
    payload = {"spent": usd("12.50"), "receipt_document_ids": [await upload_receipt(scenario, case)]}
    await act_on_disbursement(scenario.finance, disbursement, "reconcile", payload)


async def test_reconciliation_requires_receipts_of_the_case(scenario: Scenario) -> None:
    case, other_case, fund = (
        await scenario.open_case(),
        await scenario.open_case(),
        await create_fund(scenario),
    )
    disbursement = await create_paid_disbursement(scenario, case, fund)
    without_receipts = {"spent": usd("12.50"), "receipt_document_ids": []}
    assert await expect_disbursement_refused(
        scenario.finance, disbursement, "reconcile", without_receipts
    ) == {"receipt_missing"}
    foreign = {**without_receipts, "receipt_document_ids": [await upload_receipt(scenario, other_case)]}
    assert await expect_disbursement_refused(scenario.finance, disbursement, "reconcile", foreign) == {
        "proof_unknown"
    }
    letter = {**without_receipts, "receipt_document_ids": [await upload_receipt(scenario, case, "letter")]}
    assert await expect_disbursement_refused(scenario.finance, disbursement, "reconcile", letter) == {
        "proof_unknown"
    }
    more = {"spent": usd("12.51"), "receipt_document_ids": [await upload_receipt(scenario, case)]}
    assert await expect_disbursement_refused(scenario.finance, disbursement, "reconcile", more) == {
        "above_paid"
    }
    groups = expect_json(await scenario.finance.get("/v1/unreceipted-money"))["items"]
    assert [(group["worker_id"], group["age"], group["count"], group["amount"]) for group in groups] == [
        (str(scenario.worker_north.id), "up_to_7_days", 1, usd("12.50"))
    ]
    assert expect_json(await scenario.worker_south.get("/v1/unreceipted-money"))["items"] == []
    await act_on_disbursement(
        scenario.finance, disbursement, "reconcile", {"spent": usd("0"), "receipt_document_ids": []}
    )
    assert expect_json(await scenario.finance.get("/v1/unreceipted-money"))["items"] == []


async def test_recurring_request_is_approved_once_and_released_monthly(scenario: Scenario) -> None:
    case, fund = await scenario.open_case(), await create_fund(scenario, "100.00")
    disbursement = await create_disbursement(scenario, case, usd("12.50"), months=4)
    instalments = expect_json(
        await scenario.worker_north.get("/v1/disbursements", params={"series_id": disbursement["id"]})
    )["items"]
    assert sorted(instalment["release_on"] for instalment in instalments) == [
        add_months(today(), n).isoformat() for n in range(4)
    ]
    assert len({instalment["number"] for instalment in instalments}) == 4
    await act_on_disbursement(scenario.supervisor_north, disbursement, "approve", {"fund_id": fund["id"]})
    assert (await get_fund_balances(scenario, fund))["reserved"] == "50.00"
    second = next(instalment for instalment in instalments if instalment["instalment"] == 2)
    assert await expect_disbursement_refused(scenario.finance, second, "pay", payment_payload()) == {
        "not_released"
    }
    await act_on_disbursement(scenario.finance, disbursement, "pay", payment_payload())
    await act_on_disbursement(scenario.worker_north, second, "cancel", {"reason": "Holidays."})
    assert await get_fund_balances(scenario, fund) == _balances(
        "100.00", available="62.50", reserved="25.00", advanced="12.50"
    )
    large = await create_disbursement(scenario, case, usd("60.00"), months=4)
    large_fund = await create_fund(scenario, name="big")
    assert await expect_disbursement_refused(
        scenario.supervisor_north, large, "approve", {"fund_id": large_fund["id"]}
    ) == {"above_limit"}
    await act_on_disbursement(scenario.supervisor_north, large, "reject", {"reason": "Too much."})
    rejected = expect_json(
        await scenario.worker_north.get("/v1/disbursements", params={"series_id": large["id"]})
    )["items"]
    assert {instalment["status"] for instalment in rejected} == {"rejected"}


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
async def test_invalid_disbursement_request_is_rejected(
    scenario: Scenario, changes: dict[str, Any], code: str
) -> None:
    case = await scenario.open_case()
    response = await scenario.worker_north.post("/v1/disbursements", disbursement_payload(case, **changes))
    assert response.status_code == 422, response.text
    assert code in {error["code"] for error in response.json()["errors"]}


async def test_payment_retried_with_same_idempotency_key_is_replayed(
    scenario: Scenario,
) -> None:
    case, fund = await scenario.open_case(), await create_fund(scenario)
    disbursement = await create_approved_disbursement(scenario, case, fund)
    path = f"/v1/disbursements/{disbursement['id']}"
    etag = (await scenario.finance.get(path)).headers["etag"]
    first = await scenario.finance.post(f"{path}/pay", payment_payload(), etag=etag, key="pay-1")
    retry = await scenario.finance.post(f"{path}/pay", payment_payload(), etag=etag, key="pay-1")
    assert (first.status_code, retry.status_code, retry.headers.get("idempotent-replayed")) == (
        200,
        200,
        "true",
    )
    assert first.json() == retry.json()
    assert (
        await scenario.finance.post(f"{path}/pay", payment_payload(), etag=etag, key="pay-2")
    ).status_code == 412
    assert (await get_fund_balances(scenario, fund))["advanced"] == "12.50"
