"""Paying, accounting for what was paid, and reversing: the finance officer's acts, without a look at the case."""

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.caller import Caller
from app.access.vault import decrypt, encrypt
from app.errors import Fault, InvalidInput
from app.kit.dates import CAMBODIA_TIMEZONE, today
from app.kit.records import get_for_share, get_version_for_update
from app.kit.state_machine import check_status, raise_if_unmet
from app.models import Disbursement, DisbursementDetails, Fund
from app.models.record import utc_now
from app.schemas.disbursements import (
    Disbursement as DisbursementSchema,
)
from app.schemas.disbursements import (
    DisbursementPayment,
    DisbursementReconciliation,
    DisbursementReversal,
    TenderCreate,
)
from app.schemas.money import MINOR_UNITS_PER_UNIT
from app.services.cases import history as case_history
from app.services.fund import approval_limits, exchange_rates, ledger
from app.services.fund.approve import check_fund_terms
from app.services.fund.disbursements import disbursement_history_detail, disbursement_to_schema
from app.services.fund.exchange_rates import MAX_RATE_DEVIATION, Rate
from app.services.fund.funds import check_fund_open
from app.services.fund.ledger import NewLedgerTransaction, Posting
from app.services.fund.states import PAY, PAY_FIRST, RECONCILE, REVERSE, check_separation_of_duties

APPROVAL_DEADLINE = timedelta(days=3)
"""Of the payment, where an emergency was paid first."""


async def pay_disbursement(
    session: AsyncSession,
    caller: Caller,
    disbursement_id: UUID,
    expected_version: int,
    payment: DisbursementPayment,
) -> DisbursementSchema:
    """Record a payment: of what was approved, or, in an emergency, of a small amount first.

    Raises:
        GateRefused: with every unmet condition; see `PAY` and `PAY_FIRST`.
        InvalidInput: a day to come, or before the request; broken riel.
    """
    asked = await get_version_for_update(session, Disbursement, disbursement_id, expected_version)
    _validate_payment_date(asked, payment.paid_on)
    tenders, unmet = await _convert_tenders(session, asked, payment)
    is_first = (
        asked.status in PAY_FIRST.sources and asked.urgency == "emergency" and payment.fund_id is not None
    )
    conditions = _check_emergency_payment if is_first else _check_approved_payment
    raise_if_unmet(
        [
            *await conditions(session, caller, asked, payment),
            *check_separation_of_duties(caller, asked, exclude_approver=True),
            *unmet,
            *await _check_acknowledgement(session, asked, payment.acknowledgement_document_id),
            *await ledger.check_books_open(session, payment.paid_on),
        ]
    )
    origin = "available" if is_first else "reserved"
    if is_first:
        await _assign_fund(session, asked, payment)
    asked.status, asked.paid_by_id, asked.paid_at, asked.updated_at = (
        PAY.target,
        caller.id,
        utc_now(),
        utc_now(),
    )
    asked.tenders = tenders
    for field in ("method", "paid_on", "acknowledgement_document_id"):
        setattr(asked, field, getattr(payment, field))
    encrypt(asked, "payee_sealed", payment.payee)
    case_history.record_case_history_without_access(
        session, "disbursement_paid", caller, asked, disbursement_history_detail(asked)
    )
    await session.flush()  # the case is waited for before any account is
    kind = "emergency_payment" if is_first else "payment"
    await _post_to_ledger(
        session, caller, asked, kind, payment.paid_on, [(origin, -asked.amount), ("advanced", asked.amount)]
    )
    return await _load_schema(session, asked)


def _validate_payment_date(asked: Disbursement, paid_on: date) -> None:
    asked_on = asked.created_at.astimezone(CAMBODIA_TIMEZONE).date()
    if not asked_on <= paid_on <= today():
        detail = "Lies between the day of the request and today."
        raise InvalidInput([Fault("/paid_on", "date_out_of_reach", detail)])


async def _check_approved_payment(
    session: AsyncSession, caller: Caller, asked: Disbursement, payment: DisbursementPayment
) -> list[Fault]:
    del session, caller
    unmet = [*check_status(PAY, asked.status), *_check_payee(asked, payment.payee)]
    approved_on = (
        asked.approved_at.astimezone(CAMBODIA_TIMEZONE).date() if asked.approved_at else payment.paid_on
    )
    if payment.paid_on < max(approved_on, min(asked.release_on, today())):
        unmet.append(
            Fault("/paid_on", "before_approval", "It was approved, or its month came, after that day.")
        )
    if payment.fund_id is not None and payment.fund_id != asked.fund_id:
        unmet.append(Fault("/fund_id", "fund_other", "It is approved from another fund."))
    if asked.release_on > today():
        unmet.append(Fault("/release_on", "not_released", "Its month has not come."))
    return unmet


