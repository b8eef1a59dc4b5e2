"""A file that was added twice as a receipt proves one payment."""

import asyncio

from tests.support.fund import (
    act_on_disbursement,
    build_receipt_file,
    create_approved_disbursement,
    create_fund,
    create_paid_disbursement,
    expect_disbursement_refused,
    payment_payload,
    reconcile,
    upload_receipt,
    usd,
)
from tests.support.scenario import Scenario


async def test_file_added_twice_proves_one_payment(scenario: Scenario) -> None:
    # Catches: `r.id = ANY (digests of the same case)` in access.find_payments_of_receipts(); the ids instead of the digests compared.
    case, other_case, fund = (
        await scenario.open_case(),
        await scenario.open_case(),
        await create_fund(scenario),
    )
    other_fund = await create_fund(scenario, name="other")
    content = build_receipt_file()
    first = await create_paid_disbursement(scenario, case, fund)
    second = await create_paid_disbursement(scenario, case, fund)
    elsewhere = await create_paid_disbursement(scenario, other_case, other_fund)
    receipt_id, twin_id = [await upload_receipt(scenario, case, content=content) for _ in range(2)]
    third_id = await upload_receipt(scenario, other_case, content=content)
    assert await reconcile(scenario, first, usd("12.50"), receipt_id) == set()
    copy_id = await upload_receipt(scenario, case, about={"kind": "document", "id": twin_id})
    for payment, document_id in ((second, twin_id), (second, copy_id), (elsewhere, third_id)):
        assert await reconcile(scenario, payment, usd("1.00"), document_id) == {"receipt_used"}
    approved = await create_approved_disbursement(scenario, other_case, fund)
    payment = payment_payload(acknowledgement_document_id=third_id)
    assert await expect_disbursement_refused(scenario.finance, approved, "pay", payment) == {"receipt_used"}
    await act_on_disbursement(scenario.finance, first, "reverse", {"reason": "The wrong payment."})
    assert await reconcile(scenario, elsewhere, usd("1.00"), third_id) == set()


async def test_file_added_twice_counts_once_for_the_spent_amount(scenario: Scenario) -> None:
    # Catches: the amounts by the ids of the documents.
    case, fund = await scenario.open_case(), await create_fund(scenario)
    payment = await create_paid_disbursement(scenario, case, fund)
    content = build_receipt_file()
    twins = [await upload_receipt(scenario, case, amount=usd("5.00"), content=content) for _ in range(2)]
    assert await reconcile(scenario, payment, usd("10.00"), *twins) == {"receipts_insufficient"}
    assert await reconcile(scenario, payment, usd("5.00"), *twins) == set()


async def test_concurrent_reconciliations_of_different_cases_use_a_file_once(scenario: Scenario) -> None:
    # Catches: access.find_payments_of_receipts() without the lock of the digest.
    fund, content = await create_fund(scenario), build_receipt_file()
    cases = [await scenario.open_case() for _ in range(4)]
    payments = [await create_paid_disbursement(scenario, case, fund, usd("1.00")) for case in cases]
    receipt_ids = [await upload_receipt(scenario, case, content=content) for case in cases]
    unmet = await asyncio.gather(
        *(
            reconcile(scenario, payment, usd("1.00"), receipt_id)
            for payment, receipt_id in zip(payments, receipt_ids, strict=True)
        )
    )
    assert sorted(map(len, unmet)) == [0, 1, 1, 1]
