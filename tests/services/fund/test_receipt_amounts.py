"""A receipt proves a payment up to its amount. A receipt without an amount proves no payment."""

from typing import Any

import pytest

from app.kit.dates import today
from tests.support.fund import (
    act_on_disbursement,
    build_receipt_file,
    create_approved_disbursement,
    create_fund,
    create_paid_disbursement,
    expect_disbursement_refused,
    khr,
    payment_payload,
    reconcile,
    upload_receipt,
    usd,
)
from tests.support.responses import expect_json
from tests.support.scenario import Scenario


@pytest.fixture
async def case(scenario: Scenario) -> dict[str, Any]:
    return await scenario.open_case()


@pytest.fixture
async def fund(scenario: Scenario) -> dict[str, Any]:
    return await create_fund(scenario)


async def test_receipt_without_an_amount_does_not_prove_a_payment(
    scenario: Scenario, case: dict[str, Any], fund: dict[str, Any]
) -> None:
    # Catches: the check of missing amounts removed.
    payment = await create_paid_disbursement(scenario, case, fund)
    content = build_receipt_file()
    unnamed = await upload_receipt(scenario, case, amount=None, content=content)
    other = await upload_receipt(scenario, case)
    assert await reconcile(scenario, payment, usd("12.50"), unnamed) == {"receipt_amount_missing"}
    assert await reconcile(scenario, payment, usd("12.50"), unnamed, other) == {"receipt_amount_missing"}
    named = await upload_receipt(scenario, case, amount=usd("12.50"), content=content)
    assert await reconcile(scenario, payment, usd("12.50"), unnamed, named) == set()


async def test_two_receipts_of_half_the_amount_prove_a_payment(
    scenario: Scenario, case: dict[str, Any], fund: dict[str, Any]
) -> None:
    payment = await create_paid_disbursement(scenario, case, fund)
    halves = [await upload_receipt(scenario, case, amount=usd("6.25")) for _ in range(2)]
    assert await reconcile(scenario, payment, usd("12.50"), halves[0]) == {"receipts_insufficient"}
    assert await reconcile(scenario, payment, usd("12.50"), *halves) == set()


async def test_copies_of_a_receipt_count_once(
    scenario: Scenario, case: dict[str, Any], fund: dict[str, Any]
) -> None:
    # Catches: the original of the copy instead of the first document of the chain.
    payment = await create_paid_disbursement(scenario, case, fund)
    receipt_id = await upload_receipt(scenario, case, amount=usd("5.00"))
    copy_id = await upload_receipt(scenario, case, about={"kind": "document", "id": receipt_id})
    copy_of_copy_id = await upload_receipt(scenario, case, about={"kind": "document", "id": copy_id})
    ids = receipt_id, copy_id, copy_of_copy_id
    assert await reconcile(scenario, payment, usd("5.01"), *ids) == {"receipts_insufficient"}
    assert await reconcile(scenario, payment, usd("5.00"), copy_of_copy_id) == set()


async def test_different_amounts_of_one_receipt_are_refused(
    scenario: Scenario, case: dict[str, Any], fund: dict[str, Any]
) -> None:
    payment = await create_paid_disbursement(scenario, case, fund)
    content = build_receipt_file()
    wrong, right = [
        await upload_receipt(scenario, case, amount=usd(amount), content=content)
        for amount in ("125.00", "12.50")
    ]
    copy = await upload_receipt(scenario, case, about={"kind": "document", "id": right}, amount=usd("13.00"))
    for document_id in (wrong, right, copy):
        assert await reconcile(scenario, payment, usd("12.50"), document_id) == {"receipt_amounts_differ"}
    for document_id in (wrong, copy):
        path = f"/v1/documents/{document_id}"
        expect_json(await scenario.worker_north.act(path, "enter-in-error", {"reason": "Typed wrongly."}))
    assert await reconcile(scenario, payment, usd("12.50"), right) == set()


async def test_fault_of_a_used_receipt_contains_the_payment_that_it_proves(
    scenario: Scenario, case: dict[str, Any], fund: dict[str, Any]
) -> None:
    other_case = await scenario.open_case()
    first = await create_paid_disbursement(scenario, case, fund)
    second = await create_paid_disbursement(scenario, other_case, fund)
    content = build_receipt_file()
    receipts = [await upload_receipt(scenario, each, content=content) for each in (case, other_case)]
    assert await reconcile(scenario, first, usd("12.50"), receipts[0]) == set()
    payload = {"spent": usd("12.50"), "receipt_document_ids": [receipts[1]]}
    response = await scenario.finance.act(f"/v1/disbursements/{second['id']}", "reconcile", payload)
    (unmet,) = response.json()["unmet"]
    assert (unmet["code"], unmet["params"]) == (
        "receipt_used", {"disbursement_id": first["id"], "disbursement_number": first["number"]},
    )  # fmt: skip
    entries = await scenario.list_access_entries(response.headers["x-request-id"])
    assert {entry["child_id"] for entry in entries} == {case["child_id"], other_case["child_id"]}


async def test_acknowledgement_covers_the_payment(
    scenario: Scenario, case: dict[str, Any], fund: dict[str, Any]
) -> None:
    approved = await create_approved_disbursement(scenario, case, fund)
    for amount, code in (
        (None, "receipt_amount_missing"), (usd("12.49"), "receipts_insufficient"), (khr("51250"), "rate_missing"),
    ):  # fmt: skip
        document_id = await upload_receipt(scenario, case, "acknowledgement", amount=amount)
        payment = payment_payload(acknowledgement_document_id=document_id)
        assert await expect_disbursement_refused(scenario.finance, approved, "pay", payment) == {code}
    rate = {"on": today().isoformat(), "rate": "4100.00", "source": "National Bank"}
    expect_json(await scenario.finance.post("/v1/exchange-rates", rate), 201)
    await act_on_disbursement(scenario.finance, approved, "pay", payment)
