"""Pay, reconcile and reverse a disbursement. Finance officers perform these acts without access to the case."""

from collections import Counter
from datetime import date, timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.access.caller import Caller
from app.access.reader import session_reader
from app.errors import Fault, InvalidInput, NotFound
from app.kit.dates import today
from app.kit.records import get_for_share, get_version_for_update
from app.kit.state_machine import check_status, raise_if_unmet
from app.models import Disbursement, Fund
from app.models.record import utc_now
from app.schemas.disbursements import Disbursement as DisbursementSchema
from app.schemas.disbursements import (
    DisbursementPayment,
    DisbursementReconciliation,
    DisbursementReversal,
)
from app.services.cases import history as case_history
from app.services.fund import ledger
from app.services.fund.checks import (
    check_approval_not_pending,
    check_approved_payment,
    check_emergency_payment,
    check_spent_amount,
)
from app.services.fund.disbursement_responses import get_disbursement
from app.services.fund.disbursements import disbursement_history_detail
from app.services.fund.funds import check_fund_open
from app.services.fund.payment_dates import check_payment_date, validate_payment_date
from app.services.fund.receipts import check_acknowledgement, check_receipts
from app.services.fund.states import PAY, PAY_FIRST, RECONCILE, REVERSE, check_separation_of_duties
from app.services.fund.tenders import ConvertedTenders, convert_tenders

APPROVAL_DEADLINE = timedelta(days=3)
"""Time within which an emergency payment must be approved."""


async def pay_disbursement(
    session: AsyncSession,
    caller: Caller,
    disbursement_id: UUID,
    expected_version: int,
    payload: DisbursementPayment,
) -> DisbursementSchema:
    """Record the payment of an approved request, or an emergency payment before the approval.

    Raises:
        GateRefused: with every unmet condition of `PAY` or `PAY_FIRST`.
        InvalidInput: the payment date is not between the request date and today, or a tender is invalid.
        NotFound: the fund of an emergency payment does not exist.
    """
    disbursement = await get_version_for_update(session, Disbursement, disbursement_id, expected_version)
    validate_payment_date(disbursement, payload.paid_on)
    converted = await convert_tenders(session, disbursement, payload)
    emergency_fund = await _get_emergency_fund(session, disbursement, payload)
    raise_if_unmet(
        [
            *(
                check_approved_payment(disbursement, payload)
                if emergency_fund is None
                else await check_emergency_payment(session, caller, disbursement, emergency_fund)
            ),
            *check_separation_of_duties(caller, disbursement, exclude_approver=True),
            *converted.unmet,
            *await check_acknowledgement(
                session,
                disbursement,
                payload.acknowledgement_document_id,
                disbursement.amount + min(converted.rounding, 0),
                payload.paid_on,
            ),
            *await check_payment_date(session, disbursement, payload.paid_on),
        ]
    )
    if emergency_fund is not None:
        _assign_emergency_fund(disbursement, emergency_fund, payload.paid_on)
    _store_payment(disbursement, caller, payload, converted)
    case_history.record_case_history_without_access(
        session, "disbursement_paid", caller, disbursement, disbursement_history_detail(disbursement)
    )
    # The new history entry locks the case (foreign key). Every act locks the case before the accounts, to avoid deadlocks.
    await session.flush()
    await _post_payment(
        session, caller, disbursement, payload.paid_on, is_emergency=emergency_fund is not None
    )
    return await get_disbursement(session_reader(session), disbursement_id)


async def _post_payment(
    session: AsyncSession, caller: Caller, disbursement: Disbursement, paid_on: date, *, is_emergency: bool
) -> None:
    """Post a payment. Approved money was reserved; an emergency and the rounding are paid from the available money."""
    kind, source = ("emergency_payment", "available") if is_emergency else ("payment", "reserved")
    amounts = Counter({source: -disbursement.amount, "advanced": disbursement.amount})
    amounts.update(_build_rounding(disbursement))
    await ledger.post_disbursement_transaction(session, caller, disbursement, kind, paid_on, amounts)


def _build_rounding(disbursement: Disbursement) -> dict[str, int]:
    """Return the amounts that post the rounding difference of a payment in cash to a separate account."""
    rounding = disbursement.rounding or 0
    return {"available": -rounding, "rounding": rounding}


async def _get_emergency_fund(
    session: AsyncSession, disbursement: Disbursement, payload: DisbursementPayment
) -> Fund | None:
    """Return the fund that pays an emergency before its approval, or None if the payment requires an approval first."""
    if (
        disbursement.urgency != "emergency"
        or disbursement.status not in PAY_FIRST.sources
        or payload.fund_id is None
    ):
        return None
    return await get_for_share(session, Fund, payload.fund_id)