def _check_payee(asked: Disbursement, payee: str) -> list[Fault]:
    """Return the unmet condition that somebody else was to be paid, where it was said who."""
    wanted = decrypt(asked, "payee_sealed")
    if not wanted or " ".join(wanted.casefold().split()) == " ".join(payee.casefold().split()):
        return []
    return [Fault("/payee", "payee_other", "It was approved for another payee: ask for it anew.")]


async def _check_emergency_payment(
    session: AsyncSession, caller: Caller, asked: Disbursement, payment: DisbursementPayment
) -> list[Fault]:
    """Return what speaks against paying before anybody approved.

    Who pays sees neither age nor province: a fund that asks for them waits for the approver, who does.
    """
    fund = await get_for_share(session, Fund, payment.fund_id or asked.id)
    detail = "This fund is for some ages or provinces only: pay an emergency from another."
    is_restricted = fund.province_codes or fund.youngest is not None or fund.oldest is not None
    line = ledger.get_line_for_category(fund, asked.category)
    return [
        *await approval_limits.check_approval_limit(
            session, caller, "pay_first", asked.amount, asked.currency
        ),
        *check_fund_terms(fund, asked, today()),
        *([Fault("/fund_id", "fund_restricted", detail)] if is_restricted else []),
        *await ledger.check_available_balance(session, fund, line, asked.amount),
    ]


async def _assign_fund(session: AsyncSession, asked: Disbursement, payment: DisbursementPayment) -> None:
    fund = await get_for_share(session, Fund, payment.fund_id or asked.id)
    asked.fund_id, asked.line = fund.id, ledger.get_line_for_category(fund, asked.category)
    asked.approval_due_on = payment.paid_on + APPROVAL_DEADLINE


async def _convert_tenders(
    session: AsyncSession, asked: Disbursement, payment: DisbursementPayment
) -> tuple[list[dict[str, Any]], list[Fault]]:
    """Return what was handed over, each with its worth in the request's currency, and what is wrong with it."""
    published = await exchange_rates.get_exchange_rate_on(session, payment.paid_on)
    tenders: list[dict[str, Any]] = []
    unmet: list[Fault] = []
    for place, told in enumerate(payment.tenders):
        minor = Decimal(told.amount) * MINOR_UNITS_PER_UNIT[told.currency]
        if minor % 1 or not minor:
            detail = "Riel are whole, and a tender is more than nothing."
            raise InvalidInput([Fault(f"/tenders/{place}/amount", "amount_unfit", detail)])
        rate, faults = _resolve_tender_rate(f"/tenders/{place}/rate", told, asked, payment.paid_on, published)
        unmet += faults
        worth = int(minor) if rate is None else rate.convert(int(minor), told.currency)
        tenders.append(
            {
                "amount": int(minor),
                "currency": told.currency,
                "worth": worth,
                "rate": None if rate is None else str(rate.riel_per_dollar),
                "rate_on": None if rate is None else rate.on.isoformat(),
                "rate_source": None if rate is None else rate.source,
            }
        )
    if not unmet and sum(tender["worth"] for tender in tenders) != asked.amount:
        unmet.append(Fault("/tenders", "tenders_unequal", "The tenders do not come to the amount."))
    return tenders, unmet


def _resolve_tender_rate(
    pointer: str, payload: TenderCreate, asked: Disbursement, on: date, published: Rate | None
) -> tuple[Rate | None, list[Fault]]:
    """Return the rate of a tender: none in the request's own currency; as told, near the published one; or that one."""
    if payload.currency == asked.currency:
        return None, []
    if published is None:
        return None, [Fault(pointer, "rate_missing", "No rate is published up to that day: enter one first.")]
    rate = Rate(Decimal(payload.rate), on, "payment") if payload.rate else published
    if rate.riel_per_dollar == published.riel_per_dollar:
        return published, []
    if abs(rate.riel_per_dollar - published.riel_per_dollar) > MAX_RATE_DEVIATION * published.riel_per_dollar:
        return rate, [Fault(pointer, "rate_far_off", "The rate is far from the published one.")]
    return rate, []


async def _check_acknowledgement(
    session: AsyncSession, asked: Disbursement, document_id: UUID | None
) -> list[Fault]:
    if document_id is None or await _count_proofs_of_payment(session, asked, {document_id}) == 1:
        return []
    detail = "The case has no such receipt or acknowledgement."
    return [Fault("/acknowledgement_document_id", "proof_unknown", detail)]


async def _count_proofs_of_payment(session: AsyncSession, asked: Disbursement, documents: set[UUID]) -> int:
    counted = func.access.count_payment_proofs(asked.case_id, list(documents))
    return int(await session.scalar(select(counted)) or 0)


