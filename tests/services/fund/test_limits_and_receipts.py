"""Limits for one case, receipts that prove one payment, rounding of cash, and the documents that finance can read."""

import asyncio
import base64
from typing import Any

import asyncpg
import pytest

from app.kit.dates import today
from tests.support.case_lifecycle import create_active_case
from tests.support.fund import (
    RECEIPT_PDF_BASE64,
    act_on_disbursement,
    create_approved_disbursement,
    create_disbursement,
    create_fund,
    create_paid_disbursement,
    expect_disbursement_refused,
    get_fund_balances,
    khr,
    payment_payload,
    reconcile,
    statement_path,
    upload_receipt,
    usd,
)
from tests.support.raw_sql import open_access, open_transaction_as, set_access
from tests.support.responses import expect_json
from tests.support.scenario import Scenario, id_of


async def test_approvals_for_a_case_have_a_limit_for_the_month(
    scenario: Scenario, superuser_connection: Any
) -> None:
    case, other_case = await scenario.open_case(), await scenario.open_case()
    fund = await create_fund(scenario, "5000.00")
    approval = {"fund_id": fund["id"]}
    approved = [await create_approved_disbursement(scenario, case, fund, usd("200.00")) for _ in range(3)]
    fourth = await create_disbursement(scenario, case, usd("0.01"))
    assert await expect_disbursement_refused(scenario.supervisor_north, fourth, "approve", approval) == {
        "above_case_limit"
    }
    awaiting = [
        expect_json(await client.get("/v1/disbursements", params={"awaiting": "me"}))["items"]
        for client in (scenario.supervisor_north, scenario.manager)
    ]
    assert [[item["id"] for item in items] for items in awaiting] == [[], [fourth["id"]]]
    await create_approved_disbursement(scenario, other_case, fund, usd("200.00"))
    await act_on_disbursement(scenario.manager, fourth, "approve", approval)
    await act_on_disbursement(scenario.worker_north, approved[0], "cancel")
    await create_approved_disbursement(scenario, case, fund, usd("199.99"))
    last = await create_disbursement(scenario, case, usd("200.00"))
    assert await expect_disbursement_refused(scenario.supervisor_north, last, "approve", approval) == {
        "above_case_limit"
    }
    await superuser_connection.execute(
        "UPDATE disbursements SET approved_at = approved_at - interval '31 days'"
    )
    await act_on_disbursement(scenario.supervisor_north, last, "approve", approval)


async def test_concurrent_approvals_stay_within_the_limit_of_the_case(scenario: Scenario) -> None:
    # Catches: access.find_case_limit_fault() without access.lock_child_money().
    case, fund = await scenario.open_case(), await create_fund(scenario, "5000.00")
    requests = [await create_disbursement(scenario, case, usd("150.00")) for _ in range(8)]
    responses = await asyncio.gather(
        *(
            scenario.supervisor_north.act(
                f"/v1/disbursements/{item['id']}", "approve", {"fund_id": fund["id"]}
            )
            for item in requests
        )
    )
    assert sorted(response.status_code for response in responses) == [200] * 4 + [409] * 4
    assert (await get_fund_balances(scenario, fund))["reserved"] == "600.00"


async def test_emergency_payments_for_a_case_have_a_limit_for_the_day(scenario: Scenario) -> None:
    case, other_case = await scenario.open_case(), await scenario.open_case()
    fund = await create_fund(scenario)
    requests = [
        await create_disbursement(scenario, case, usd("40.00"), urgency="emergency") for _ in range(4)
    ]
    payment = payment_payload(usd("40.00"), fund_id=fund["id"])
    responses = await asyncio.gather(
        *(scenario.finance.act(f"/v1/disbursements/{item['id']}", "pay", payment) for item in requests)
    )
    assert sorted(response.status_code for response in responses) == [200, 200, 409, 409]
    refused = next(
        item for item, response in zip(requests, responses, strict=True) if response.status_code == 409
    )
    assert await expect_disbursement_refused(scenario.finance, refused, "pay", payment) == {
        "above_case_limit"
    }
    awaiting = expect_json(await scenario.finance.get("/v1/disbursements", params={"awaiting": "me"}))[
        "items"
    ]
    assert awaiting == []
    other = await create_disbursement(scenario, other_case, usd("40.00"), urgency="emergency")
    await act_on_disbursement(scenario.finance, other, "pay", payment)


async def test_limits_for_a_case_are_data(scenario: Scenario) -> None:
    case, fund = await scenario.open_case(), await create_fund(scenario)
    limit = {
        "role": "supervisor", "act": "approve_case_month", "currency": "USD", "amount": usd("10.00"),
        "starts_on": today().isoformat(),
    }  # fmt: skip
    expect_json(await scenario.admin.post("/v1/approval-limits", limit))
    request = await create_disbursement(scenario, case, usd("10.01"))
    assert await expect_disbursement_refused(
        scenario.supervisor_north, request, "approve", {"fund_id": fund["id"]}
    ) == {"above_case_limit"}


