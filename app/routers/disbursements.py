"""Endpoints of disbursements: requests for money for a child or family, and their approval and payment."""

from typing import Annotated
from uuid import UUID

from fastapi import Query
from starlette.responses import Response

from app.http.permissions import (
    DisbursementApprover,
    DisbursementCanceller,
    DisbursementPayer,
    DisbursementReader,
    DisbursementReconciler,
    DisbursementRequester,
    DisbursementReverser,
    FinanceDocumentReader,
)
from app.http.responses import build_attachment_response, describe_attachment
from app.http.route import Router
from app.http.session import ExpectedVersion, Reader, Session
from app.schemas.disbursement_lists import DisbursementFilters, DisbursementList
from app.schemas.disbursements import (
    Disbursement,
    DisbursementApproval,
    DisbursementCancellation,
    DisbursementCreate,
    DisbursementPayment,
    DisbursementReconciliation,
    DisbursementRejection,
    DisbursementReversal,
    FinanceDocumentsUpdate,
    PaymentDateCreate,
    PaymentRateCreate,
    UnreceiptedMoney,
)
from app.schemas.pending_changes import PaymentDateRequest, PaymentRateRequest
from app.services.fund import (
    approve,
    disbursement_responses,
    disbursements,
    finance_documents,
    pay,
    payment_dates,
    tenders,
)
from app.services.support.media_types import EXTENSIONS

router = Router(tags=["disbursements"])


@router.post("/disbursements", status_code=201)
async def create_disbursement(
    caller: DisbursementRequester,
    session: Session,
    payload: DisbursementCreate,
) -> Disbursement:
    """Create a disbursement request.

    A request is for one payment, or for one payment a month. The response is the first instalment. The caller must be
    staff of the case.
    """
    return await disbursements.create_disbursement(session, caller, payload)


@router.get("/disbursements")
async def list_disbursements(
    caller: DisbursementReader,
    reader: Reader,
    filters: Annotated[DisbursementFilters, Query()],
) -> DisbursementList:
    """List disbursements, newest first unless `sort` or `q` is given.

    Workers and supervisors receive the disbursements of their cases, programme managers the disbursements of all cases
    that are visible to them. Finance officers receive all disbursements, without the child and the details.
    `awaiting=me` returns the work list of an approver or a finance officer.
    """
    return await disbursement_responses.list_disbursements(reader, caller, filters)


@router.get("/disbursements/{disbursement_id}")
async def get_disbursement(
    _caller: DisbursementReader,
    reader: Reader,
    disbursement_id: UUID,
) -> Disbursement:
    """Get a disbursement.

    Fields with details of the child are null unless the caller can see the case.
    """
    return await disbursement_responses.get_disbursement(reader, disbursement_id)


@router.post("/disbursements/{disbursement_id}/approve")
async def approve_disbursement(
    caller: DisbursementApprover,
    session: Session,
    disbursement_id: UUID,
    expected_version: ExpectedVersion,
    payload: DisbursementApproval,
) -> Disbursement:
    """Approve a disbursement request and reserve the money.

    All instalments of the request are approved together. If an emergency was paid before its approval, no money is
    reserved, and `fund_id` must be the fund that paid. The caller cannot be the requester, and the amount must be
    within the limit of the caller's role.
    """
    return await approve.approve_disbursement(session, caller, disbursement_id, expected_version, payload)


@router.post("/disbursements/{disbursement_id}/reject")
async def reject_disbursement(
    caller: DisbursementApprover,
    session: Session,
    disbursement_id: UUID,
    expected_version: ExpectedVersion,
    payload: DisbursementRejection,
) -> Disbursement:
    """Reject a disbursement request.

    All instalments of the request are rejected together. The caller cannot be the requester.
    """
    return await approve.reject_disbursement(session, caller, disbursement_id, expected_version, payload)


@router.post("/disbursements/{disbursement_id}/pay")
async def pay_disbursement(
    caller: DisbursementPayer,
    session: Session,
    disbursement_id: UUID,
    expected_version: ExpectedVersion,
    payload: DisbursementPayment,
) -> Disbursement:
    """Record the payment of a disbursement.

    The status must be `approved`. An emergency can be paid before the approval, from the fund in `fund_id`, within the
    limit `pay_first` of one payment and the limit `pay_first_case_day` of all such payments for the child on that day. The
    caller can be neither the requester nor the approver.
    """
    return await pay.pay_disbursement(session, caller, disbursement_id, expected_version, payload)


