"""Conditions and acts on the disbursements of a case that is closed, and the spending for a case."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import BigInteger, ColumnElement, DateTime, bindparam, cast, func, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.caller import Caller
from app.access.reader import NoShownRecord, ReadQuery, RecordReader
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
    """Return the SQL condition that a row is an instalment whose release date is in the future."""
    return col(Disbursement.series_id).is_not(None) & (col(Disbursement.release_on) > today())


async def check_disbursements_settled(
    session: AsyncSession, case_id: UUID, *, require_receipts: bool
) -> list[Fault]:
    """Return faults for unpaid disbursements of a case, and with `require_receipts` for unreconciled disbursements.

    Future instalments do not count, because closing the case cancels them.
    """
    query = (
        select(col(Disbursement.status), func.count())
        .where(col(Disbursement.case_id) == case_id, ~_future_instalment_condition())
        .group_by(col(Disbursement.status))
    )
    count_by_status = {row[0]: row[1] for row in await session.execute(query)}
    unmet = []
    if count_by_status.keys() & CANCEL.sources:
        detail = "The case has unpaid disbursements. Pay, reject or cancel them."
        unmet.append(Fault(None, "fund_unpaid", detail))
    if require_receipts and "paid" in count_by_status:
        detail = "The case has payments without receipts. Reconcile them."
        unmet.append(Fault(None, "fund_unreconciled", detail))
    return unmet


async def cancel_future_instalments(session: AsyncSession, caller: Caller, case: Case) -> None:
    """Cancel all future instalments of a case and release the money reserved for them."""
    query = select(Disbursement).where(
        col(Disbursement.case_id) == case.id,
        col(Disbursement.status).in_(CANCEL.sources),
        _future_instalment_condition(),
    )
    query = query.order_by(col(Disbursement.series_id), col(Disbursement.instalment)).with_for_update()
    instalments = (await session.scalars(query)).all()
    reserved = [instalment for instalment in instalments if instalment.status == "approved"]
    now = utc_now()
    for instalment in instalments:
        instalment.status, instalment.ended_by_id, instalment.ended_at = CANCEL.target, caller.id, now
        instalment.updated_at, instalment.version = now, instalment.version + 1
        case_history.record_case_history(
            session,
            case,
            "disbursement_cancelled",
            caller,
            instalment,
            disbursement_history_detail(instalment),
        )
    await session.flush()  # lock order of all acts: disbursements before the accounts of the ledger
    await release_reserved_money(session, caller, reserved)


SPENDING_QUERY = ReadQuery(
    select(
        col(Disbursement.currency),
        cast(func.sum(func.coalesce(col(Disbursement.spent), col(Disbursement.amount))), BigInteger).label(
            "amount"
        ),
    )
    .where(
        col(Disbursement.case_id) == bindparam("case_id"),
        col(Disbursement.status).in_(("paid", "reconciled")),
        or_(
            bindparam("since", type_=DateTime(timezone=True)).is_(None),
            col(Disbursement.paid_at) > bindparam("since", type_=DateTime(timezone=True)),
        ),
    )
    .group_by(col(Disbursement.currency))
    .order_by(col(Disbursement.currency)),
    shows=NoShownRecord("only the sums are returned"),
)


async def get_spending_since(
    reader: RecordReader, case_id: UUID | str, since: datetime | None
) -> list[Money]:
    """Return the money paid for a case since a time, less the money returned: one sum for each currency."""
    rows = await reader.fetch(SPENDING_QUERY, case_id=case_id, since=since)
    return [Money.from_minor_units(row.amount, row.currency) for row in rows]