async def test_sql_cannot_approve_above_a_limit(scenario: Scenario, api_connection: Any) -> None:
    # Catches: the trigger validate_limits missing from disbursements.
    case, fund = await scenario.open_case(), await create_fund(scenario, "5000.00")
    for _ in range(3):
        await create_approved_disbursement(scenario, case, fund, usd("199.00"))
    approve = (
        "UPDATE disbursements SET status = 'approved', fund_id = $1, line = 'general', approved_by_id = $2,"
        " approved_at = now(), version = version + 1, updated_at = now() WHERE id = $3"
    )
    for amount, is_accepted in (("3.00", True), ("3.01", False), ("200.01", False)):
        request = await create_disbursement(scenario, case, usd(amount))
        arguments = (fund["id"], id_of("supervisor_north"), request["id"])
        async with open_transaction_as(api_connection, "supervisor_north"):
            if is_accepted:
                assert await api_connection.execute(approve, *arguments) == "UPDATE 1"
                continue
            with pytest.raises(asyncpg.CheckViolationError, match="exceeds a limit"):
                await api_connection.execute(approve, *arguments)


async def test_receipt_proves_one_payment(scenario: Scenario) -> None:
    case, fund = await scenario.open_case(), await create_fund(scenario)
    first, second, third = [await create_paid_disbursement(scenario, case, fund) for _ in range(3)]
    receipt_id, other_id = await upload_receipt(scenario, case), await upload_receipt(scenario, case)
    assert await reconcile(scenario, first, usd("12.50"), receipt_id) == set()
    assert await reconcile(scenario, second, usd("12.50"), receipt_id, other_id) == {"receipt_used"}
    copy_id = await upload_receipt(scenario, case, about={"kind": "document", "id": receipt_id})
    copy_of_copy_id = await upload_receipt(scenario, case, about={"kind": "document", "id": copy_id})
    for document_id in (copy_id, copy_of_copy_id):
        assert await reconcile(scenario, second, usd("1.00"), document_id) == {"receipt_used"}
    approved = await create_approved_disbursement(scenario, case, fund)
    payment = payment_payload(acknowledgement_document_id=receipt_id)
    assert await expect_disbursement_refused(scenario.finance, approved, "pay", payment) == {"receipt_used"}
    payment = payment_payload(acknowledgement_document_id=other_id)
    paid = await act_on_disbursement(scenario.finance, approved, "pay", payment)
    assert await reconcile(scenario, third, usd("12.50"), other_id) == {"receipt_used"}
    assert await reconcile(scenario, paid, usd("12.50"), other_id) == set()
    await act_on_disbursement(scenario.finance, first, "reverse", {"reason": "The wrong payment."})
    assert await reconcile(scenario, second, usd("12.50"), receipt_id) == set()


async def test_concurrent_reconciliations_use_a_receipt_once(scenario: Scenario) -> None:
    # Catches: access.find_payments_of_receipts() without access.lock_child_money().
    case, fund = await scenario.open_case(), await create_fund(scenario)
    payments = [await create_paid_disbursement(scenario, case, fund, usd("1.00")) for _ in range(6)]
    receipt_id = await upload_receipt(scenario, case)
    unmet = await asyncio.gather(
        *(reconcile(scenario, payment, usd("1.00"), receipt_id) for payment in payments)
    )
    assert sorted(map(len, unmet)) == [0, 1, 1, 1, 1, 1]


async def test_receipts_cover_the_spent_amount(scenario: Scenario) -> None:
    case, fund = await scenario.open_case(), await create_fund(scenario)
    payment = await create_paid_disbursement(scenario, case, fund)
    five, seven = [await upload_receipt(scenario, case, amount=usd(amount)) for amount in ("5.00", "7.00")]
    riel = await upload_receipt(scenario, case, amount=khr("2050"))
    assert await reconcile(scenario, payment, usd("5.01"), five) == {"receipts_insufficient"}
    assert await reconcile(scenario, payment, usd("12.01"), five, seven) == {"receipts_insufficient"}
    assert await reconcile(scenario, payment, usd("12.50"), five, seven, riel) == {"rate_missing"}
    rate = {"on": today().isoformat(), "rate": "4100.00", "source": "National Bank"}
    expect_json(await scenario.finance.post("/v1/exchange-rates", rate), 201)
    copy_id = await upload_receipt(scenario, case, about={"kind": "document", "id": five})
    assert await reconcile(scenario, payment, usd("12.50"), five, copy_id, seven) == {"receipts_insufficient"}
    assert await reconcile(scenario, payment, usd("12.50"), five, seven, riel) == set()
    letter = {"kind": "letter", "title": "x", "content": RECEIPT_PDF_BASE64, "amount": usd("1.00")}
    response = await scenario.worker_north.post(f"/v1/cases/{case['id']}/documents", letter)
    assert [error["code"] for error in response.json()["errors"]] == ["amount_unfit"]


