"""Up to which amount a role may approve, or pay first: data, with the day from which it counts."""

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.caller import Caller
from app.errors import Fault
from app.kit.dates import today
from app.kit.pagination import Paginator
from app.models import ApprovalLimit
from app.models.record import new_id
from app.schemas.ledger import ApprovalLimit as ApprovalLimitSchema
from app.schemas.ledger import ApprovalLimitCreate
from app.schemas.money import Money
from app.schemas.wire import Page, PageQuery


async def create_approval_limit(
    session: AsyncSession, caller: Caller, payload: ApprovalLimitCreate
) -> ApprovalLimitSchema:
    """Set a limit; those before it stay on record.

    Raises:
        AlreadyExists: there is one from that day.
    """
    limit = ApprovalLimit(
        id=new_id(),
        amount=payload.amount.minor_units if payload.amount else None,
        set_by_id=caller.id,
        **payload.model_dump(include={"role", "act", "currency", "starts_on"}),
    )
    session.add(limit)
    await session.flush()  # a second one from the same day must surface before the answer leaves
    return _to_schema(limit)


async def list_approval_limits(
    session: AsyncSession, caller: Caller, page: PageQuery
) -> Page[ApprovalLimitSchema]:
    """List every limit ever set, newest first."""
    paging = Paginator("approval_limits", page.limit, page.cursor, {"for": caller.id})
    rows, cursor = await paging.fetch_records(
        session, select(ApprovalLimit), col(ApprovalLimit.created_at), col(ApprovalLimit.id)
    )
    return Page(items=[_to_schema(row) for row in rows], next_cursor=cursor)


async def check_approval_limit(
    session: AsyncSession, caller: Caller, act: str, amount: int, currency: str
) -> list[Fault]:
    """Return the unmet condition that so much is above what any of the actor's roles may, or none."""
    query = (
        select(col(ApprovalLimit.role), col(ApprovalLimit.amount))
        .where(
            col(ApprovalLimit.role).in_(caller.roles),
            col(ApprovalLimit.act) == act,
            col(ApprovalLimit.currency) == currency,
            col(ApprovalLimit.starts_on) <= today(),
        )
        .order_by(col(ApprovalLimit.role), col(ApprovalLimit.starts_on).desc())
        .ext(distinct_on(col(ApprovalLimit.role)))
    )
    limits = [row.amount for row in await session.execute(query)]
    if any(limit is None or amount <= limit for limit in limits):
        return []
    return [Fault("/amount", "above_limit", "It is above the limit of your role: somebody else decides.")]


def _to_schema(limit: ApprovalLimit) -> ApprovalLimitSchema:
    return ApprovalLimitSchema(
        amount=None if limit.amount is None else Money.from_minor_units(limit.amount, limit.currency),
        **limit.model_dump(include=set(ApprovalLimitSchema.model_fields) - {"amount"}),
    )
