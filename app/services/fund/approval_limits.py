"""Approval limits: the largest amount that a role may approve, or pay before the approval in an emergency."""

from collections.abc import Mapping
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    Date,
    Text,
    any_,
    bindparam,
    func,
    literal,
    or_,
    select,
)
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased
from sqlmodel import col

from app.access.caller import Caller
from app.access.reader import ReadQuery, RecordReader, session_reader
from app.access.session_records import record_function_insert
from app.errors import AlreadyExists, Fault
from app.kit.dates import today
from app.kit.list_query import ListQuery
from app.kit.pending_changes import (
    ChangeKind,
    call_function,
    load_pending_changes,
    request_change,
)
from app.kit.reference_names import staff_names, to_staff_refs
from app.kit.resources import Resource
from app.models import ApprovalLimit, Disbursement, PendingChange
from app.models.record import new_id
from app.schemas.ledger import ApprovalLimit as ApprovalLimitSchema
from app.schemas.ledger import ApprovalLimitCreate, ApprovalLimitList
from app.schemas.money import format_money
from app.schemas.pending_changes import ApprovalLimitDecision
from app.schemas.wire import PageQuery

ABOVE_CASE_LIMIT_DETAILS = {
    "approve_case_month": "Together with the other approvals for this child in this month, in all currencies, the amount "
    "exceeds the limit of your role.",
    "pay_first_case_day": "Together with the other emergency payments for this child on this day, in all currencies, the "
    "amount exceeds the limit of your role.",
}
LIMIT_RATE_MISSING_DETAIL = (
    "Earlier amounts for this child are in another currency, and no exchange rate is published for their day or an earlier "
    "day. Record a rate first."
)
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


LIMIT_OF_DAY = ReadQuery(
    LIMITS.query.columns.where(
        *(col(getattr(ApprovalLimit, name)) == bindparam(name) for name in ("role", "act", "currency")),
        col(ApprovalLimit.starts_on) <= bindparam("starts_on"),
    )
    .order_by(col(ApprovalLimit.starts_on).desc())
    .limit(1)
)
"""The limit for a role, act and currency that applies on a day."""


async def create_approval_limit(session: AsyncSession, payload: ApprovalLimitCreate) -> ApprovalLimitDecision:
    """Set an approval limit, or request it if it is higher than the limit that it replaces. Earlier limits are kept.

    Raises:
        AlreadyExists: a limit for the same role, act, currency and day exists.
    """
    amount = payload.amount.minor_units if payload.amount else None
    if await _find_limit(session, payload.role, payload.act, payload.currency, payload.starts_on):
        raise AlreadyExists("A limit for the same role, act, currency and day exists already.")
    limit_id = new_id()
    call = func.access.insert_lower_approval_limit(
        limit_id, payload.role, payload.act, payload.currency, literal(amount, BigInteger), payload.starts_on
    )
    change_id = None
    if await call_function(session, call):
        await record_function_insert(session, ApprovalLimit, limit_id)
    else:
        content = payload.model_dump(mode="json", include={"role", "act", "currency", "starts_on"})
        change_id = await request_change(session, APPROVAL_LIMIT.name, {**content, "amount": amount})
    return await _load_decision(session, payload, change_id)


async def _load_decision(
    session: AsyncSession, payload: ApprovalLimitCreate, change_id: UUID | None
) -> ApprovalLimitDecision:
    reader = session_reader(session)
    key = payload.model_dump(include={"role", "act", "currency", "starts_on"})
    limit = await reader.fetch_one(LIMIT_OF_DAY, **key)
    return ApprovalLimitDecision(
        effective=None if limit is None else ApprovalLimitSchema(**_row_to_fields(limit)),
        pending_changes=await load_pending_changes(session, change_id),
    )


async def _find_limit(
    session: AsyncSession, role: str, act: str, currency: str, starts_on: date
) -> UUID | None:
    limit = select(col(ApprovalLimit.id)).where(
        col(ApprovalLimit.role) == role,
        col(ApprovalLimit.act) == act,
        col(ApprovalLimit.currency) == currency,
        col(ApprovalLimit.starts_on) == starts_on,
    )
    return await session.scalar(limit)


async def _find_requested_limit(session: AsyncSession, change: PendingChange) -> UUID | None:
    key = change.payload
    starts_on = date.fromisoformat(key["starts_on"])
    return await _find_limit(session, key["role"], key["act"], key["currency"], starts_on)


async def _check_limit(session: AsyncSession, change: PendingChange) -> list[Fault]:
    if await _find_requested_limit(session, change) is None:
        return []
    return [Fault(None, "already_done", "A limit for the same role, act, currency and day exists already.")]


async def _log_limit(session: AsyncSession, change: PendingChange) -> None:
    limit_id = await _find_requested_limit(session, change)
    if limit_id is not None:
        await record_function_insert(session, ApprovalLimit, limit_id)


def _describe_limit(payload: Mapping[str, Any]) -> dict[str, Any]:
    amount = payload["amount"]
    money = None if amount is None else format_money(amount, payload["currency"])
    return {"approval_limit": {**payload, "amount": money}}


APPROVAL_LIMIT = ChangeKind("approval_limit", _check_limit, _describe_limit, complete=_log_limit)


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


async def check_case_limit(
    session: AsyncSession, disbursement: Disbursement, act: str, amount: int
) -> list[Fault]:
    """Return a fault if the amount, added to earlier amounts for the child, exceeds the limit of the caller.

    The act is `approve_case_month` or `pay_first_case_day`. The disbursements of all cases of the child count, in both
    currencies, and by the time at which they were approved or recorded as paid. Concurrent acts on these disbursements
    wait.
    """
    call = func.access.find_case_limit_fault(
        disbursement.case_id,
        disbursement.id,
        act,
        disbursement.currency,
        literal(amount, BigInteger),
        literal(today(), Date),
    )
    code = await session.scalar(select(call))
    if code is None:
        return []
    if code == "rate_missing":
        return [Fault("/amount", "rate_missing", LIMIT_RATE_MISSING_DETAIL)]
    return [Fault("/amount", "above_case_limit", ABOVE_CASE_LIMIT_DETAILS[act])]


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
