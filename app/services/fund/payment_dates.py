"""The day of a payment: after the approval, and at most a week in the past unless a second person has confirmed it."""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Date, func, literal, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.access.caller import Caller
from app.access.permissions import Role
from app.errors import Fault, InvalidInput
from app.kit.dates import CAMBODIA_TIMEZONE, today
from app.kit.pending_changes import ChangeKind, load_pending_changes, request_change
from app.kit.records import get_for_share, validate_expected_version
from app.kit.state_machine import raise_if_unmet
from app.models import Disbursement, PendingChange
from app.schemas.disbursements import PaymentDateCreate
from app.schemas.pending_changes import PaymentDateRequest
from app.services.fund import ledger
from app.services.fund.states import check_separation_of_duties
from app.services.fund.tenders import check_payable

PAYMENT_RECORDING_PERIOD = timedelta(days=7)
"""Time within which one person can record a payment. An older day needs a second person, because it can move the payment
into another month of the books."""


def validate_payment_date(disbursement: Disbursement, paid_on: date) -> None:
    """Check that a payment date is between the request date and today.

    Raises:
        InvalidInput: the date is outside this range.
    """
    requested_on = disbursement.created_at.astimezone(CAMBODIA_TIMEZONE).date()
    if not requested_on <= paid_on <= today():
        detail = "`paid_on` must be between the request date and today."
        raise InvalidInput([Fault("/paid_on", "date_out_of_reach", detail)])


async def check_payment_date(session: AsyncSession, disbursement: Disbursement, paid_on: date) -> list[Fault]:
    """Return the unmet conditions on the day of a payment: it is recent or confirmed, and its books are open."""
    unmet = await ledger.check_books_open(session, paid_on)
    if not _is_recent(paid_on) and not await _is_confirmed(session, disbursement, paid_on):
        detail = (
            f"`paid_on` is more than {PAYMENT_RECORDING_PERIOD.days} days in the past. A second person must confirm it "
            "(see `request-payment-date`)."
        )
        unmet.append(Fault("/paid_on", "payment_date_old", detail, {"days": PAYMENT_RECORDING_PERIOD.days}))
    return unmet


def _is_recent(paid_on: date) -> bool:
    return paid_on >= today() - PAYMENT_RECORDING_PERIOD


async def _is_confirmed(session: AsyncSession, disbursement: Disbursement, paid_on: date) -> bool:
    is_confirmed = func.access.is_payment_date_confirmed(disbursement.id, literal(paid_on, Date))
    return bool(await session.scalar(select(is_confirmed)))


async def request_disbursement_payment_date(
    session: AsyncSession,
    caller: Caller,
    disbursement_id: UUID,
    expected_version: int,
    payload: PaymentDateCreate,
) -> PaymentDateRequest:
    """Request that the payment of a disbursement can be dated more than `PAYMENT_RECORDING_PERIOD` in the past.

    Raises:
        GateRefused: the disbursement is paid or ended, the caller requested or approved it, the day needs no confirmation,
            or its books are closed.
        InvalidInput: the day is before the request date.
    """
    disbursement = await get_for_share(session, Disbursement, disbursement_id)
    validate_expected_version(disbursement, expected_version)
    validate_payment_date(disbursement, payload.paid_on)
    detail = (
        f"`paid_on` is at most {PAYMENT_RECORDING_PERIOD.days} days in the past. Record the payment directly: it needs no "
        "confirmation."
    )
    raise_if_unmet(
        [
            *check_payable(disbursement),
            *check_separation_of_duties(caller, disbursement, exclude_approver=True),
            *([Fault("/paid_on", "payment_date_recent", detail)] if _is_recent(payload.paid_on) else []),
            *await ledger.check_books_open(session, payload.paid_on),
        ]
    )
    content = {"paid_on": payload.paid_on.isoformat(), "disbursement_number": disbursement.number}
    change_id = await request_change(session, PAYMENT_DATE.name, content, record_id=disbursement_id)
    return PaymentDateRequest(pending_changes=await load_pending_changes(session, change_id))


async def _check_nothing(_session: AsyncSession, _change: PendingChange) -> list[Fault]:
    """Return no fault: a confirmed day only permits a payment, which has its own conditions."""
    return []


def _describe_date(payload: Mapping[str, Any]) -> dict[str, Any]:
    return {"payment_date": dict(payload)}


PAYMENT_DATE = ChangeKind(
    "payment_date", _check_nothing, _describe_date, requester_roles=frozenset({Role.finance_officer})
)
