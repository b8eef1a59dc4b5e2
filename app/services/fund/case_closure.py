"""What the end of a case asks of its money: nothing unpaid, and no further month of what recurs."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.actor import Actor
from app.errors import Fault
from app.kit.dates import today
from app.models import Case, Disbursement
from app.models.record import now
from app.schemas.money import Money
from app.services.cases import history as case_history
from app.services.fund.approve import release
from app.services.fund.disbursements import detail_of
from app.services.fund.states import CANCEL


def _is_to_come() -> ColumnElement[bool]:
    """Return the condition that it is a month of a recurring request, and has not come."""
    return col(Disbursement.series_id).is_not(None) & (col(Disbursement.release_on) > today())


async def unmet_settled(session: AsyncSession, case_id: UUID, *, receipts: bool) -> list[Fault]:
    """Return what of a case's money is unpaid, and where `receipts` are asked for, unaccounted for."""
    waiting = (
        select(col(Disbursement.status), func.count())
        .where(col(Disbursement.case_id) == case_id, ~_is_to_come())
        .group_by(col(Disbursement.status))
    )
    found = {row[0]: row[1] for row in await session.execute(waiting)}
    unmet = []
    if found.keys() & CANCEL.sources:
        unmet.append(Fault(None, "fund_unpaid", "Money is asked for and not paid: pay, reject or cancel it."))
    if receipts and "paid" in found:
        unmet.append(Fault(None, "fund_unreconciled", "Money is paid and not yet accounted for by receipts."))
    return unmet


async def stop(session: AsyncSession, actor: Actor, case: Case) -> None:
    """Cancel every month of recurring requests that has not come; what was reserved for it is available again."""
    query = select(Disbursement).where(
        col(Disbursement.case_id) == case.id, col(Disbursement.status).in_(CANCEL.sources), _is_to_come()
    )
    query = query.order_by(col(Disbursement.series_id), col(Disbursement.instalment)).with_for_update()
    months = (await session.scalars(query)).all()
    released = [month for month in months if month.status == "approved"]
    for month in months:
        month.status, month.ended_by_id, month.ended_at = CANCEL.target, actor.id, now()
        month.updated_at, month.version = now(), month.version + 1
        case_history.record(session, case, "disbursement_cancelled", actor, month, detail_of(month))
    await session.flush()  # the ledger names them
    await release(session, actor, released)


async def spent_since(session: AsyncSession, case_id: UUID, since: datetime | None) -> list[Money]:
    """Return what was paid for a case, as far as it did not come back: one sum for each currency."""
    amount = func.sum(func.coalesce(col(Disbursement.spent), col(Disbursement.amount)))
    query = (
        select(col(Disbursement.currency), amount)
        .where(col(Disbursement.case_id) == case_id, col(Disbursement.status).in_(("paid", "reconciled")))
        .group_by(col(Disbursement.currency))
        .order_by(col(Disbursement.currency))
    )
    if since is not None:
        query = query.where(col(Disbursement.paid_at) > since)
    return [Money.of(int(row[1]), row[0]) for row in await session.execute(query)]
