"""Paying, accounting for what was paid, and reversing: the finance officer's acts, without a look at the case."""

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.actor import Actor
from app.access.vault import seal, unseal
from app.errors import Fault, InvalidInput
from app.kit.dates import LOCAL, today
from app.kit.records import find_for_change, find_steady
from app.kit.state_machine import refuse, unmet_status
from app.models import Disbursement, DisbursementWords, Fund
from app.models.record import now
from app.schemas.disbursements import (
    DisbursementOut,
    DisbursementReversal,
    Payment,
    Reconciliation,
    TenderIn,
)
from app.schemas.money import MINOR
from app.services.cases import history as case_history
from app.services.fund import approval_limits, exchange_rates, ledger
from app.services.fund.approve import unmet_terms
from app.services.fund.disbursements import detail_of, shown
from app.services.fund.exchange_rates import FAR_OFF, Rate
from app.services.fund.funds import unmet_fund_open
from app.services.fund.ledger import Happening, Move
from app.services.fund.states import PAY, PAY_FIRST, RECONCILE, REVERSE, unmet_own

APPROVED_WITHIN = timedelta(days=3)
"""Of the payment, where an emergency was paid first."""


async def pay(
    session: AsyncSession, actor: Actor, disbursement_id: UUID, seen: int, payment: Payment
) -> DisbursementOut:
    """Record a payment: of what was approved, or, in an emergency, of a small amount first.

    Raises:
        GateRefused: with every unmet condition; see `PAY` and `PAY_FIRST`.
        InvalidInput: a day to come, or before the request; broken riel.
    """
    asked = await find_for_change(session, Disbursement, disbursement_id, seen)
    _refuse_day(asked, payment.paid_on)
    tenders, unmet = await _tenders(session, asked, payment)
    is_first = (
        asked.status in PAY_FIRST.sources and asked.urgency == "emergency" and payment.fund_id is not None
    )
    conditions = _unmet_first if is_first else _unmet_approved
    refuse(
        [
            *await conditions(session, actor, asked, payment),
            *unmet_own(actor, asked, approver=True),
            *unmet,
            *await _unmet_proof(session, asked, payment.acknowledgement_document_id),
            *await ledger.unmet_books(session, payment.paid_on),
        ]
    )
    origin = "available" if is_first else "reserved"
    if is_first:
        await _take(session, asked, payment)
    asked.status, asked.paid_by_id, asked.paid_at, asked.updated_at = PAY.target, actor.id, now(), now()
    asked.tenders = tenders
    for field in ("method", "paid_on", "acknowledgement_document_id"):
        setattr(asked, field, getattr(payment, field))
    seal(asked, "payee_sealed", payment.payee)
    case_history.record_unseen(session, "disbursement_paid", actor, asked, detail_of(asked))
    await session.flush()  # the case is waited for before any account is
    kind = "emergency_payment" if is_first else "payment"
    await _move(
        session, actor, asked, kind, payment.paid_on, [(origin, -asked.amount), ("advanced", asked.amount)]
    )
    return await _read(session, asked)


def _refuse_day(asked: Disbursement, paid_on: date) -> None:
    asked_on = asked.created_at.astimezone(LOCAL).date()
    if not asked_on <= paid_on <= today():
        detail = "Lies between the day of the request and today."
        raise InvalidInput([Fault("/paid_on", "date_out_of_reach", detail)])


async def _unmet_approved(
    session: AsyncSession, actor: Actor, asked: Disbursement, payment: Payment
) -> list[Fault]:
    del session, actor
    unmet = [*unmet_status(PAY, asked.status), *_unmet_payee(asked, payment.payee)]
    approved_on = asked.approved_at.astimezone(LOCAL).date() if asked.approved_at else payment.paid_on
    if payment.paid_on < max(approved_on, min(asked.release_on, today())):
        unmet.append(
            Fault("/paid_on", "before_approval", "It was approved, or its month came, after that day.")
        )
    if payment.fund_id is not None and payment.fund_id != asked.fund_id:
        unmet.append(Fault("/fund_id", "fund_other", "It is approved from another fund."))
    if asked.release_on > today():
        unmet.append(Fault("/release_on", "not_released", "Its month has not come."))
    return unmet


