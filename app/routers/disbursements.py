"""Disbursements: money for a child or family, asked for, approved and paid by three people."""

from typing import Annotated
from uuid import UUID

from fastapi import Query

from app.http.permissions import (
    DisbursementApprover,
    DisbursementCanceller,
    DisbursementPayer,
    DisbursementReader,
    DisbursementReconciler,
    DisbursementRequester,
    DisbursementReverser,
)
from app.http.route import Router
from app.http.session import ExpectedVersion, Session
from app.schemas.disbursements import (
    Disbursement,
    DisbursementApproval,
    DisbursementCancellation,
    DisbursementCreate,
    DisbursementFilters,
    DisbursementPayment,
    DisbursementReconciliation,
    DisbursementRejection,
    DisbursementReversal,
    UnreceiptedMoney,
)
from app.schemas.wire import Page
from app.services.fund import approve as disbursements_decide
from app.services.fund import disbursements, unreceipted
from app.services.fund import pay as disbursements_pay

router = Router(tags=["disbursements"])


@router.post("/disbursements", status_code=201)
async def create_disbursement(
    caller: DisbursementRequester,
    session: Session,
    payload: DisbursementCreate,
) -> Disbursement:
    """Ask for money for a child or family: once, or every month for some months."""
    return await disbursements.create_disbursement(session, caller, payload)


@router.get("/disbursements")
async def list_disbursements(
    caller: DisbursementReader,
    session: Session,
    filters: Annotated[DisbursementFilters, Query()],
) -> Page[Disbursement]:
    """List the disbursements you see, newest first."""
    return await disbursements.list_disbursements(session, caller, filters)


@router.get("/disbursements/{disbursement_id}")
async def get_disbursement(
    _caller: DisbursementReader,
    session: Session,
    disbursement_id: UUID,
) -> Disbursement:
    """Read one disbursement; whoever does not see the case reads no word of the child."""
    return await disbursements.get_disbursement(session, disbursement_id)


@router.post("/disbursements/{disbursement_id}/approve")
async def approve_disbursement(
    caller: DisbursementApprover,
    session: Session,
    disbursement_id: UUID,
    expected_version: ExpectedVersion,
    payload: DisbursementApproval,
) -> Disbursement:
    """Approve a request: the money is reserved. Or what an emergency had paid first."""
    return await disbursements_decide.approve_disbursement(
        session, caller, disbursement_id, expected_version, payload
    )


@router.post("/disbursements/{disbursement_id}/reject")
async def reject_disbursement(
    caller: DisbursementApprover,
    session: Session,
    disbursement_id: UUID,
    expected_version: ExpectedVersion,
    payload: DisbursementRejection,
) -> Disbursement:
    """Reject a request, with the reason."""
    return await disbursements_decide.reject_disbursement(
        session, caller, disbursement_id, expected_version, payload
    )


@router.post("/disbursements/{disbursement_id}/pay")
async def pay_disbursement(
    caller: DisbursementPayer,
    session: Session,
    disbursement_id: UUID,
    expected_version: ExpectedVersion,
    payload: DisbursementPayment,
) -> Disbursement:
    """Record a payment of what was approved; in an emergency, of a small amount first."""
    return await disbursements_pay.pay_disbursement(
        session, caller, disbursement_id, expected_version, payload
    )


@router.post("/disbursements/{disbursement_id}/reconcile")
async def reconcile_disbursement(
    caller: DisbursementReconciler,
    session: Session,
    disbursement_id: UUID,
    expected_version: ExpectedVersion,
    payload: DisbursementReconciliation,
) -> Disbursement:
    """Account for a payment by receipts; the rest returns to the fund."""
    return await disbursements_pay.reconcile_disbursement(
        session, caller, disbursement_id, expected_version, payload
    )


@router.post("/disbursements/{disbursement_id}/reverse")
async def reverse_disbursement(
    caller: DisbursementReverser,
    session: Session,
    disbursement_id: UUID,
    expected_version: ExpectedVersion,
    payload: DisbursementReversal,
) -> Disbursement:
    """Reverse a payment, with the reason: the money is back."""
    return await disbursements_pay.reverse_disbursement(
        session, caller, disbursement_id, expected_version, payload
    )


@router.post("/disbursements/{disbursement_id}/cancel")
async def cancel_disbursement(
    caller: DisbursementCanceller,
    session: Session,
    disbursement_id: UUID,
    expected_version: ExpectedVersion,
    payload: DisbursementCancellation | None = None,
) -> Disbursement:
    """Cancel a request before it is paid: what was reserved is available again."""
    return await disbursements_decide.cancel_disbursement(
        session, caller, disbursement_id, expected_version, payload or DisbursementCancellation()
    )


@router.get("/unreceipted-money")
async def get_unreceipted_money(
    _caller: DisbursementReader,
    session: Session,
) -> UnreceiptedMoney:
    """Read what was paid and nobody accounted for yet, by age and worker."""
    return await unreceipted.get_unreceipted_payments(session)