@pytest.mark.parametrize(
    ("amount", "tenders", "method", "rounding"),
    [
        (khr("41050"), [khr("41100")], "cash", khr("50")),
        (khr("41050"), [khr("41000")], "cash", khr("-50")),
        (khr("41050"), [usd("10.00")], "cash", khr("-50")),
        (khr("41050"), [usd("10.00"), khr("100")], "cash", khr("50")),
        (khr("41099"), [khr("41000")], "cash", khr("-99")),
        (khr("41050"), [khr("41050")], "cash", khr("0")),
        (usd("12.51"), [usd("12.50")], "cash", usd("-0.01")),
        (usd("12.50"), [usd("10.00"), khr("10300")], "cash", usd("0.01")),
        (khr("41050"), [khr("41200")], "cash", None),
        (khr("41000"), [khr("41100")], "cash", None),
        (khr("41050"), [khr("41060")], "cash", None),
        (khr("41050"), [khr("41100")], "bank", None),
        (khr("41050"), [khr("41100")], "mobile", None),
        (usd("12.53"), [usd("12.50")], "cash", None),
        (usd("12.50"), [usd("10.00"), khr("10400")], "cash", None),
    ],
)
async def test_cash_is_rounded_to_notes_and_booked_on_its_own_account(
    scenario: Scenario,
    amount: dict[str, str],
    tenders: list[Any],
    method: str,
    rounding: dict[str, str] | None,
) -> None:
    # Catches: `is_exact_possible` ignored; the difference booked as spent.
    case = await scenario.open_case()
    fund = await create_fund(scenario, "100000", amount["currency"])
    rate = {"on": today().isoformat(), "rate": "4100.00", "source": "National Bank"}
    expect_json(await scenario.finance.post("/v1/exchange-rates", rate), 201)
    disbursement = await create_approved_disbursement(scenario, case, fund, amount)
    payment = payment_payload(*tenders, method=method)
    if rounding is None:
        assert await expect_disbursement_refused(scenario.finance, disbursement, "pay", payment) == {
            "tenders_unequal"
        }
        return
    paid = await act_on_disbursement(scenario.finance, disbursement, "pay", payment)
    assert paid["rounding"] == rounding
    balances = await get_fund_balances(scenario, fund)
    assert (balances["rounding"], balances["advanced"]) == (rounding["amount"], amount["amount"])
    statement = expect_json(await scenario.finance.get(statement_path(fund)))
    assert float(statement["rounding"]["amount"]) == 0  # one payment is not reported
    await act_on_disbursement(scenario.finance, paid, "reverse", {"reason": "Nobody came."})
    balances = await get_fund_balances(scenario, fund)
    assert (balances["available"], float(balances["rounding"])) == (balances["given"], 0)


async def test_rounding_up_needs_available_money(scenario: Scenario) -> None:
    case, fund = await scenario.open_case(), await create_fund(scenario, "41050", "KHR")
    disbursement = await create_approved_disbursement(scenario, case, fund, khr("41050"))
    payment = payment_payload(khr("41100"))
    assert await expect_disbursement_refused(scenario.finance, disbursement, "pay", payment) == {
        "fund_exhausted"
    }
    await act_on_disbursement(scenario.finance, disbursement, "pay", payment_payload(khr("41000")))


async def name_documents(scenario: Scenario, disbursement: dict[str, Any], *ids: str, **changes: Any) -> Any:
    path = f"/v1/disbursements/{disbursement['id']}"
    etag = (await scenario.worker_north.get(path)).headers["etag"]
    payload = {"document_ids": ids, "shows_no_name_or_diagnosis": True, **changes}
    return await scenario.worker_north.put(f"{path}/finance-documents", payload, etag=etag)


