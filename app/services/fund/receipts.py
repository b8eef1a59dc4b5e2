"""Conditions on the receipts and acknowledgements of a payment. A receipt proves one payment up to its amount."""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Uuid, column, func, literal, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.errors import Fault
from app.models import Disbursement
from app.services.fund import exchange_rates
from app.services.fund.exchange_rates import Rate

PROOF_UNKNOWN_DETAIL = "The case has no receipt or acknowledgement with this id."
RECEIPT_USED_DETAIL = (
    "The document, the original of the copy, or a document with the same file already proves another payment."
)


async def check_acknowledgement(
    session: AsyncSession, disbursement: Disbursement, document_id: UUID | None
) -> list[Fault]:
    """Return a fault unless the document is a receipt or acknowledgement of the case that proves no other payment."""
    if document_id is None:
        return []
    pointer = "/acknowledgement_document_id"
    if not await _list_payment_proofs(session, disbursement, {document_id}):
        return [Fault(pointer, "proof_unknown", PROOF_UNKNOWN_DETAIL)]
    return await _check_unused(session, disbursement, {document_id}, pointer)


async def check_receipts(
    session: AsyncSession, disbursement: Disbursement, document_ids: AbstractSet[UUID], spent: int
) -> list[Fault]:
    """Return the unmet conditions on the receipts of a reconciliation.

    Receipts are required for a spent amount. Each is a receipt or acknowledgement of the case that proves no other payment.
    If all of them have an amount, the amounts cover the spent amount.
    """
    pointer = "/receipt_document_ids"
    if spent and not document_ids:
        return [Fault(pointer, "receipt_missing", "Receipts are required for a spent amount.")]
    proofs = await _list_payment_proofs(session, disbursement, document_ids)
    if len(proofs) != len(document_ids):
        return [Fault(pointer, "proof_unknown", PROOF_UNKNOWN_DETAIL)]
    return [
        *await _check_unused(session, disbursement, document_ids, pointer),
        *await _check_amounts(session, disbursement, proofs, spent),
    ]


async def _list_payment_proofs(
    session: AsyncSession, disbursement: Disbursement, document_ids: AbstractSet[UUID]
) -> Sequence[Any]:
    """Return the documents that are proofs of payment of the case, with their amounts.

    A database function lists them, because finance officers cannot see the documents.
    """
    proofs = func.access.list_payment_proofs(disbursement.case_id, _to_array(document_ids)).table_valued(
        column("id", Uuid), column("original_digest"), column("amount"), column("currency"), name="proof"
    )
    return (await session.execute(select(*proofs.c))).all()


async def _check_unused(
    session: AsyncSession, disbursement: Disbursement, document_ids: AbstractSet[UUID], pointer: str
) -> list[Fault]:
    """Return a fault if a document already proves another payment. Concurrent payments with the same file wait."""
    is_used = func.access.is_receipt_used(disbursement.case_id, disbursement.id, _to_array(document_ids))
    if not await session.scalar(select(is_used)):
        return []
    return [Fault(pointer, "receipt_used", RECEIPT_USED_DETAIL)]


def _to_array(document_ids: AbstractSet[UUID]) -> Any:
    return literal(list(document_ids), ARRAY(Uuid))


async def _check_amounts(
    session: AsyncSession, disbursement: Disbursement, proofs: Sequence[Any], spent: int
) -> list[Fault]:
    """Return a fault if the receipts have amounts that do not cover the spent amount.

    A copy counts as its original, and a file that was added twice counts once.
    """
    amounts = {proof.original_digest: (proof.amount, proof.currency) for proof in proofs}
    if any(amount is None for amount, _ in amounts.values()):
        return []
    total = Decimal(0)
    for amount, currency in amounts.values():
        rate = await _get_receipt_rate(session, disbursement, currency)
        if rate is None and currency != disbursement.currency:
            detail = "No rate is published for the day of the payment or an earlier day. Record a rate first."
            return [Fault("/receipt_document_ids", "rate_missing", detail)]
        total += amount if rate is None else rate.convert(amount, currency)
    if total >= spent:
        return []
    detail = "The amounts of the receipts add up to less than the spent amount."
    return [Fault("/receipt_document_ids", "receipts_insufficient", detail)]


async def _get_receipt_rate(session: AsyncSession, disbursement: Disbursement, currency: str) -> Rate | None:
    """Return the rate for a receipt in another currency than the request: that of the payment, else the published one."""
    if currency == disbursement.currency or disbursement.paid_on is None:
        return None
    for tender in disbursement.tenders:
        if tender["rate"] is not None:
            return Rate(Decimal(str(tender["rate"])), disbursement.paid_on, "payment")
    return await exchange_rates.get_exchange_rate_on(session, disbursement.paid_on)
