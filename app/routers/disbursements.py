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
    DisbursementApproval,
    DisbursementCancellation,
    DisbursementFilters,
    DisbursementIn,
    DisbursementOut,
    DisbursementRejection,
    DisbursementReversal,
    Payment,
    Reconciliation,
    Unreceipted,
)
from app.schemas.wire import Page
from app.services.fund import approve as disbursements_decide
from app.services.fund import disbursements, unreceipted
from app.services.fund import pay as disbursements_pay

router = Router(tags=["disbursements"])


@router.post("/disbursements", status_code=201)
async def request(
    caller: DisbursementRequester,
    session: Session,
    payload: DisbursementIn,
) -> DisbursementOut:
    """Ask for money for a child or family: once, or every month for some months."""
    return await disbursements.create_disbursement(session, caller, payload)


@router.get("/disbursements")
async def listed(
    caller: DisbursementReader,
    session: Session,
    filters: Annotated[DisbursementFilters, Query()],
) -> Page[DisbursementOut]:
    """List the disbursements you see, newest first."""
    return await disbursements.list_disbursements(session, caller, filters)


@router.get("/disbursements/{disbursement_id}")
async def read(
    _caller: DisbursementReader,
    session: Session,
    disbursement_id: UUID,
) -> DisbursementOut:
    """Read one disbursement; whoever does not see the case reads no word of the child."""
    return await disbursements.get_disbursement(session, disbursement_id)


@router.post("/disbursements/{disbursement_id}/approve")
async def approve(
    caller: DisbursementApprover,
    session: Session,
    disbursement_id: UUID,
    expected_version: ExpectedVersion,
    payload: DisbursementApproval,
) -> DisbursementOut:
    """Approve a request: the money is reserved. Or what an emergency had paid first."""
    return await disbursements_decide.approve_disbursement(
        session, caller, disbursement_id, expected_version, payload
    )


@router.post("/disbursements/{disbursement_id}/reject")
async def reject(
    caller: DisbursementApprover,
    session: Session,
    disbursement_id: UUID,
    expected_version: ExpectedVersion,
    payload: DisbursementRejection,
) -> DisbursementOut:
    """Reject a request, with the reason."""
    return await disbursements_decide.reject_disbursement(
        session, caller, disbursement_id, expected_version, payload
    )


@router.post("/disbursements/{disbursement_id}/pay")
async def pay(
    caller: DisbursementPayer,
    session: Session,
    disbursement_id: UUID,
    expected_version: ExpectedVersion,
    payload: Payment,
) -> DisbursementOut:
    """Record a payment of what was approved; in an emergency, of a small amount first."""
    return await disbursements_pay.pay_disbursement(
        session, caller, disbursement_id, expected_version, payload
    )


@router.post("/disbursements/{disbursement_id}/reconcile")
async def reconcile(
    caller: DisbursementReconciler,
    session: Session,
    disbursement_id: UUID,
    expected_version: ExpectedVersion,
    payload: Reconciliation,
) -> DisbursementOut:
    """Account for a payment by receipts; the rest returns to the fund."""
    return await disbursements_pay.reconcile_disbursement(
        session, caller, disbursement_id, expected_version, payload
    )


@router.post("/disbursements/{disbursement_id}/reverse")
async def reverse(
    caller: DisbursementReverser,
    session: Session,
    disbursement_id: UUID,
    expected_version: ExpectedVersion,
    payload: DisbursementReversal,
) -> DisbursementOut:
    """Reverse a payment, with the reason: the money is back."""
    return await disbursements_pay.reverse_disbursement(
        session, caller, disbursement_id, expected_version, payload
    )


@router.post("/disbursements/{disbursement_id}/cancel")
async def cancel(
    caller: DisbursementCanceller,
    session: Session,
    disbursement_id: UUID,
    expected_version: ExpectedVersion,
    payload: DisbursementCancellation | None = None,
) -> DisbursementOut:
    """Cancel a request before it is paid: what was reserved is available again."""
    return await disbursements_decide.cancel_disbursement(
        session, caller, disbursement_id, expected_version, payload or DisbursementCancellation()
    )


@router.get("/unreceipted-money")
async def unreceipted_money(
    _caller: DisbursementReader,
    session: Session,
) -> Unreceipted:
    """Read what was paid and nobody accounted for yet, by age and worker."""
    return await unreceipted.get_unreceipted_payments(session)
