"""Deciding on requests for money: approving, rejecting, cancelling; a recurring request is decided once, for all months."""

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.actor import Actor
from app.access.vault import seal, unseal
from app.errors import Fault
from app.kit.dates import Birth, today
from app.kit.records import find, find_for_change, find_steady, steady_case
from app.kit.state_machine import Step, refuse, unmet_status
from app.models import Case, Child, Disbursement, DisbursementWords, Fund
from app.models.record import now
from app.schemas.disbursements import (
    DisbursementApproval,
    DisbursementCancellation,
    DisbursementOut,
    DisbursementRejection,
)
from app.services.cases import history as case_history
from app.services.cases.staffing import unmet_leading
from app.services.cases.write_access import unmet_working
from app.services.fund import approval_limits, ledger
from app.services.fund.disbursements import detail_of, shown
from app.services.fund.funds import unmet_fund_open
from app.services.fund.ledger import Happening, shift
from app.services.fund.states import APPROVE, CANCEL, CONFIRM, REJECT, unmet_own


async def approve(
    session: AsyncSession, actor: Actor, disbursement_id: UUID, seen: int, approval: DisbursementApproval
) -> DisbursementOut:
    """Approve a request, all months of it: the money is reserved. Or approve what an emergency had paid first.

    Raises:
        GateRefused: with every unmet condition; see `APPROVE` and `CONFIRM`.
    """
    case = await steady_case(session, Disbursement, disbursement_id)
    months = await _locked(session, disbursement_id)
    asked = await find_for_change(session, Disbursement, disbursement_id, seen)
    fund = await find_steady(session, Fund, approval.fund_id)
    if asked.status == "paid":
        return await _confirm(session, actor, case, asked, fund)
    due = [month for month in months if month.status in APPROVE.sources] or [asked]
    total = sum(month.amount for month in due)
    line = ledger.line_for(fund, asked.category)
    refuse(
        [
            *unmet_status(APPROVE, asked.status),
            *unmet_own(actor, asked),
            *unmet_leading(actor, case),
            *await approval_limits.unmet_limit(session, actor, "approve", total, asked.currency),
            *unmet_terms(fund, asked, max(month.release_on for month in due)),
            *await _unmet_child(session, fund, case),
            *await ledger.unmet_books(session, today()),
            *await ledger.unmet_available(session, fund, line, total),
        ]
    )
    for month in due:
        month.version += month is not asked
        month.status, month.fund_id, month.line = APPROVE.target, fund.id, line
        month.approved_by_id, month.approved_at, month.updated_at = actor.id, now(), now()
    case_history.record(session, case, "disbursement_approved", actor, asked, detail_of(asked))
    await session.flush()  # the ledger names them; and the case is waited for before any account is
    reserving = [
        (
            Happening("approval", today(), fund.id, month.id),
            shift(fund.id, line, "available", "reserved", month.amount),
        )
        for month in due
    ]
    await ledger.post_all(session, actor, reserving)
    return shown(asked, await _words(session, asked))


async def _confirm(
    session: AsyncSession, actor: Actor, case: Case, asked: Disbursement, fund: Fund
) -> DisbursementOut:
    refuse(
        [
            *unmet_status(CONFIRM, "approved" if asked.approved_by_id else asked.status),
            *unmet_own(actor, asked, payer=True),
            *unmet_leading(actor, case),
            *await approval_limits.unmet_limit(session, actor, "approve", asked.amount, asked.currency),
            *_unmet_same_fund(asked, fund),
            *await _unmet_child(session, fund, case),
        ]
    )
    asked.approved_by_id, asked.approved_at, asked.updated_at = actor.id, now(), now()
    case_history.record(session, case, "disbursement_approved", actor, asked, detail_of(asked))
    await session.flush()  # the answer shows what was stored
    return shown(asked, await _words(session, asked))


def _unmet_same_fund(asked: Disbursement, fund: Fund) -> list[Fault]:
    if asked.fund_id == fund.id:
        return []
    return [Fault("/fund_id", "fund_other", "It was paid from another fund.")]


async def _locked(session: AsyncSession, disbursement_id: UUID) -> Sequence[Disbursement]:
    """Return every month of a request, locked, the first one first: two deciders never wait in a circle."""
    series = (
        select(col(Disbursement.series_id)).where(col(Disbursement.id) == disbursement_id).scalar_subquery()
    )
    query = select(Disbursement).where(
        (col(Disbursement.id) == disbursement_id) | (col(Disbursement.series_id) == series)
    )
    query = query.order_by(col(Disbursement.instalment)).with_for_update()
    return (await session.scalars(query.execution_options(populate_existing=True))).all()