@router.post("/disbursements/{disbursement_id}/request-rate")
async def request_disbursement_rate(
    caller: DisbursementPayer,
    session: Session,
    disbursement_id: UUID,
    expected_version: ExpectedVersion,
    payload: PaymentRateCreate,
) -> PaymentRateRequest:
    """Request a rate for the payment of a disbursement.

    Needed only for a rate that differs by more than 5 % from the published or the last confirmed rate. When a second person
    has confirmed the change (see `/v1/pending-changes`), a tender of the payment can have this rate. The published rates
    stay as they are.
    """
    return await tenders.request_disbursement_rate(
        session, caller, disbursement_id, expected_version, payload
    )


@router.post("/disbursements/{disbursement_id}/request-payment-date")
async def request_disbursement_payment_date(
    caller: DisbursementPayer,
    session: Session,
    disbursement_id: UUID,
    expected_version: ExpectedVersion,
    payload: PaymentDateCreate,
) -> PaymentDateRequest:
    """Request a day for the payment of a disbursement.

    Needed only for a day that is more than 7 days in the past. When a second person has confirmed the change (see
    `/v1/pending-changes`), the payment can have this day.
    """
    return await payment_dates.request_disbursement_payment_date(
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
    """Reconcile a payment with its receipts.

    The unspent money returns to the fund. An emergency payment can be reconciled only after it is approved.
    """
    return await pay.reconcile_disbursement(session, caller, disbursement_id, expected_version, payload)


@router.post("/disbursements/{disbursement_id}/reverse")
async def reverse_disbursement(
    caller: DisbursementReverser,
    session: Session,
    disbursement_id: UUID,
    expected_version: ExpectedVersion,
    payload: DisbursementReversal,
) -> Disbursement:
    """Reverse a payment.

    New ledger entries return the money to the fund. The caller cannot be the requester.
    """
    return await pay.reverse_disbursement(session, caller, disbursement_id, expected_version, payload)


@router.post("/disbursements/{disbursement_id}/cancel")
async def cancel_disbursement(
    caller: DisbursementCanceller,
    session: Session,
    disbursement_id: UUID,
    expected_version: ExpectedVersion,
    payload: DisbursementCancellation | None = None,
) -> Disbursement:
    """Cancel a disbursement before it is paid.

    Only this instalment is cancelled. Reserved money becomes available again.
    """
    return await approve.cancel_disbursement(
        session, caller, disbursement_id, expected_version, payload or DisbursementCancellation()
    )


@router.put("/disbursements/{disbursement_id}/finance-documents")
async def replace_disbursement_finance_documents(
    caller: DisbursementRequester,
    session: Session,
    disbursement_id: UUID,
    expected_version: ExpectedVersion,
    payload: FinanceDocumentsUpdate,
) -> Disbursement:
    """Select the documents of a disbursement that finance officers can read.

    The caller confirms that the receipts and quotations show no name and no diagnosis. Finance officers can read no other
    document. The list replaces an earlier one. The caller must be staff of the case.
    """
    return await finance_documents.replace_finance_documents(
        session, caller, disbursement_id, expected_version, payload
    )


@router.get(
    "/disbursements/{disbursement_id}/finance-documents/{document_id}/content",
    response_class=Response,
    responses=describe_attachment(*EXTENSIONS),
)
async def download_disbursement_finance_document(
    _caller: FinanceDocumentReader,
    reader: Reader,
    disbursement_id: UUID,
    document_id: UUID,
) -> Response:
    """Download a selected document of a disbursement as a finance officer.

    The response is an attachment with the detected media type. Its file name contains the number of the disbursement. The
    access log records the download.
    """
    return build_attachment_response(
        *await finance_documents.download_finance_document(reader, disbursement_id, document_id)
    )


@router.get("/unreceipted-money")
async def get_unreceipted_money(
    _caller: DisbursementReader,
    reader: Reader,
) -> UnreceiptedMoney:
    """Sum the payments without receipts.

    The payments that the caller can see and that are not reconciled are summed by requesting worker, age and currency.
    """
    return await disbursement_responses.get_unreceipted_payments(reader)