def _assign_emergency_fund(disbursement: Disbursement, fund: Fund, paid_on: date) -> None:
    disbursement.fund_id = fund.id
    disbursement.line = ledger.get_line_for_category(fund, disbursement.category)
    disbursement.approval_due_on = paid_on + APPROVAL_DEADLINE


def _store_payment(
    disbursement: Disbursement, caller: Caller, payload: DisbursementPayment, converted: ConvertedTenders
) -> None:
    now = utc_now()
    disbursement.status, disbursement.updated_at = PAY.target, now
    disbursement.paid_by_id, disbursement.paid_at, disbursement.paid_on = caller.id, now, payload.paid_on
    disbursement.method, disbursement.payee = payload.method, payload.payee
    disbursement.tenders = [dict(tender) for tender in converted.tenders]
    disbursement.rounding = converted.rounding
    disbursement.acknowledgement_document_id = payload.acknowledgement_document_id


async def reconcile_disbursement(
    session: AsyncSession,
    caller: Caller,
    disbursement_id: UUID,
    expected_version: int,
    payload: DisbursementReconciliation,
) -> DisbursementSchema:
    """Record the spent amount of a payment with its receipts. The unspent money returns to the fund.

    Raises:
        GateRefused: with every unmet condition of `RECONCILE`.
        InvalidInput: the spent amount is in another currency than the request.
    """
    disbursement = await get_version_for_update(session, Disbursement, disbursement_id, expected_version)
    if payload.spent.currency != disbursement.currency:
        detail = f"The amount must be in {disbursement.currency}."
        raise InvalidInput([Fault("/spent/currency", "currency_other", detail)])
    spent, receipt_ids = payload.spent.minor_units, set(payload.receipt_document_ids)
    raise_if_unmet(
        [
            *check_status(RECONCILE, disbursement.status),
            *check_approval_not_pending(disbursement),
            *check_separation_of_duties(caller, disbursement),
            *check_spent_amount(disbursement, spent),
            *await check_receipts(session, disbursement, receipt_ids, spent),
            *await ledger.check_books_open(session, today()),
        ]
    )
    now = utc_now()
    disbursement.status, disbursement.spent, disbursement.updated_at = RECONCILE.target, spent, now
    disbursement.reconciled_by_id, disbursement.reconciled_at = caller.id, now
    disbursement.receipt_document_ids = sorted(receipt_ids)
    history_detail = disbursement_history_detail(disbursement) | {"spent": payload.spent.amount}
    case_history.record_case_history_without_access(
        session, "disbursement_reconciled", caller, disbursement, history_detail
    )
    # The new history entry locks the case (foreign key). Every act locks the case before the accounts, to avoid deadlocks.
    await session.flush()
    amounts = {"advanced": -disbursement.amount, "spent": spent, "available": disbursement.amount - spent}
    await ledger.post_disbursement_transaction(
        session, caller, disbursement, "reconciliation", today(), amounts
    )
    return await get_disbursement(session_reader(session), disbursement_id)


async def reverse_disbursement(
    session: AsyncSession,
    caller: Caller,
    disbursement_id: UUID,
    expected_version: int,
    payload: DisbursementReversal,
) -> DisbursementSchema:
    """Reverse a payment with new ledger entries. The existing entries remain.

    Raises:
        GateRefused: with every unmet condition of `REVERSE`; or the fund is closed, or the books of today are closed.
    """
    disbursement = await get_version_for_update(session, Disbursement, disbursement_id, expected_version)
    raise_if_unmet(
        [*check_status(REVERSE, disbursement.status), *check_separation_of_duties(caller, disbursement)]
    )
    if disbursement.fund_id is None:
        raise NotFound
    fund = await get_for_share(session, Fund, disbursement.fund_id)
    raise_if_unmet([*check_fund_open(fund), *await ledger.check_books_open(session, today())])
    if disbursement.status == "reconciled":
        returned_from, amount = "spent", disbursement.spent or 0
    else:
        returned_from, amount = "advanced", disbursement.amount
    now = utc_now()
    disbursement.status, disbursement.updated_at = REVERSE.target, now
    disbursement.ended_by_id, disbursement.ended_at = caller.id, now
    disbursement.reversal_reason = payload.reason
    case_history.record_case_history_without_access(
        session, "disbursement_reversed", caller, disbursement, disbursement_history_detail(disbursement)
    )
    # The new history entry locks the case (foreign key). Every act locks the case before the accounts, to avoid deadlocks.
    await session.flush()
    amounts = Counter({returned_from: -amount, "available": amount})
    amounts.subtract(_build_rounding(disbursement))
    await ledger.post_disbursement_transaction(session, caller, disbursement, "reversal", today(), amounts)
    return await get_disbursement(session_reader(session), disbursement_id)
