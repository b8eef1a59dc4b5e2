"""Conditions on the receipts and acknowledgements of a payment. A receipt proves one payment up to its amount."""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import date
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Uuid, column, func, literal, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.access.accessed_records import AccessedRecord
from app.access.session_records import get_accessed_records
from app.errors import Fault
from app.models import Disbursement
from app.services.fund import exchange_rates
from app.services.fund.exchange_rates import Rate

PROOF_UNKNOWN_DETAIL = "The case has no receipt or acknowledgement with this id."
RECEIPT_USED_DETAIL = (
    "The document, the original of the copy, or a document with the same file already proves another payment."
)
AMOUNT_MISSING_DETAIL = (
    "A document without an amount does not prove a payment. Staff of the case must add it again with its amount; both "
    "count as one receipt."
)
AMOUNTS_DIFFER_DETAIL = (
    "Two documents with the same file, or a copy and its original, have different amounts. Staff of the case must mark the "
    "wrong one as entered in error."
)


async def check_acknowledgement(
    session: AsyncSession, disbursement: Disbursement, document_id: UUID | None, amount: int, paid_on: date
) -> list[Fault]:
    """Return the unmet conditions of the document that proves a payment. Without a document, return none.

    It must be a receipt or acknowledgement of the case, must not prove another payment, and must cover the paid amount.
    """
    if document_id is None:
        return []
    return await _check_proofs(
        session, disbursement, {document_id}, amount, paid_on, "/acknowledgement_document_id"
    )


async def check_receipts(
    session: AsyncSession, disbursement: Disbursement, document_ids: AbstractSet[UUID], spent: int
) -> list[Fault]:
    """Return the unmet conditions of the receipts of a reconciliation.

    Receipts are required for a spent amount. Each must be a receipt or acknowledgement of the case and must not prove
    another payment. Together they must cover the spent amount.
    """
    pointer = "/receipt_document_ids"
    if spent and not document_ids:
        return [Fault(pointer, "receipt_missing", "Receipts are required for a spent amount.")]
    return await _check_proofs(session, disbursement, document_ids, spent, disbursement.paid_on, pointer)


async def _check_proofs(
    session: AsyncSession,
    disbursement: Disbursement,
    document_ids: AbstractSet[UUID],
    amount: int,
    paid_on: date | None,
    pointer: str,
) -> list[Fault]:
    proofs = await _list_payment_proofs(session, disbursement, document_ids)
    if len(proofs) != len(document_ids):
        return [Fault(pointer, "proof_unknown", PROOF_UNKNOWN_DETAIL)]
    return [
        *await _check_unused(session, disbursement, document_ids, pointer),
        *await _check_amounts(session, disbursement, proofs, amount, paid_on, pointer),
    ]


async def _list_payment_proofs(
    session: AsyncSession, disbursement: Disbursement, document_ids: AbstractSet[UUID]
) -> Sequence[Any]:
    """Return the documents that are proofs of payment of the case, with their amounts.

    A database function lists them, because finance officers cannot see the documents.
    """
    proofs = func.access.list_payment_proofs(disbursement.case_id, _to_array(document_ids)).table_valued(
        column("id", Uuid),
        column("original_digest"),
        column("amount"),
        column("currency"),
        column("has_other_amount"),
        name="proof",
    )
    return (await session.execute(select(*proofs.c))).all()


async def _check_unused(
    session: AsyncSession, disbursement: Disbursement, document_ids: AbstractSet[UUID], pointer: str
) -> list[Fault]:
    """Return a fault for each other payment that a document already proves. Concurrent payments with the same file wait.

    The fault contains the number of the payment, because every finance officer can see all disbursements. The access log
    records it.
    """
    payments = func.access.find_payments_of_receipts(
        disbursement.case_id, disbursement.id, _to_array(document_ids)
    ).table_valued(
        *(column(name, Uuid) for name in ("id", "child_id", "case_id")), column("number"), name="payment"
    )
    rows = (await session.execute(select(*payments.c).order_by(payments.c.number))).all()
    for row in rows:
        record = AccessedRecord(str(row.child_id), str(row.case_id), "disbursement", str(row.id))
        get_accessed_records(session).add(record)
    return [Fault(pointer, "receipt_used", RECEIPT_USED_DETAIL, _describe_payment(row)) for row in rows]


def _describe_payment(row: Any) -> Mapping[str, object]:
    return {"disbursement_id": str(row.id), "disbursement_number": row.number}


def _to_array(document_ids: AbstractSet[UUID]) -> Any:
    return literal(list(document_ids), ARRAY(Uuid))


async def _check_amounts(
    session: AsyncSession,
    disbursement: Disbursement,
    proofs: Sequence[Any],
    required: int,
    paid_on: date | None,
    pointer: str,
) -> list[Fault]:
    """Return a fault unless every proof has one amount, and the amounts together cover the required amount.

    A copy counts as its original, and a file that was added twice counts once.
    """
    if any(proof.amount is None for proof in proofs):
        return [Fault(pointer, "receipt_amount_missing", AMOUNT_MISSING_DETAIL)]
    if any(proof.has_other_amount for proof in proofs):
        return [Fault(pointer, "receipt_amounts_differ", AMOUNTS_DIFFER_DETAIL)]
    total = Decimal(0)
    for amount, currency in {
        proof.original_digest: (proof.amount, proof.currency) for proof in proofs
    }.values():
        rate = await _get_receipt_rate(session, disbursement, currency, paid_on)
        if rate is None and currency != disbursement.currency:
            detail = "No rate is published for the day of the payment or an earlier day. Record a rate first."
            return [Fault(pointer, "rate_missing", detail)]
        total += amount if rate is None else rate.convert(amount, currency)
    if total >= required:
        return []
    detail = "The amounts of the receipts add up to less than the amount that they must prove."
    return [Fault(pointer, "receipts_insufficient", detail)]


async def _get_receipt_rate(
    session: AsyncSession, disbursement: Disbursement, currency: str, paid_on: date | None
) -> Rate | None:
    """Return the rate for a receipt in another currency: the rate of the payment, otherwise the published rate."""
    if currency == disbursement.currency or paid_on is None:
        return None
    for tender in disbursement.tenders:
        if tender["rate"] is not None:
            return Rate(Decimal(str(tender["rate"])), paid_on, "payment")
    return await exchange_rates.get_exchange_rate_on(session, paid_on)
