"""Exchange rates: riel for one US dollar, by day and source."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, BigInteger, Date, Text, Uuid, func, literal, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.caller import Caller
from app.access.permissions import Role
from app.access.reader import RecordReader, session_reader
from app.access.session_records import record_function_insert
from app.errors import AlreadyExists, Fault
from app.kit.list_query import ListQuery
from app.kit.pending_changes import ChangeKind, call_function, load_pending_changes, request_change
from app.kit.reference_names import staff_names, to_staff_refs
from app.kit.resources import Resource
from app.models import ExchangeRate, PendingChange
from app.models.record import new_id
from app.schemas.ledger import ExchangeRate as ExchangeRateSchema
from app.schemas.ledger import ExchangeRateCreate, ExchangeRateList
from app.schemas.pending_changes import ExchangeRateDecision
from app.schemas.wire import PageQuery

MAX_RATE_DEVIATION = Decimal("0.05")
"""A rate of a payment that differs by more than this share from the published or the confirmed rate needs a second person.
`access.list_deviating_rates()` has the same share for published rates."""


COLUMN_FIELDS = [name for name in ExchangeRateSchema.model_fields if name in ExchangeRate.model_fields]


def _row_to_fields(row: Any) -> dict[str, Any]:
    return {
        **dict(zip(COLUMN_FIELDS, row, strict=False)),
        **to_staff_refs(row, "recorded_by", "confirmed_by"),
        "rate": _format_rate(row.riel_hundredths),
    }


RATES = Resource(
    ListQuery(
        "exchange_rates",
        ExchangeRate,
        select(
            *(getattr(ExchangeRate, name) for name in COLUMN_FIELDS),
            *staff_names(ExchangeRate, "recorded_by", "confirmed_by"),
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


async def create_exchange_rate(session: AsyncSession, payload: ExchangeRateCreate) -> ExchangeRateDecision:
    """Store a published rate, or request its confirmation.

    A rate needs a confirmation if it differs by more than 5 % from the confirmed or the last published rate.

    Raises:
        AlreadyExists: the rate of that source and day exists.
    """
    if await _find_rate(session, payload.on, payload.source):
        raise AlreadyExists("A rate of this source for this day exists already.")
    (rate_id,) = await insert_rates_within_tolerance(session, [payload]) or (None,)
    if rate_id is not None:
        return ExchangeRateDecision(
            effective=await RATES.get(session_reader(session), rate_id), pending_changes=[]
        )
    published = await get_exchange_rate_on(session, payload.on)
    rate = Rate(Decimal(payload.rate), payload.on, payload.source)
    change_id = await request_change(session, EXCHANGE_RATE.name, build_rate_content(rate, published))
    return ExchangeRateDecision(
        effective=None, pending_changes=await load_pending_changes(session, change_id)
    )


async def insert_rates_within_tolerance(
    session: AsyncSession, payloads: Sequence[ExchangeRateCreate]
) -> list[UUID] | None:
    """Insert published rates and return their ids. Insert none and return None if one needs a second person."""
    ids = [new_id() for _ in payloads]
    columns = _build_columns(payloads)
    sources = literal([payload.source for payload in payloads], ARRAY(Text))
    call = func.access.insert_rates_within_tolerance(literal(ids, ARRAY(Uuid)), *columns, sources)
    if not await call_function(session, call):
        return None
    for rate_id in ids:
        await record_function_insert(session, ExchangeRate, rate_id)
    return ids


async def list_deviating_rates(session: AsyncSession, payloads: Sequence[ExchangeRateCreate]) -> set[int]:
    """Return the positions of the rates, from 0, that need the confirmation of a second person."""
    positions = await session.scalars(select(func.access.list_deviating_rates(*_build_columns(payloads))))
    return {position - 1 for position in positions}


def _build_columns(payloads: Sequence[ExchangeRateCreate]) -> tuple[Any, Any]:
    days = literal([payload.on for payload in payloads], ARRAY(Date))
    rates = [_to_hundredths(Decimal(payload.rate)) for payload in payloads]
    return days, literal(rates, ARRAY(BigInteger))


def _to_hundredths(riel_per_dollar: Decimal) -> int:
    return int(riel_per_dollar * 100)


def _format_rate(hundredths: int) -> str:
    return str(Decimal(hundredths).scaleb(-2))


def build_rate_content(
    rate: Rate, published: Rate | None, disbursement_number: str | None = None
) -> dict[str, Any]:
    """Return the payload of a pending change for a rate."""
    return {
        "on": rate.on.isoformat(),
        "riel_hundredths": _to_hundredths(rate.riel_per_dollar),
        "source": rate.source,
        "published_hundredths": None if published is None else _to_hundredths(published.riel_per_dollar),
        "disbursement_number": disbursement_number,
    }


def describe_rate(payload: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a pending change for the payload of a rate."""
    published = payload["published_hundredths"]
    rate = {
        "rate": _format_rate(payload["riel_hundredths"]),
        "published_rate": None if published is None else _format_rate(published),
    }
    return {"exchange_rate": rate | {name: payload[name] for name in ("on", "source", "disbursement_number")}}


async def _find_rate(session: AsyncSession, day: date, source: str) -> UUID | None:
    query = select(col(ExchangeRate.id)).where(
        col(ExchangeRate.on) == day, col(ExchangeRate.source) == source
    )
    return await session.scalar(query)


async def _find_requested_rate(session: AsyncSession, change: PendingChange) -> UUID | None:
    return await _find_rate(session, date.fromisoformat(change.payload["on"]), change.payload["source"])


async def _check_rate(session: AsyncSession, change: PendingChange) -> list[Fault]:
    if await _find_requested_rate(session, change) is None:
        return []
    return [Fault(None, "already_done", "A rate of this source for this day exists already.")]


async def _log_rate(session: AsyncSession, change: PendingChange) -> None:
    rate_id = await _find_requested_rate(session, change)
    if rate_id is not None:
        await record_function_insert(session, ExchangeRate, rate_id)


EXCHANGE_RATE = ChangeKind(
    "exchange_rate",
    _check_rate,
    describe_rate,
    requester_roles=frozenset({Role.finance_officer}),
    complete=_log_rate,
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


async def is_within_tolerance(session: AsyncSession, rate: Rate, published: Rate) -> bool:
    """Return whether a rate is within `MAX_RATE_DEVIATION` of the published rate and of the confirmed rate of its day."""
    hundredths = await session.scalar(select(func.access.get_confirmed_rate(rate.on)))
    confirmed = published.riel_per_dollar if hundredths is None else Decimal(hundredths) / 100
    return all(
        abs(rate.riel_per_dollar - known) <= MAX_RATE_DEVIATION * known
        for known in (published.riel_per_dollar, confirmed)
    )
