"""Approval limits: the largest amount that a role may approve, or pay before the approval in an emergency."""

from typing import Any

from sqlalchemy import ARRAY, BigInteger, ColumnElement, Date, Text, any_, bindparam, literal, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased
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
    is_permitted = select(build_within_limit(act, literal(amount, BigInteger), literal(currency)))
    parameters = {"limit_roles": sorted(caller.roles), "day": today()}
    if await session.scalar(is_permitted, parameters):
        return []
    return [Fault("/amount", "above_limit", "The amount exceeds the limit of your role.")]


def build_within_limit(act: str, amount: Any, currency: Any) -> ColumnElement[bool]:
    """Return the SQL condition that the limit of one of the roles `limit_roles` permits an amount on the day `day`."""
    day, later = bindparam("day", type_=Date), aliased(ApprovalLimit)
    is_replaced = select(col(later.id)).where(
        *(getattr(later, name) == getattr(ApprovalLimit, name) for name in ("role", "act", "currency")),
        col(later.starts_on) > col(ApprovalLimit.starts_on),
        col(later.starts_on) <= day,
    )
    return (
        select(col(ApprovalLimit.id))
        .where(
            col(ApprovalLimit.role) == any_(bindparam("limit_roles", type_=ARRAY(Text))),
            col(ApprovalLimit.act) == act,
            col(ApprovalLimit.currency) == currency,
            col(ApprovalLimit.starts_on) <= day,
            or_(col(ApprovalLimit.amount).is_(None), col(ApprovalLimit.amount) >= amount),
            ~is_replaced.exists(),
        )
        .exists()
    )


def _to_schema(limit: ApprovalLimit) -> ApprovalLimitSchema:
    return ApprovalLimitSchema(
        amount=None if limit.amount is None else Money.from_minor_units(limit.amount, limit.currency),
        **limit.model_dump(include=set(ApprovalLimitSchema.model_fields) - {"amount"}),
    )
