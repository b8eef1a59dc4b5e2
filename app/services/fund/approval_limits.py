"""Up to which amount a role may approve, or pay first: data, with the day from which it counts."""

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.actor import Actor
from app.errors import Fault
from app.kit.dates import today
from app.kit.pagination import Paging
from app.models import ApprovalLimit
from app.models.record import new_id
from app.schemas.ledger import ApprovalLimitIn, ApprovalLimitOut
from app.schemas.money import Money
from app.schemas.wire import Page, PageQuery


async def set_up(session: AsyncSession, actor: Actor, told: ApprovalLimitIn) -> ApprovalLimitOut:
    """Set a limit; those before it stay on record.

    Raises:
        AlreadyExists: there is one from that day.
    """
    limit = ApprovalLimit(
        id=new_id(),
        amount=told.amount.minor if told.amount else None,
        set_by_id=actor.id,
        **told.model_dump(include={"role", "act", "currency", "starts_on"}),
    )
    session.add(limit)
    await session.flush()  # a second one from the same day must surface before the answer leaves
    return _shown(limit)


async def listed(session: AsyncSession, actor: Actor, page: PageQuery) -> Page[ApprovalLimitOut]:
    """List every limit ever set, newest first."""
    paging = Paging("approval_limits", page.limit, page.cursor, {"for": actor.id})
    rows, cursor = await paging.records(
        session, select(ApprovalLimit), col(ApprovalLimit.created_at), col(ApprovalLimit.id)
    )
    return Page(items=[_shown(row) for row in rows], next_cursor=cursor)


async def unmet_limit(
    session: AsyncSession, actor: Actor, act: str, amount: int, currency: str
) -> list[Fault]:
    """Return the unmet condition that so much is above what any of the actor's roles may, or none."""
    query = (
        select(col(ApprovalLimit.role), col(ApprovalLimit.amount))
        .where(
            col(ApprovalLimit.role).in_(actor.roles),
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


def _shown(limit: ApprovalLimit) -> ApprovalLimitOut:
    return ApprovalLimitOut(
        amount=None if limit.amount is None else Money.of(limit.amount, limit.currency),
        **limit.model_dump(include=set(ApprovalLimitOut.model_fields) - {"amount"}),
    )