def unmet_terms(fund: Fund, asked: Disbursement, until: date) -> list[Fault]:
    """Return what a fund's own terms have against paying a request up to a day: open, currency, category, period."""
    unmet = unmet_fund_open(fund)
    if fund.currency != asked.currency:
        unmet.append(Fault("/fund_id", "currency_other", f"The fund's money is in {fund.currency}."))
    if asked.category not in fund.categories:
        unmet.append(Fault("/fund_id", "category_not_funded", "The fund does not pay for this category."))
    if today() < fund.starts_on or (fund.ends_on is not None and max(today(), until) > fund.ends_on):
        detail = "Today, or a month that is asked for, lies outside the fund's period."
        unmet.append(Fault("/fund_id", "outside_period", detail))
    return unmet


async def _unmet_child(session: AsyncSession, fund: Fund, case: Case) -> list[Fault]:
    """Return the donor's restrictions that a child does not fit: an estimated age fits if it may."""
    unmet = []
    if fund.province_codes and case.province_code not in fund.province_codes:
        unmet.append(Fault("/fund_id", "province_not_funded", "The fund is for other provinces."))
    if fund.youngest is not None or fund.oldest is not None:
        birth = unseal(await find(session, Child, case.child_id))["birth"]
        least, most = Birth.of(birth).age_on(today())
        if most < (fund.youngest or 0) or least > (fund.oldest if fund.oldest is not None else least):
            unmet.append(Fault("/fund_id", "age_not_funded", "The fund is for another age."))
    return unmet


async def reject(
    session: AsyncSession, actor: Actor, disbursement_id: UUID, seen: int, told: DisbursementRejection
) -> DisbursementOut:
    """Reject a request, all months of it, with the reason.

    Raises:
        GateRefused: it is decided; the actor asked for it, or does not lead the case's team.
    """
    case = await steady_case(session, Disbursement, disbursement_id)
    months = await _locked(session, disbursement_id)
    asked = await find_for_change(session, Disbursement, disbursement_id, seen)
    refuse(
        [
            *unmet_status(REJECT, asked.status),
            *unmet_own(actor, asked),
            *unmet_leading(actor, case),
        ]
    )
    ended = [month for month in months if month.status in REJECT.sources]
    return await _end(session, actor, case, asked, ended, REJECT, told.reason)


async def cancel(
    session: AsyncSession, actor: Actor, disbursement_id: UUID, seen: int, told: DisbursementCancellation
) -> DisbursementOut:
    """Cancel a request, or one month of it, before it is paid: what was reserved is available again.

    Raises:
        GateRefused: it is paid, or over; the actor does not work on the case; the books of today are closed.
    """
    case = await steady_case(session, Disbursement, disbursement_id)
    asked = await find_for_change(session, Disbursement, disbursement_id, seen)
    refuse([*unmet_status(CANCEL, asked.status), *await unmet_working(session, case)])
    if asked.status == "approved":
        refuse(await ledger.unmet_books(session, today()))
    return await _end(session, actor, case, asked, [asked], CANCEL, told.reason)


async def _end(
    session: AsyncSession,
    actor: Actor,
    case: Case,
    asked: Disbursement,
    ended: Sequence[Disbursement],
    step: Step,
    reason: str | None,
) -> DisbursementOut:
    released = [month for month in ended if month.status == "approved"]
    for month in ended:
        month.version += month is not asked
        month.status, month.ended_by_id, month.ended_at, month.updated_at = (
            step.target,
            actor.id,
            now(),
            now(),
        )
    words = await _words(session, asked)
    seal(words, "sealed", {**unseal(words), "reason": reason})
    case_history.record(session, case, f"disbursement_{step.target}", actor, asked, detail_of(asked))
    await session.flush()  # the case is waited for before any account is
    await release(session, actor, released)
    return shown(asked, words)


async def release(session: AsyncSession, actor: Actor, ended: Sequence[Disbursement]) -> None:
    """Give back to its fund what was reserved for payments that will not be made."""
    releasing = [
        (
            Happening("release", today(), month.fund_id, month.id),
            shift(month.fund_id, month.line, "reserved", "available", month.amount),
        )
        for month in ended
        if month.fund_id is not None and month.line is not None
    ]
    await ledger.post_all(session, actor, releasing)


async def _words(session: AsyncSession, asked: Disbursement) -> DisbursementWords:
    return await find(session, DisbursementWords, asked.id)
