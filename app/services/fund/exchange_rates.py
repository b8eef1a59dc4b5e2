"""Exchange rates: riel for one dollar, with the day and the source; money is converted with one of these, or not at all."""

from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.caller import Caller
from app.kit.dates import validate_not_in_future
from app.kit.pagination import Paginator
from app.models import ExchangeRate
from app.schemas.ledger import ExchangeRate as ExchangeRateSchema
from app.schemas.ledger import ExchangeRateCreate
from app.schemas.wire import Page, PageQuery

MAX_RATE_DEVIATION = Decimal("0.05")
"""A money changer's rate lies within five hundredths of the published one; further off it is a slip of writing."""


@dataclass(frozen=True, slots=True)
class Rate:
    """Riel for one dollar, and who says so for which day."""

    riel_per_dollar: Decimal
    on: date
    source: str

    def convert(self, minor: int, of: str) -> int:
        """Return what cents are worth in riel, or riel in cents: to the nearest whole one."""
        found = minor * self.riel_per_dollar / 100 if of == "USD" else minor * 100 / self.riel_per_dollar
        return int(found.quantize(Decimal(1), ROUND_HALF_UP))


async def create_exchange_rate(
    session: AsyncSession, caller: Caller, payload: ExchangeRateCreate
) -> ExchangeRateSchema:
    """Enter a published rate.

    Raises:
        AlreadyExists: the source's rate of that day is entered.
        InvalidInput: the day has not come.
    """
    validate_not_in_future({"/on": payload.on})
    rate = build_exchange_rate(caller, payload)
    session.add(rate)
    await session.flush()  # a second one of the day must surface before the answer leaves
    return _to_schema(rate)


def build_exchange_rate(caller: Caller, payload: ExchangeRateCreate) -> ExchangeRate:
    """Return a rate as it is stored."""
    return ExchangeRate(
        on=payload.on,
        source=payload.source,
        riel_hundredths=int(Decimal(payload.rate) * 100),
        recorded_by_id=caller.id,
    )


async def list_exchange_rates(
    session: AsyncSession, caller: Caller, page: PageQuery
) -> Page[ExchangeRateSchema]:
    """List the rates, newest first."""
    paging = Paginator("exchange_rates", page.limit, page.cursor, {"for": caller.id})
    rows, cursor = await paging.fetch_records(
        session, select(ExchangeRate), col(ExchangeRate.created_at), col(ExchangeRate.id)
    )
    return Page(items=[_to_schema(row) for row in rows], next_cursor=cursor)


async def get_exchange_rate_on(session: AsyncSession, day: date) -> Rate | None:
    """Return the rate in force on a day: the newest published until then."""
    query = select(ExchangeRate).where(col(ExchangeRate.on) <= day)
    query = query.order_by(col(ExchangeRate.on).desc(), col(ExchangeRate.created_at).desc()).limit(1)
    found = await session.scalar(query)
    return None if found is None else Rate(Decimal(found.riel_hundredths) / 100, found.on, found.source)


def _to_schema(rate: ExchangeRate) -> ExchangeRateSchema:
    return ExchangeRateSchema(
        rate=str(Decimal(rate.riel_hundredths).scaleb(-2)),
        **rate.model_dump(include=set(ExchangeRateSchema.model_fields) - {"rate"}),
    )
