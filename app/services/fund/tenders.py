"""Tenders: the amounts handed over in a payment, each converted to the currency of the request."""

from datetime import date
from decimal import Decimal

from sqlalchemy.ext.asyncio import AsyncSession

from app.errors import Fault, InvalidInput
from app.models import Disbursement
from app.models.disbursements import StoredTender
from app.schemas.disbursements import DisbursementPayment, TenderCreate
from app.schemas.money import MINOR_UNITS_PER_UNIT
from app.services.fund import exchange_rates
from app.services.fund.exchange_rates import MAX_RATE_DEVIATION, Rate


async def convert_tenders(
    session: AsyncSession, disbursement: Disbursement, payload: DisbursementPayment
) -> tuple[list[StoredTender], list[Fault]]:
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
        rate, faults = _resolve_rate(
            f"/tenders/{index}/rate", tender, disbursement.currency, payload.paid_on, published_rate
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
    if not unmet and sum(tender["worth"] for tender in tenders) != disbursement.amount:
        detail = "The sum of the tenders must equal the amount of the request."
        unmet.append(Fault("/tenders", "tenders_unequal", detail))
    return tenders, unmet


def _parse_amount(pointer: str, tender: TenderCreate) -> int:
    """Return the amount of a tender in minor units."""
    amount = Decimal(tender.amount) * MINOR_UNITS_PER_UNIT[tender.currency]
    if amount % 1 or not amount:
        detail = "The amount must be greater than 0, and riel must be whole."
        raise InvalidInput([Fault(pointer, "amount_unfit", detail)])
    return int(amount)


def _resolve_rate(
    pointer: str, tender: TenderCreate, currency: str, paid_on: date, published_rate: Rate | None
) -> tuple[Rate | None, list[Fault]]:
    """Return the rate of a tender and the unmet conditions on it.

    A tender in the currency of the request has no rate. Otherwise the rate of the tender counts if it is within
    `MAX_RATE_DEVIATION` of the published rate; a tender without a rate uses the published rate.
    """
    if tender.currency == currency:
        return None, []
    if published_rate is None:
        detail = "No rate is published for that day or an earlier day. Record a rate first."
        return None, [Fault(pointer, "rate_missing", detail)]
    published = published_rate.riel_per_dollar
    riel_per_dollar = Decimal(tender.rate) if tender.rate else published
    if riel_per_dollar == published:
        return published_rate, []
    rate = Rate(riel_per_dollar, paid_on, "payment")
    if abs(riel_per_dollar - published) > MAX_RATE_DEVIATION * published:
        detail = "The rate must be within 5 % of the published rate."
        return rate, [Fault(pointer, "rate_far_off", detail)]
    return rate, []
