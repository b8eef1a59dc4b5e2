"""Approval limits: the largest amount that a role may approve, or pay before the approval in an emergency."""

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
from app.schemas.ledger import ApprovalLimitCreate, ApprovalLimitList
from app.schemas.money import Money
from app.schemas.wire import PageQuery


async def create_approval_limit(
    session: AsyncSession, caller: Caller, payload: ApprovalLimitCreate
) -> ApprovalLimitSchema:
    """Create an approval limit. Earlier limits are kept.

    Raises:
        AlreadyExists: a limit for the same role, act, currency and day exists.
    """
    limit = ApprovalLimit(
        id=new_id(),
        amount=payload.amount.minor_units if payload.amount else None,
        set_by_id=caller.id,
        **payload.model_dump(include={"role", "act", "currency", "starts_on"}),
    )
    session.add(limit)
    await session.flush()  # report a database error before the response is built
    return _to_schema(limit)


async def list_approval_limits(
    session: AsyncSession, caller: Caller, page_query: PageQuery
) -> ApprovalLimitList:
    """Return a page of all approval limits, newest first."""
    paginator = Paginator("approval_limits", page_query.limit, page_query.cursor, {"for": caller.id})
    limits, cursor = await paginator.fetch_records(
        session, select(ApprovalLimit), col(ApprovalLimit.created_at), col(ApprovalLimit.id)
    )
    return ApprovalLimitList(items=[_to_schema(limit) for limit in limits], next_cursor=cursor)


async def check_approval_limit(
    session: AsyncSession, caller: Caller, act: str, amount: int, currency: str
) -> list[Fault]:
    """Return a fault unless the current limit of one of the caller's roles permits the amount."""
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
    return [Fault("/amount", "above_limit", "The amount exceeds the limit of your role.")]


def _to_schema(limit: ApprovalLimit) -> ApprovalLimitSchema:
    return ApprovalLimitSchema(
        amount=None if limit.amount is None else Money.from_minor_units(limit.amount, limit.currency),
        **limit.model_dump(include=set(ApprovalLimitSchema.model_fields) - {"amount"}),
    )
