"""Approve, reject and cancel disbursement requests. A recurring request is decided once for all its instalments."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.caller import Caller
from app.access.reader import session_reader
from app.errors import Fault
from app.kit.dates import today
from app.kit.records import get_case_for_share, get_for_share, get_record, get_version_for_update
from app.kit.state_machine import Transition, check_status, raise_if_unmet
from app.models import Case, Disbursement, DisbursementDetails, Fund
from app.models.record import utc_now
from app.schemas.disbursements import Disbursement as DisbursementSchema
from app.schemas.disbursements import (
    DisbursementApproval,
    DisbursementCancellation,
    DisbursementRejection,
)
from app.services.cases import history as case_history
from app.services.cases.staffing_checks import check_supervises_case
from app.services.cases.write_access import check_works_on_case
from app.services.fund import approval_limits, ledger
from app.services.fund.checks import check_child_eligible, check_fund_terms
from app.services.fund.disbursement_responses import get_disbursement
from app.services.fund.disbursements import disbursement_history_detail
from app.services.fund.states import (
    APPROVE,
    APPROVE_AFTER_PAYMENT,
    CANCEL,
    REJECT,
    check_separation_of_duties,
)


async def approve_disbursement(
    session: AsyncSession,
    caller: Caller,
    disbursement_id: UUID,
    expected_version: int,
    payload: DisbursementApproval,
) -> DisbursementSchema:
    """Approve all instalments of a request and reserve the money.

    If an emergency was paid already, approve the payment.

    Raises:
        GateRefused: with every unmet condition of `APPROVE` or `APPROVE_AFTER_PAYMENT`.
    """
    case = await get_case_for_share(session, Disbursement, disbursement_id)
    instalments = await _get_instalments_for_update(session, disbursement_id)
    disbursement = await get_version_for_update(session, Disbursement, disbursement_id, expected_version)
    fund = await get_for_share(session, Fund, payload.fund_id)
    if disbursement.status == "paid":
        return await _approve_after_payment(session, caller, case, disbursement, fund)
    requested = [instalment for instalment in instalments if instalment.status in APPROVE.sources] or [
        disbursement
    ]
    total = sum(instalment.amount for instalment in requested)
    line = ledger.get_line_for_category(fund, disbursement.category)
    raise_if_unmet(
        [
            *check_status(APPROVE, disbursement.status),
            *check_separation_of_duties(caller, disbursement),
            *check_supervises_case(caller, case),
            *await _check_limits(session, caller, disbursement, total),
            *check_fund_terms(fund, disbursement, max(instalment.release_on for instalment in requested)),
            *await check_child_eligible(session, fund, case),
            *await ledger.check_books_open(session, today()),
            *await ledger.check_available_balance(session, fund, line, total),
        ]
    )
    for instalment in requested:
        _increment_version(instalment, disbursement)
        instalment.status, instalment.fund_id, instalment.line = APPROVE.target, fund.id, line
        _set_approval(instalment, caller)
    _record_approval(session, case, caller, disbursement)
    # Every act writes the disbursement before the ledger locks the accounts. The same order prevents deadlocks.
    await session.flush()
    await _reserve_money(session, caller, requested)
    return await get_disbursement(session_reader(session), disbursement.id)


async def _check_limits(
    session: AsyncSession, caller: Caller, disbursement: Disbursement, amount: int
) -> list[Fault]:
    """Return a fault for each limit of the caller that an approval exceeds: for the request, and for the case."""
    return [
        *await approval_limits.check_approval_limit(
            session, caller, "approve", amount, disbursement.currency
        ),
        *await approval_limits.check_case_limit(session, disbursement, "approve_case_month", amount),
    ]


async def _approve_after_payment(
    session: AsyncSession, caller: Caller, case: Case, disbursement: Disbursement, fund: Fund
) -> DisbursementSchema:
    status = "approved" if disbursement.approved_by_id else disbursement.status
    raise_if_unmet(
        [
            *check_status(APPROVE_AFTER_PAYMENT, status),
            *check_separation_of_duties(caller, disbursement, exclude_payer=True),
            *check_supervises_case(caller, case),
            *await _check_limits(session, caller, disbursement, disbursement.amount),
            *_check_paying_fund(disbursement, fund),
            *await check_child_eligible(session, fund, case),
        ]
    )
    _set_approval(disbursement, caller)
    _record_approval(session, case, caller, disbursement)
    await session.flush()  # report a database error before the response is built
    return await get_disbursement(session_reader(session), disbursement.id)


def _increment_version(instalment: Disbursement, disbursement: Disbursement) -> None:
    """Increment the version of an instalment, unless `get_version_for_update` has incremented it already."""
    if instalment is not disbursement:
        instalment.version += 1


def _record_approval(session: AsyncSession, case: Case, caller: Caller, disbursement: Disbursement) -> None:
    detail = disbursement_history_detail(disbursement)
    case_history.record_case_history(session, case, "disbursement_approved", caller, disbursement, detail)


def _check_paying_fund(disbursement: Disbursement, fund: Fund) -> list[Fault]:
    if disbursement.fund_id == fund.id:
        return []
    return [Fault("/fund_id", "fund_other", "The emergency was paid from another fund.")]


def _set_approval(disbursement: Disbursement, caller: Caller) -> None:
    now = utc_now()
    disbursement.approved_by_id, disbursement.approved_at, disbursement.updated_at = caller.id, now, now


async def _get_instalments_for_update(session: AsyncSession, disbursement_id: UUID) -> Sequence[Disbursement]:
    """Lock and return all instalments of a request.

    The rows are locked in the order of their numbers, so that concurrent decisions do not deadlock.
    """
    series_id = (
        select(col(Disbursement.series_id)).where(col(Disbursement.id) == disbursement_id).scalar_subquery()
    )
    query = select(Disbursement).where(
        (col(Disbursement.id) == disbursement_id) | (col(Disbursement.series_id) == series_id)
    )
    query = query.order_by(col(Disbursement.instalment)).with_for_update()
    return (await session.scalars(query.execution_options(populate_existing=True))).all()


async def reject_disbursement(
    session: AsyncSession,
    caller: Caller,
    disbursement_id: UUID,
    expected_version: int,
    payload: DisbursementRejection,
) -> DisbursementSchema:
    """Reject all instalments of a request.

    Raises:
        GateRefused: the request is decided already, the caller created it, or the caller is neither a supervisor of the
            case's team nor a programme manager.
    """
    case = await get_case_for_share(session, Disbursement, disbursement_id)
    instalments = await _get_instalments_for_update(session, disbursement_id)
    disbursement = await get_version_for_update(session, Disbursement, disbursement_id, expected_version)
    raise_if_unmet(
        [
            *check_status(REJECT, disbursement.status),
            *check_separation_of_duties(caller, disbursement),
            *check_supervises_case(caller, case),
        ]
    )
    requested = [instalment for instalment in instalments if instalment.status in REJECT.sources]
    return await _end_instalments(session, caller, case, disbursement, requested, REJECT, payload.reason)


async def cancel_disbursement(
    session: AsyncSession,
    caller: Caller,
    disbursement_id: UUID,
    expected_version: int,
    payload: DisbursementCancellation,
) -> DisbursementSchema:
    """Cancel a request, or one instalment of it, before it is paid. Reserved money becomes available again.

    Raises:
        GateRefused: the request is paid or ended, the caller is not staff of the case, or the books of today are
            closed.
    """
    case = await get_case_for_share(session, Disbursement, disbursement_id)
    disbursement = await get_version_for_update(session, Disbursement, disbursement_id, expected_version)
    raise_if_unmet([*check_status(CANCEL, disbursement.status), *await check_works_on_case(session, case)])
    if disbursement.status == "approved":
        raise_if_unmet(await ledger.check_books_open(session, today()))
    return await _end_instalments(session, caller, case, disbursement, [disbursement], CANCEL, payload.reason)


async def _end_instalments(
    session: AsyncSession,
    caller: Caller,
    case: Case,
    disbursement: Disbursement,
    ended: Sequence[Disbursement],
    step: Transition,
    reason: str | None,
) -> DisbursementSchema:
    """Reject or cancel instalments, store the reason and release the money reserved for them."""
    reserved = [instalment for instalment in ended if instalment.status == "approved"]
    now = utc_now()
    for instalment in ended:
        _increment_version(instalment, disbursement)
        instalment.status, instalment.updated_at = step.target, now
        instalment.ended_by_id, instalment.ended_at = caller.id, now
    details = await get_record(session, DisbursementDetails, disbursement.id)
    details.reason, details.version = reason, details.version + 1
    case_history.record_case_history(
        session,
        case,
        f"disbursement_{step.target}",
        caller,
        disbursement,
        disbursement_history_detail(disbursement),
    )
    # Every act writes the disbursement before the ledger locks the accounts. The same order prevents deadlocks.
    await session.flush()
    await release_reserved_money(session, caller, reserved)
    return await get_disbursement(session_reader(session), disbursement.id)


async def _reserve_money(session: AsyncSession, caller: Caller, approved: Sequence[Disbursement]) -> None:
    await ledger.post_transactions(
        session,
        caller,
        [
            ledger.build_disbursement_transaction(
                instalment,
                "approval",
                today(),
                {"available": -instalment.amount, "reserved": instalment.amount},
            )
            for instalment in approved
        ],
    )


async def release_reserved_money(
    session: AsyncSession, caller: Caller, ended: Sequence[Disbursement]
) -> None:
    """Make the money that was reserved for approved disbursements available again."""
    await ledger.post_transactions(
        session,
        caller,
        [
            ledger.build_disbursement_transaction(
                instalment,
                "release",
                today(),
                {"reserved": -instalment.amount, "available": instalment.amount},
            )
            for instalment in ended
        ],
    )
