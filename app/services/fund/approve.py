"""Deciding on requests for money: approving, rejecting, cancelling; a recurring request is decided once, for all months."""

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.caller import Caller
from app.access.vault import decrypt, encrypt
from app.errors import Fault
from app.kit.dates import BirthRange, today
from app.kit.records import get_case_for_share, get_for_share, get_record, get_version_for_update
from app.kit.state_machine import Transition, check_status, raise_if_unmet
from app.models import Case, Child, Disbursement, DisbursementDetails, Fund
from app.models.record import utc_now
from app.schemas.disbursements import (
    Disbursement as DisbursementSchema,
)
from app.schemas.disbursements import (
    DisbursementApproval,
    DisbursementCancellation,
    DisbursementRejection,
)
from app.services.cases import history as case_history
from app.services.cases.staffing_checks import check_leads_case
from app.services.cases.write_access import check_works_on_case
from app.services.fund import approval_limits, ledger
from app.services.fund.disbursements import disbursement_history_detail, disbursement_to_schema
from app.services.fund.funds import check_fund_open
from app.services.fund.ledger import NewLedgerTransaction, build_transfer_postings
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
    approval: DisbursementApproval,
) -> DisbursementSchema:
    """Approve a request, all months of it: the money is reserved. Or approve what an emergency had paid first.

    Raises:
        GateRefused: with every unmet condition; see `APPROVE` and `CONFIRM`.
    """
    case = await get_case_for_share(session, Disbursement, disbursement_id)
    months = await _lock_instalments(session, disbursement_id)
    asked = await get_version_for_update(session, Disbursement, disbursement_id, expected_version)
    fund = await get_for_share(session, Fund, approval.fund_id)
    if asked.status == "paid":
        return await _approve_after_payment(session, caller, case, asked, fund)
    due = [month for month in months if month.status in APPROVE.sources] or [asked]
    total = sum(month.amount for month in due)
    line = ledger.get_line_for_category(fund, asked.category)
    raise_if_unmet(
        [
            *check_status(APPROVE, asked.status),
            *check_separation_of_duties(caller, asked),
            *check_leads_case(caller, case),
            *await approval_limits.check_approval_limit(session, caller, "approve", total, asked.currency),
            *check_fund_terms(fund, asked, max(month.release_on for month in due)),
            *await _check_child_eligible(session, fund, case),
            *await ledger.check_books_open(session, today()),
            *await ledger.check_available_balance(session, fund, line, total),
        ]
    )
    for month in due:
        month.version += month is not asked
        month.status, month.fund_id, month.line = APPROVE.target, fund.id, line
        month.approved_by_id, month.approved_at, month.updated_at = caller.id, utc_now(), utc_now()
    case_history.record_case_history(
        session, case, "disbursement_approved", caller, asked, disbursement_history_detail(asked)
    )
    await session.flush()  # the ledger names them; and the case is waited for before any account is
    reserving = [
        (
            NewLedgerTransaction("approval", today(), fund.id, month.id),
            build_transfer_postings(fund.id, line, "available", "reserved", month.amount),
        )
        for month in due
    ]
    await ledger.post_transactions(session, caller, reserving)
    return disbursement_to_schema(asked, await _get_words(session, asked))


async def _approve_after_payment(
    session: AsyncSession, caller: Caller, case: Case, asked: Disbursement, fund: Fund
) -> DisbursementSchema:
    raise_if_unmet(
        [
            *check_status(APPROVE_AFTER_PAYMENT, "approved" if asked.approved_by_id else asked.status),
            *check_separation_of_duties(caller, asked, exclude_payer=True),
            *check_leads_case(caller, case),
            *await approval_limits.check_approval_limit(
                session, caller, "approve", asked.amount, asked.currency
            ),
            *_check_same_fund(asked, fund),
            *await _check_child_eligible(session, fund, case),
        ]
    )
    asked.approved_by_id, asked.approved_at, asked.updated_at = caller.id, utc_now(), utc_now()
    case_history.record_case_history(
        session, case, "disbursement_approved", caller, asked, disbursement_history_detail(asked)
    )
    await session.flush()  # the answer shows what was stored
    return disbursement_to_schema(asked, await _get_words(session, asked))


def _check_same_fund(asked: Disbursement, fund: Fund) -> list[Fault]:
    if asked.fund_id == fund.id:
        return []
    return [Fault("/fund_id", "fund_other", "It was paid from another fund.")]


async def _lock_instalments(session: AsyncSession, disbursement_id: UUID) -> Sequence[Disbursement]:
    """Return every month of a request, locked, the first one first: two deciders never wait in a circle."""
    series = (
        select(col(Disbursement.series_id)).where(col(Disbursement.id) == disbursement_id).scalar_subquery()
    )
    query = select(Disbursement).where(
        (col(Disbursement.id) == disbursement_id) | (col(Disbursement.series_id) == series)
    )
    query = query.order_by(col(Disbursement.instalment)).with_for_update()
    return (await session.scalars(query.execution_options(populate_existing=True))).all()


