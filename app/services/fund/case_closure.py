"""What the end of a case asks of its money: nothing unpaid, and no further month of what recurs."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.caller import Caller
from app.errors import Fault
from app.kit.dates import today
from app.models import Case, Disbursement
from app.models.record import utc_now
from app.schemas.money import Money
from app.services.cases import history as case_history
from app.services.fund.approve import release_reserved_money
from app.services.fund.disbursements import disbursement_history_detail
from app.services.fund.states import CANCEL


def _future_instalment_condition() -> ColumnElement[bool]:
    """Return the condition that it is a month of a recurring request, and has not come."""
    return col(Disbursement.series_id).is_not(None) & (col(Disbursement.release_on) > today())


async def check_disbursements_settled(
    session: AsyncSession, case_id: UUID, *, require_receipts: bool
) -> list[Fault]:
    """Return what of a case's money is unpaid, and where `receipts` are asked for, unaccounted for."""
    waiting = (
        select(col(Disbursement.status), func.count())
        .where(col(Disbursement.case_id) == case_id, ~_future_instalment_condition())
        .group_by(col(Disbursement.status))
    )
    found = {row[0]: row[1] for row in await session.execute(waiting)}
    unmet = []
    if found.keys() & CANCEL.sources:
        unmet.append(Fault(None, "fund_unpaid", "Money is asked for and not paid: pay, reject or cancel it."))
    if require_receipts and "paid" in found:
        unmet.append(Fault(None, "fund_unreconciled", "Money is paid and not yet accounted for by receipts."))
    return unmet


async def cancel_future_instalments(session: AsyncSession, caller: Caller, case: Case) -> None:
    """Cancel every month of recurring requests that has not come; what was reserved for it is available again."""
    query = select(Disbursement).where(
        col(Disbursement.case_id) == case.id,
        col(Disbursement.status).in_(CANCEL.sources),
        _future_instalment_condition(),
    )
    query = query.order_by(col(Disbursement.series_id), col(Disbursement.instalment)).with_for_update()
    months = (await session.scalars(query)).all()
    released = [month for month in months if month.status == "approved"]
    for month in months:
        month.status, month.ended_by_id, month.ended_at = CANCEL.target, caller.id, utc_now()
        month.updated_at, month.version = utc_now(), month.version + 1
        case_history.record_case_history(
            session, case, "disbursement_cancelled", caller, month, disbursement_history_detail(month)
        )
    await session.flush()  # the ledger names them
    await release_reserved_money(session, caller, released)


async def get_spending_since(session: AsyncSession, case_id: UUID, since: datetime | None) -> list[Money]:
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
    return [Money.from_minor_units(int(row[1]), row[0]) for row in await session.execute(query)]
