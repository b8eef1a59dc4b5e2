"""Endpoints of exchange rates between US dollar and riel."""

from typing import Annotated

from fastapi import Query

from app.http.permissions import ExchangeRateReader, ExchangeRateRecorder
from app.http.route import Router
from app.http.session import Reader, Session
from app.schemas.csv_imports import CsvImport, CsvImportResult
from app.schemas.ledger import ExchangeRateCreate, ExchangeRateList
from app.schemas.pending_changes import ExchangeRateDecision
from app.schemas.wire import PageQuery
from app.services.fund import csv_import, exchange_rates

router = Router(prefix="/exchange-rates", tags=["funds"])


@router.post("", status_code=201)
async def create_exchange_rate(
    _caller: ExchangeRateRecorder,
    session: Session,
    payload: ExchangeRateCreate,
) -> ExchangeRateDecision:
    """Record an exchange rate.

    Each source has at most one rate a day. A payment is converted at the newest rate for its day or an earlier one. A rate
    that differs by more than 5 % from the last published rate is recorded when a second person confirms it (see
    `/v1/pending-changes`).
    """
    return await exchange_rates.create_exchange_rate(session, payload)


@router.get("")
async def list_exchange_rates(
    caller: ExchangeRateReader,
    reader: Reader,
    page_query: Annotated[PageQuery, Query()],
) -> ExchangeRateList:
    """List exchange rates, newest first.

    The list is sorted by the time when a rate was recorded, not by the day of the rate.
    """
    return await exchange_rates.list_exchange_rates(reader, caller, page_query)


@router.post("/import")
async def import_exchange_rates(
    _caller: ExchangeRateRecorder,
    session: Session,
    payload: CsvImport,
) -> CsvImportResult:
    """Import exchange rates from CSV.

    The columns are `on`, `rate` and `source`. Either all lines are imported or none. A dry run, the default, only reports
    the faults and the normalized values of each line. A rate that needs a confirmation is a fault: record it alone.
    """
    return await csv_import.import_exchange_rates(session, payload)