def _unmet_payee(asked: Disbursement, payee: str) -> list[Fault]:
    """Return the unmet condition that somebody else was to be paid, where it was said who."""
    wanted = unseal(asked, "payee_sealed")
    if not wanted or " ".join(wanted.casefold().split()) == " ".join(payee.casefold().split()):
        return []
    return [Fault("/payee", "payee_other", "It was approved for another payee: ask for it anew.")]


async def _unmet_first(
    session: AsyncSession, actor: Actor, asked: Disbursement, payment: Payment
) -> list[Fault]:
    """Return what speaks against paying before anybody approved.

    Who pays sees neither age nor province: a fund that asks for them waits for the approver, who does.
    """
    fund = await find_steady(session, Fund, payment.fund_id or asked.id)
    detail = "This fund is for some ages or provinces only: pay an emergency from another."
    is_restricted = fund.province_codes or fund.youngest is not None or fund.oldest is not None
    line = ledger.line_for(fund, asked.category)
    return [
        *await approval_limits.unmet_limit(session, actor, "pay_first", asked.amount, asked.currency),
        *unmet_terms(fund, asked, today()),
        *([Fault("/fund_id", "fund_restricted", detail)] if is_restricted else []),
        *await ledger.unmet_available(session, fund, line, asked.amount),
    ]


async def _take(session: AsyncSession, asked: Disbursement, payment: Payment) -> None:
    fund = await find_steady(session, Fund, payment.fund_id or asked.id)
    asked.fund_id, asked.line = fund.id, ledger.line_for(fund, asked.category)
    asked.approval_due_on = payment.paid_on + APPROVED_WITHIN


async def _tenders(
    session: AsyncSession, asked: Disbursement, payment: Payment
) -> tuple[list[dict[str, Any]], list[Fault]]:
    """Return what was handed over, each with its worth in the request's currency, and what is wrong with it."""
    published = await exchange_rates.of_day(session, payment.paid_on)
    tenders: list[dict[str, Any]] = []
    unmet: list[Fault] = []
    for place, told in enumerate(payment.tenders):
        minor = Decimal(told.amount) * MINOR[told.currency]
        if minor % 1 or not minor:
            detail = "Riel are whole, and a tender is more than nothing."
            raise InvalidInput([Fault(f"/tenders/{place}/amount", "amount_unfit", detail)])
        rate, faults = _rate(f"/tenders/{place}/rate", told, asked, payment.paid_on, published)
        unmet += faults
        worth = int(minor) if rate is None else rate.worth(int(minor), told.currency)
        tenders.append(
            {
                "amount": int(minor),
                "currency": told.currency,
                "worth": worth,
                "rate": None if rate is None else str(rate.riel),
                "rate_on": None if rate is None else rate.on.isoformat(),
                "rate_source": None if rate is None else rate.source,
            }
        )
    if not unmet and sum(tender["worth"] for tender in tenders) != asked.amount:
        unmet.append(Fault("/tenders", "tenders_unequal", "The tenders do not come to the amount."))
    return tenders, unmet


def _rate(
    pointer: str, told: TenderIn, asked: Disbursement, on: date, published: Rate | None
) -> tuple[Rate | None, list[Fault]]:
    """Return the rate of a tender: none in the request's own currency; as told, near the published one; or that one."""
    if told.currency == asked.currency:
        return None, []
    if published is None:
        return None, [Fault(pointer, "rate_missing", "No rate is published up to that day: enter one first.")]
    rate = Rate(Decimal(told.rate), on, "payment") if told.rate else published
    if rate.riel == published.riel:
        return published, []
    if abs(rate.riel - published.riel) > FAR_OFF * published.riel:
        return rate, [Fault(pointer, "rate_far_off", "The rate is far from the published one.")]
    return rate, []


async def _unmet_proof(session: AsyncSession, asked: Disbursement, document_id: UUID | None) -> list[Fault]:
    if document_id is None or await _proofs(session, asked, {document_id}) == 1:
        return []
    detail = "The case has no such receipt or acknowledgement."
    return [Fault("/acknowledgement_document_id", "proof_unknown", detail)]


async def _proofs(session: AsyncSession, asked: Disbursement, documents: set[UUID]) -> int:
    counted = func.access.proofs_of_payment(asked.case_id, list(documents))
    return int(await session.scalar(select(counted)) or 0)