async def reconcile_disbursement(
    session: AsyncSession,
    caller: Caller,
    disbursement_id: UUID,
    expected_version: int,
    payload: DisbursementReconciliation,
) -> DisbursementSchema:
    """Account for a payment: what was really spent, by receipts; the rest returns to the fund.

    Raises:
        GateRefused: with every unmet condition; see `RECONCILE`.
        InvalidInput: another currency.
    """
    asked = await get_version_for_update(session, Disbursement, disbursement_id, expected_version)
    if payload.spent.currency != asked.currency:
        raise InvalidInput([Fault("/spent/currency", "currency_other", "Is in another currency.")])
    spent = payload.spent.minor_units
    raise_if_unmet(
        [
            *check_status(RECONCILE, asked.status),
            *_check_approval_not_pending(asked),
            *check_separation_of_duties(caller, asked),
            *_check_spent_amount(asked, spent),
            *await _check_receipts(session, asked, set(payload.receipt_document_ids), spent),
            *await ledger.check_books_open(session, today()),
        ]
    )
    asked.status, asked.spent, asked.updated_at = RECONCILE.target, spent, utc_now()
    asked.reconciled_by_id, asked.reconciled_at = caller.id, utc_now()
    asked.receipt_document_ids = sorted(set(payload.receipt_document_ids))
    detail = disbursement_history_detail(asked) | {"spent": payload.spent.amount}
    case_history.record_case_history_without_access(session, "disbursement_reconciled", caller, asked, detail)
    await session.flush()  # the case is waited for before any account is
    sides = [("advanced", -asked.amount), ("spent", spent), ("available", asked.amount - spent)]
    await _post_to_ledger(session, caller, asked, "reconciliation", today(), sides)
    return await _load_schema(session, asked)


def _check_approval_not_pending(asked: Disbursement) -> list[Fault]:
    if asked.status != "paid" or asked.approved_by_id is not None:
        return []
    return [Fault(None, "not_approved", "It was paid first, and waits for its approval.")]


def _check_spent_amount(asked: Disbursement, spent: int) -> list[Fault]:
    if spent <= asked.amount:
        return []
    return [Fault("/spent", "above_paid", "More than was paid: the rest is asked for anew.")]


async def _check_receipts(
    session: AsyncSession, asked: Disbursement, documents: set[UUID], spent: int
) -> list[Fault]:
    place = "/receipt_document_ids"
    if spent and not documents:
        return [Fault(place, "receipt_missing", "What was spent is shown by receipts.")]
    if await _count_proofs_of_payment(session, asked, documents) != len(documents):
        return [Fault(place, "proof_unknown", "The case has no such receipt or acknowledgement.")]
    return []


async def reverse_disbursement(
    session: AsyncSession,
    caller: Caller,
    disbursement_id: UUID,
    expected_version: int,
    payload: DisbursementReversal,
) -> DisbursementSchema:
    """Reverse a payment, with the reason: new entries bring the money back, the old ones stay.

    Raises:
        GateRefused: it is not paid; the actor asked for it; the fund or the books of today are closed.
    """
    asked = await get_version_for_update(session, Disbursement, disbursement_id, expected_version)
    raise_if_unmet([*check_status(REVERSE, asked.status), *check_separation_of_duties(caller, asked)])
    fund = await get_for_share(session, Fund, asked.fund_id or asked.id)
    raise_if_unmet([*check_fund_open(fund), *await ledger.check_books_open(session, today())])
    sides = [("advanced", -asked.amount), ("available", asked.amount)]
    if asked.status == "reconciled":
        sides = [("spent", -(asked.spent or 0)), ("available", asked.spent or 0)]
    asked.status, asked.ended_by_id, asked.ended_at, asked.updated_at = (
        REVERSE.target,
        caller.id,
        utc_now(),
        utc_now(),
    )
    encrypt(asked, "reversal_sealed", payload.reason)
    case_history.record_case_history_without_access(
        session, "disbursement_reversed", caller, asked, disbursement_history_detail(asked)
    )
    await session.flush()  # the case is waited for before any account is
    await _post_to_ledger(session, caller, asked, "reversal", today(), sides)
    return await _load_schema(session, asked)


async def _post_to_ledger(
    session: AsyncSession,
    caller: Caller,
    asked: Disbursement,
    kind: str,
    on: date,
    sides: Sequence[tuple[str, int]],
) -> None:
    if asked.fund_id is None or asked.line is None or not any(amount for _, amount in sides):
        return
    moves = [Posting(asked.fund_id, asked.line, account, amount) for account, amount in sides]
    await ledger.post_transaction(
        session, caller, NewLedgerTransaction(kind, on, asked.fund_id, asked.id), moves
    )


async def _load_schema(session: AsyncSession, asked: Disbursement) -> DisbursementSchema:
    words = await session.scalar(select(DisbursementDetails).where(col(DisbursementDetails.id) == asked.id))
    return disbursement_to_schema(asked, words)
