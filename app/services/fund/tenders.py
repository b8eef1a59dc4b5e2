"""Tenders: the amounts handed over in a payment, each converted to the currency of the request."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import BigInteger, func, literal, select
from sqlalchemy.ext.asyncio import AsyncSession

from app.access.caller import Caller
from app.access.permissions import Role
from app.errors import Fault, InvalidInput
from app.kit.dates import today
from app.kit.pending_changes import ChangeKind, load_pending_changes, request_change
from app.kit.records import get_for_share, validate_expected_version
from app.kit.state_machine import check_status, raise_if_unmet
from app.models import Disbursement, PendingChange
from app.models.disbursements import StoredTender
from app.schemas.disbursements import DisbursementPayment, PaymentRateCreate, TenderCreate
from app.schemas.money import MINOR_UNITS_PER_UNIT
from app.schemas.pending_changes import PaymentRateRequest
from app.services.fund import exchange_rates
from app.services.fund.exchange_rates import Rate
from app.services.fund.states import PAY, PAY_FIRST, check_separation_of_duties

RATE_MISSING_DETAIL = "No rate is published for that day or an earlier day. Record a rate first."


SMALLEST_NOTE = 100
"""Riel of the smallest bank note in use. A payment in cash can differ from the amount by at most this much."""


class ConvertedTenders(NamedTuple):
    """The tenders of a payment, converted to the currency of the request."""

    tenders: list[StoredTender]
    rounding: int
    """Paid amount minus requested amount, in minor units. See `_is_rounded_to_notes`."""
    unmet: list[Fault]


async def convert_tenders(
    session: AsyncSession, disbursement: Disbursement, payload: DisbursementPayment
) -> ConvertedTenders:
    """Return the tenders of a payment with their value in the request's currency, and the unmet conditions.

    The rate and its source are stored with each tender, so that the conversion can be verified later.

    Raises:
        InvalidInput: a tender is 0 or a fraction of a riel.
    """
    published_rate = await exchange_rates.get_exchange_rate_on(session, payload.paid_on)
    tenders: list[StoredTender] = []
    unmet: list[Fault] = []
    for index, tender in enumerate(payload.tenders):
        amount = _parse_amount(f"/tenders/{index}/amount", tender)
        rate, faults = await _resolve_rate(
            session, f"/tenders/{index}/rate", tender, disbursement, payload.paid_on, published_rate
        )
        unmet += faults
        tenders.append(
            {
                "amount": amount,
                "currency": tender.currency,
                "worth": amount if rate is None else rate.convert(amount, tender.currency),
                "rate": None if rate is None else str(rate.riel_per_dollar),
                "rate_on": None if rate is None else rate.on.isoformat(),
                "rate_source": None if rate is None else rate.source,
            }
        )
    rounding = sum(tender["worth"] for tender in tenders) - disbursement.amount
    is_rounded = payload.method == "cash" and _is_rounded_to_notes(disbursement, tenders, published_rate)
    if not unmet and rounding and not is_rounded:
        detail = (
            "The sum of the tenders must equal the amount of the request. A cash payment may differ by up to 100 riel if no "
            "banknotes give the exact amount."
        )
        unmet.append(Fault("/tenders", "tenders_unequal", detail))
    return ConvertedTenders(tenders, rounding, unmet)


def _is_rounded_to_notes(
    disbursement: Disbursement, tenders: Sequence[StoredTender], published: Rate | None
) -> bool:
    """Return whether a payment differs from the amount only because riel are paid in notes.

    The riel are whole notes, no notes make up exactly what the dollars leave, and the difference is at most
    `SMALLEST_NOTE`.
    """
    riel = sum(tender["amount"] for tender in tenders if tender["currency"] == "KHR")
    dollars_worth = sum(tender["worth"] for tender in tenders if tender["currency"] == "USD")
    remainder = Decimal(disbursement.amount - dollars_worth)
    if disbursement.currency == "USD":
        rates = [Decimal(tender["rate"]) for tender in tenders if tender["rate"] is not None]
        rates += [] if published is None else [published.riel_per_dollar]
        if not rates:
            return False
        remainder = remainder * rates[0] / 100
    is_exact_possible = remainder % SMALLEST_NOTE == 0
    return not riel % SMALLEST_NOTE and not is_exact_possible and abs(riel - remainder) <= SMALLEST_NOTE


def _parse_amount(pointer: str, tender: TenderCreate) -> int:
    """Return the amount of a tender in minor units."""
    amount = Decimal(tender.amount) * MINOR_UNITS_PER_UNIT[tender.currency]
    if amount % 1 or not amount:
        detail = "The amount must be greater than 0, and riel must be whole."
        raise InvalidInput([Fault(pointer, "amount_unfit", detail)])
    return int(amount)


async def _resolve_rate(
    session: AsyncSession,
    pointer: str,
    tender: TenderCreate,
    disbursement: Disbursement,
    paid_on: date,
    published: Rate | None,
) -> tuple[Rate | None, list[Fault]]:
    """Return the rate of a tender, and its unmet conditions.

    A tender in the currency of the request has no rate. A tender without a rate uses the published rate. A rate of the
    tender is accepted if it is within 5 % of the published and the confirmed rate, or if a second person has confirmed it.
    """
    if tender.currency == disbursement.currency:
        return None, []
    if published is None:
        return None, [Fault(pointer, "rate_missing", RATE_MISSING_DETAIL)]
    riel_per_dollar = Decimal(tender.rate) if tender.rate else published.riel_per_dollar
    if riel_per_dollar == published.riel_per_dollar:
        return published, []
    rate = Rate(riel_per_dollar, paid_on, "payment")
    if await exchange_rates.is_within_tolerance(session, rate, published) or await _is_confirmed(
        session, disbursement, rate
    ):
        return rate, []
    detail = (
        "The rate differs by more than 5 % from the published or the last confirmed rate. A second person must confirm it "
        "(see `request-rate`)."
    )
    return rate, [Fault(pointer, "rate_far_off", detail)]


async def _is_confirmed(session: AsyncSession, disbursement: Disbursement, rate: Rate) -> bool:
    hundredths = literal(int(rate.riel_per_dollar * 100), BigInteger)
    is_confirmed = func.access.is_payment_rate_confirmed(disbursement.id, hundredths)
    return bool(await session.scalar(select(is_confirmed)))


async def request_disbursement_rate(
    session: AsyncSession,
    caller: Caller,
    disbursement_id: UUID,
    expected_version: int,
    payload: PaymentRateCreate,
) -> PaymentRateRequest:
    """Request a rate for the payment of a disbursement.

    Needed for a rate that differs by more than 5 % from the published or the confirmed rate.

    Raises:
        GateRefused: the disbursement is paid or ended, the caller requested or approved it, no rate is published, or the
            rate needs no confirmation.
    """
    disbursement = await get_for_share(session, Disbursement, disbursement_id)
    validate_expected_version(disbursement, expected_version)
    published = await exchange_rates.get_exchange_rate_on(session, today())
    rate = Rate(Decimal(payload.rate), today(), "payment")
    raise_if_unmet(
        [
            *check_payable(disbursement),
            *check_separation_of_duties(caller, disbursement, exclude_approver=True),
            *await _check_needs_confirmation(session, rate, published),
        ]
    )
    content = exchange_rates.build_rate_content(rate, published, disbursement.number)
    change_id = await request_change(session, PAYMENT_RATE.name, content, record_id=disbursement_id)
    return PaymentRateRequest(pending_changes=await load_pending_changes(session, change_id))


def check_payable(disbursement: Disbursement) -> list[Fault]:
    """Return a fault unless the disbursement is approved, or an emergency that can be paid before the approval."""
    is_emergency = disbursement.urgency == "emergency" and disbursement.status in PAY_FIRST.sources
    return [] if is_emergency else check_status(PAY, disbursement.status)


async def _check_needs_confirmation(session: AsyncSession, rate: Rate, published: Rate | None) -> list[Fault]:
    if published is None:
        return [Fault("/rate", "rate_missing", RATE_MISSING_DETAIL)]
    if not await exchange_rates.is_within_tolerance(session, rate, published):
        return []
    detail = (
        "The rate is within 5 % of the published and the last confirmed rate. Record the payment directly: it needs no "
        "confirmation."
    )
    return [Fault("/rate", "rate_near", detail)]


async def _check_nothing(_session: AsyncSession, _change: PendingChange) -> list[Fault]:
    """Return no fault: a confirmed rate only permits a payment, which has its own conditions."""
    return []


PAYMENT_RATE = ChangeKind(
    "payment_rate",
    _check_nothing,
    exchange_rates.describe_rate,
    requester_roles=frozenset({Role.finance_officer}),
)