async def reconcile(
    session: AsyncSession, actor: Actor, disbursement_id: UUID, seen: int, told: Reconciliation
) -> DisbursementOut:
    """Account for a payment: what was really spent, by receipts; the rest returns to the fund.

    Raises:
        GateRefused: with every unmet condition; see `RECONCILE`.
        InvalidInput: another currency.
    """
    asked = await find_for_change(session, Disbursement, disbursement_id, seen)
    if told.spent.currency != asked.currency:
        raise InvalidInput([Fault("/spent/currency", "currency_other", "Is in another currency.")])
    spent = told.spent.minor
    refuse(
        [
            *unmet_status(RECONCILE, asked.status),
            *_unmet_approval(asked),
            *unmet_own(actor, asked),
            *_unmet_spent(asked, spent),
            *await _unmet_receipts(session, asked, set(told.receipt_document_ids), spent),
            *await ledger.unmet_books(session, today()),
        ]
    )
    asked.status, asked.spent, asked.updated_at = RECONCILE.target, spent, now()
    asked.reconciled_by_id, asked.reconciled_at = actor.id, now()
    asked.receipt_document_ids = sorted(set(told.receipt_document_ids))
    detail = detail_of(asked) | {"spent": told.spent.amount}
    case_history.record_unseen(session, "disbursement_reconciled", actor, asked, detail)
    await session.flush()  # the case is waited for before any account is
    sides = [("advanced", -asked.amount), ("spent", spent), ("available", asked.amount - spent)]
    await _move(session, actor, asked, "reconciliation", today(), sides)
    return await _read(session, asked)


def _unmet_approval(asked: Disbursement) -> list[Fault]:
    if asked.status != "paid" or asked.approved_by_id is not None:
        return []
    return [Fault(None, "not_approved", "It was paid first, and waits for its approval.")]


def _unmet_spent(asked: Disbursement, spent: int) -> list[Fault]:
    if spent <= asked.amount:
        return []
    return [Fault("/spent", "above_paid", "More than was paid: the rest is asked for anew.")]


async def _unmet_receipts(
    session: AsyncSession, asked: Disbursement, documents: set[UUID], spent: int
) -> list[Fault]:
    place = "/receipt_document_ids"
    if spent and not documents:
        return [Fault(place, "receipt_missing", "What was spent is shown by receipts.")]
    if await _proofs(session, asked, documents) != len(documents):
        return [Fault(place, "proof_unknown", "The case has no such receipt or acknowledgement.")]
    return []


async def reverse(
    session: AsyncSession, actor: Actor, disbursement_id: UUID, seen: int, told: DisbursementReversal
) -> DisbursementOut:
    """Reverse a payment, with the reason: new entries bring the money back, the old ones stay.

    Raises:
        GateRefused: it is not paid; the actor asked for it; the fund or the books of today are closed.
    """
    asked = await find_for_change(session, Disbursement, disbursement_id, seen)
    refuse([*unmet_status(REVERSE, asked.status), *unmet_own(actor, asked)])
    fund = await find_steady(session, Fund, asked.fund_id or asked.id)
    refuse([*unmet_fund_open(fund), *await ledger.unmet_books(session, today())])
    sides = [("advanced", -asked.amount), ("available", asked.amount)]
    if asked.status == "reconciled":
        sides = [("spent", -(asked.spent or 0)), ("available", asked.spent or 0)]
    asked.status, asked.ended_by_id, asked.ended_at, asked.updated_at = REVERSE.target, actor.id, now(), now()
    seal(asked, "reversal_sealed", told.reason)
    case_history.record_unseen(session, "disbursement_reversed", actor, asked, detail_of(asked))
    await session.flush()  # the case is waited for before any account is
    await _move(session, actor, asked, "reversal", today(), sides)
    return await _read(session, asked)


async def _move(
    session: AsyncSession,
    actor: Actor,
    asked: Disbursement,
    kind: str,
    on: date,
    sides: Sequence[tuple[str, int]],
) -> None:
    if asked.fund_id is None or asked.line is None or not any(amount for _, amount in sides):
        return
    moves = [Move(asked.fund_id, asked.line, account, amount) for account, amount in sides]
    await ledger.post(session, actor, Happening(kind, on, asked.fund_id, asked.id), moves)


async def _read(session: AsyncSession, asked: Disbursement) -> DisbursementOut:
    words = await session.scalar(select(DisbursementWords).where(col(DisbursementWords.id) == asked.id))
    return shown(asked, words)
