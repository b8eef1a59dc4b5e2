"""Approval limits: the largest amount that a role may approve, or pay before the approval in an emergency."""

from typing import Any

from sqlalchemy import ARRAY, BigInteger, ColumnElement, Date, Text, any_, bindparam, literal, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased
from sqlmodel import col

from app.access.caller import Caller
from app.access.reader import RecordReader
from app.errors import Fault
from app.kit.dates import today
from app.kit.list_query import ListQuery
from app.kit.reference_names import staff_names, to_staff_refs
from app.kit.resources import Resource
from app.models import ApprovalLimit
from app.models.record import new_id
from app.schemas.ledger import ApprovalLimit as ApprovalLimitSchema
from app.schemas.ledger import ApprovalLimitCreate, ApprovalLimitList
from app.schemas.money import format_money
from app.schemas.wire import PageQuery

COLUMN_FIELDS = [name for name in ApprovalLimitSchema.model_fields if name in ApprovalLimit.model_fields]


def _row_to_fields(row: Any) -> dict[str, Any]:
    return {
        **dict(zip(COLUMN_FIELDS, row, strict=False)),
        **to_staff_refs(row, "set_by"),
        "amount": None if row.amount is None else format_money(row.amount, row.currency),
    }


LIMITS = Resource(
    ListQuery(
        "approval_limits",
        ApprovalLimit,
        select(
            *(getattr(ApprovalLimit, name) for name in COLUMN_FIELDS), *staff_names(ApprovalLimit, "set_by")
        ),
        sorts={"created_at": col(ApprovalLimit.created_at)},
    ),
    ApprovalLimitSchema,
    ApprovalLimitList,
    _row_to_fields,
)


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
    return await LIMITS.save(session, limit)


async def list_approval_limits(
    reader: RecordReader, caller: Caller, page_query: PageQuery
) -> ApprovalLimitList:
    """Return a page of all approval limits, newest first."""
    return await LIMITS.list_page(reader, caller, page_query)


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
