"""Exchange rates: riel for one US dollar, by day and source."""

from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.caller import Caller
from app.access.reader import RecordReader
from app.kit.dates import validate_not_in_future
from app.kit.list_query import ListQuery
from app.kit.reference_names import staff_names, to_staff_refs
from app.kit.resources import Resource
from app.models import ExchangeRate
from app.schemas.ledger import ExchangeRate as ExchangeRateSchema
from app.schemas.ledger import ExchangeRateCreate, ExchangeRateList
from app.schemas.wire import PageQuery

MAX_RATE_DEVIATION = Decimal("0.05")
"""A rate in a payment can differ from the published rate by at most this share. A larger difference is probably a typing
error."""


COLUMN_FIELDS = [name for name in ExchangeRateSchema.model_fields if name in ExchangeRate.model_fields]


def _row_to_fields(row: Any) -> dict[str, Any]:
    return {
        **dict(zip(COLUMN_FIELDS, row, strict=False)),
        **to_staff_refs(row, "recorded_by"),
        "rate": str(Decimal(row.riel_hundredths).scaleb(-2)),
    }


RATES = Resource(
    ListQuery(
        "exchange_rates",
        ExchangeRate,
        select(
            *(getattr(ExchangeRate, name) for name in COLUMN_FIELDS),
            *staff_names(ExchangeRate, "recorded_by"),
            col(ExchangeRate.riel_hundredths),
        ),
        sorts={"created_at": col(ExchangeRate.created_at)},
    ),
    ExchangeRateSchema,
    ExchangeRateList,
    _row_to_fields,
)


@dataclass(frozen=True, slots=True)
class Rate:
    """Riel for one US dollar on a day, according to a source."""

    riel_per_dollar: Decimal
    on: date
    source: str

    def convert(self, amount: int, currency: str) -> int:
        """Convert cents to riel, or riel to cents, and round half up."""
        converted = (
            amount * self.riel_per_dollar / 100 if currency == "USD" else amount * 100 / self.riel_per_dollar
        )
        return int(converted.quantize(Decimal(1), ROUND_HALF_UP))


async def create_exchange_rate(
    session: AsyncSession, caller: Caller, payload: ExchangeRateCreate
) -> ExchangeRateSchema:
    """Store a published rate.

    Raises:
        AlreadyExists: the rate of that source and day exists.
        InvalidInput: the day is in the future.
    """
    validate_not_in_future({"/on": payload.on})
    return await RATES.save(session, build_exchange_rate(caller, payload))


def build_exchange_rate(caller: Caller, payload: ExchangeRateCreate) -> ExchangeRate:
    """Return a new rate, not yet stored."""
    return ExchangeRate(
        on=payload.on,
        source=payload.source,
        riel_hundredths=int(Decimal(payload.rate) * 100),
        recorded_by_id=caller.id,
    )


async def list_exchange_rates(
    reader: RecordReader, caller: Caller, page_query: PageQuery
) -> ExchangeRateList:
    """Return a page of the exchange rates, newest first."""
    return await RATES.list_page(reader, caller, page_query)


async def get_exchange_rate_on(session: AsyncSession, day: date) -> Rate | None:
    """Return the newest rate that was published for a day or an earlier day."""
    query = select(ExchangeRate).where(col(ExchangeRate.on) <= day)
    query = query.order_by(col(ExchangeRate.on).desc(), col(ExchangeRate.created_at).desc()).limit(1)
    rate = await session.scalar(query)
    return None if rate is None else Rate(Decimal(rate.riel_hundredths) / 100, rate.on, rate.source)