def check_fund_terms(fund: Fund, asked: Disbursement, until: date) -> list[Fault]:
    """Return what a fund's own terms have against paying a request up to a day: open, currency, category, period."""
    unmet = check_fund_open(fund)
    if fund.currency != asked.currency:
        unmet.append(Fault("/fund_id", "currency_other", f"The fund's money is in {fund.currency}."))
    if asked.category not in fund.categories:
        unmet.append(Fault("/fund_id", "category_not_funded", "The fund does not pay for this category."))
    if today() < fund.starts_on or (fund.ends_on is not None and max(today(), until) > fund.ends_on):
        detail = "Today, or a month that is asked for, lies outside the fund's period."
        unmet.append(Fault("/fund_id", "outside_period", detail))
    return unmet


async def _check_child_eligible(session: AsyncSession, fund: Fund, case: Case) -> list[Fault]:
    """Return the donor's restrictions that a child does not fit: an estimated age fits if it may."""
    unmet = []
    if fund.province_codes and case.province_code not in fund.province_codes:
        unmet.append(Fault("/fund_id", "province_not_funded", "The fund is for other provinces."))
    if fund.youngest is not None or fund.oldest is not None:
        birth = decrypt(await get_record(session, Child, case.child_id))["birth"]
        least, most = BirthRange.from_details(birth).age_range_on(today())
        if most < (fund.youngest or 0) or least > (fund.oldest if fund.oldest is not None else least):
            unmet.append(Fault("/fund_id", "age_not_funded", "The fund is for another age."))
    return unmet


async def reject_disbursement(
    session: AsyncSession,
    caller: Caller,
    disbursement_id: UUID,
    expected_version: int,
    payload: DisbursementRejection,
) -> DisbursementSchema:
    """Reject a request, all months of it, with the reason.

    Raises:
        GateRefused: it is decided; the actor asked for it, or does not lead the case's team.
    """
    case = await get_case_for_share(session, Disbursement, disbursement_id)
    months = await _lock_instalments(session, disbursement_id)
    asked = await get_version_for_update(session, Disbursement, disbursement_id, expected_version)
    raise_if_unmet(
        [
            *check_status(REJECT, asked.status),
            *check_separation_of_duties(caller, asked),
            *check_leads_case(caller, case),
        ]
    )
    ended = [month for month in months if month.status in REJECT.sources]
    return await _end_instalments(session, caller, case, asked, ended, REJECT, payload.reason)


async def cancel_disbursement(
    session: AsyncSession,
    caller: Caller,
    disbursement_id: UUID,
    expected_version: int,
    payload: DisbursementCancellation,
) -> DisbursementSchema:
    """Cancel a request, or one month of it, before it is paid: what was reserved is available again.

    Raises:
        GateRefused: it is paid, or over; the actor does not work on the case; the books of today are closed.
    """
    case = await get_case_for_share(session, Disbursement, disbursement_id)
    asked = await get_version_for_update(session, Disbursement, disbursement_id, expected_version)
    raise_if_unmet([*check_status(CANCEL, asked.status), *await check_works_on_case(session, case)])
    if asked.status == "approved":
        raise_if_unmet(await ledger.check_books_open(session, today()))
    return await _end_instalments(session, caller, case, asked, [asked], CANCEL, payload.reason)


async def _end_instalments(
    session: AsyncSession,
    caller: Caller,
    case: Case,
    asked: Disbursement,
    ended: Sequence[Disbursement],
    step: Transition,
    reason: str | None,
) -> DisbursementSchema:
    released = [month for month in ended if month.status == "approved"]
    for month in ended:
        month.version += month is not asked
        month.status, month.ended_by_id, month.ended_at, month.updated_at = (
            step.target,
            caller.id,
            utc_now(),
            utc_now(),
        )
    words = await _get_words(session, asked)
    encrypt(words, "sealed", {**decrypt(words), "reason": reason})
    case_history.record_case_history(
        session, case, f"disbursement_{step.target}", caller, asked, disbursement_history_detail(asked)
    )
    await session.flush()  # the case is waited for before any account is
    await release_reserved_money(session, caller, released)
    return disbursement_to_schema(asked, words)


async def release_reserved_money(
    session: AsyncSession, caller: Caller, ended: Sequence[Disbursement]
) -> None:
    """Give back to its fund what was reserved for payments that will not be made."""
    releasing = [
        (
            NewLedgerTransaction("release", today(), month.fund_id, month.id),
            build_transfer_postings(month.fund_id, month.line, "reserved", "available", month.amount),
        )
        for month in ended
        if month.fund_id is not None and month.line is not None
    ]
    await ledger.post_transactions(session, caller, releasing)


async def _get_words(session: AsyncSession, asked: Disbursement) -> DisbursementDetails:
    return await get_record(session, DisbursementDetails, asked.id)
