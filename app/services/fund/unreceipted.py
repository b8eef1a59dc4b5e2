"""Money that was paid, and that nobody has accounted for by receipts: by age, and by the worker who asked for it."""

from sqlalchemy import case, func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.kit.dates import today
from app.models import Disbursement, User
from app.schemas.disbursements import UnreceiptedMoney, UnreceiptedMoneyGroup
from app.schemas.money import Money


async def get_unreceipted_payments(session: AsyncSession) -> UnreceiptedMoney:
    """Return the sums, as far as the actor sees the payments: each currency apart, the oldest first."""
    days = today() - col(Disbursement.paid_on)
    age = case(
        (days <= 7, "up_to_7_days"),  # noqa: PLR2004 - a week
        (days <= 30, "up_to_30_days"),  # noqa: PLR2004 - a month
        (days <= 90, "up_to_90_days"),  # noqa: PLR2004 - a quarter
        else_="over_90_days",
    )
    worker = col(Disbursement.requested_by_id)
    oldest = func.min(col(Disbursement.paid_on))
    query = (
        select(
            worker,
            col(User.name),
            age,
            col(Disbursement.currency),
            func.count(),
            func.sum(col(Disbursement.amount)),
        )
        .join(User, col(User.id) == worker)
        .where(col(Disbursement.status) == "paid")
        .group_by(worker, col(User.name), age, col(Disbursement.currency))
        .order_by(oldest, worker, col(Disbursement.currency))
    )
    items = [
        UnreceiptedMoneyGroup(
            worker_id=row[0],
            worker_name=row[1],
            age=row[2],
            count=row[4],
            amount=Money.from_minor_units(int(row[5]), row[3]),
        )
        for row in await session.execute(query)
    ]
    return UnreceiptedMoney(on=today(), items=items)