async def test_finance_officer_reads_only_the_documents_that_the_worker_has_named(scenario: Scenario) -> None:
    # Catches: `b.finance_documents @> …` missing from access.read_finance_document().
    case, fund = await scenario.open_case(), await create_fund(scenario)
    disbursement = await create_approved_disbursement(scenario, case, fund)
    receipt_id, hidden_id = [
        await upload_receipt(
            scenario, case, amount=usd("12.50"), title="Sok Dara", content=RECEIPT_PDF_BASE64
        )
        for _ in range(2)
    ]
    base = f"/v1/disbursements/{disbursement['id']}/finance-documents"
    assert (await scenario.finance.get(f"{base}/{receipt_id}/content")).status_code == 404
    unconfirmed = await name_documents(scenario, disbursement, receipt_id, shows_no_name_or_diagnosis=False)
    assert unconfirmed.status_code == 422
    expect_json(await name_documents(scenario, disbursement, receipt_id))
    named = expect_json(await name_documents(scenario, disbursement, receipt_id))
    assert named["finance_documents"] == [
        {"id": receipt_id, "kind": "receipt", "media_type": "application/pdf",
         "size": len(base64.b64decode(RECEIPT_PDF_BASE64)), "amount": usd("12.50")}
    ]  # fmt: skip
    shown = await scenario.finance.get(f"/v1/disbursements/{disbursement['id']}")
    assert expect_json(shown)["finance_documents"] == named["finance_documents"]
    response = await scenario.finance.get(f"{base}/{receipt_id}/content")
    assert (response.status_code, response.content) == (200, base64.b64decode(RECEIPT_PDF_BASE64))
    assert f"{disbursement['number']}-receipt.pdf" in response.headers["content-disposition"]
    assert "Dara" not in str(response.headers)
    (entry,) = await scenario.list_access_entries(response.headers["x-request-id"])
    assert (entry["child_id"], entry["record"]) == (
        case["child_id"],
        {"kind": "document_content", "id": receipt_id},
    )
    assert (await scenario.finance.get(f"{base}/{hidden_id}/content")).status_code == 404
    other = await create_disbursement(scenario, case)
    wrong_path = f"/v1/disbursements/{other['id']}/finance-documents/{receipt_id}/content"
    assert (await scenario.finance.get(wrong_path)).status_code == 404
    for path in (f"/v1/documents/{receipt_id}", f"/v1/documents/{receipt_id}/content"):
        assert (await scenario.finance.get(path)).status_code == 403
    assert (await scenario.worker_north.get(f"{base}/{receipt_id}/content")).status_code == 403
    expect_json(await name_documents(scenario, disbursement))
    assert (await scenario.finance.get(f"{base}/{receipt_id}/content")).status_code == 404
    timeline = await scenario.worker_north.get(f"/v1/cases/{case['id']}/timeline", params={"limit": 200})
    kinds = [item["kind"] for item in expect_json(timeline)["items"]]
    assert kinds.count("disbursement_documents_named") == 3


async def test_only_receipts_and_quotations_of_the_case_can_be_named(scenario: Scenario) -> None:
    case, _ = await create_active_case(scenario)
    other_case = await scenario.open_case()
    disbursement = await create_disbursement(scenario, case)
    fitting = [
        await upload_receipt(scenario, case, kind) for kind in ("receipt", "quotation", "acknowledgement")
    ]
    unfit = [
        await upload_receipt(scenario, case, "letter"), await upload_receipt(scenario, other_case),
        await upload_receipt(scenario, case, tier="legal"), str(id_of("finance")),
    ]  # fmt: skip
    response = await name_documents(scenario, disbursement, *fitting, *unfit)
    assert [(error["pointer"], error["code"]) for error in response.json()["errors"]] == [
        (f"/document_ids/{index}", "reference_unknown") for index in range(3, 7)
    ]
    expect_json(await name_documents(scenario, disbursement, *fitting))
    await act_on_disbursement(scenario.worker_north, disbursement, "cancel")
    assert (await name_documents(scenario, disbursement)).status_code == 409


async def test_sql_can_show_finance_only_receipts_named_by_staff_of_the_case(
    scenario: Scenario, api_connection: Any
) -> None:
    # Catches: `d.kind IN …` missing from access.read_finance_document(); the first condition of
    # validate_disbursement_act().
    case = await scenario.open_case()
    disbursement = await create_disbursement(scenario, case)
    letter_id, receipt_id = (
        await upload_receipt(scenario, case, "letter"),
        await upload_receipt(scenario, case),
    )
    name = "UPDATE disbursements SET finance_documents = jsonb_build_array(jsonb_build_object('id', $1::text)) WHERE id = $2"
    read = "SELECT count(*) FROM access.read_finance_document($1, $2)"
    async with open_transaction_as(api_connection, "finance"):
        with pytest.raises(asyncpg.CheckViolationError, match="no right"):
            await api_connection.execute(name, letter_id, disbursement["id"])
    for document_id, caller, act, count in (
        (letter_id, "finance", "disbursement.read_document", 0),
        (receipt_id, "finance", "disbursement.read", 0),
        (receipt_id, "worker_north", "disbursement.read_document", 0),
        (receipt_id, "finance", "disbursement.read_document", 1),
    ):
        access = await open_access(api_connection, "worker_north")
        async with api_connection.transaction():
            await set_access(api_connection, access)
            assert await api_connection.execute(name, document_id, disbursement["id"]) == "UPDATE 1"
        async with open_transaction_as(api_connection, caller, act):
            assert await api_connection.fetchval(read, disbursement["id"], document_id) == count
