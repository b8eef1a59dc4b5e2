"""Riel for one dollar, by day and source."""

from typing import Annotated

from fastapi import Query

from app.http.permissions import ExchangeRateReader, ExchangeRateRecorder
from app.http.route import Router
from app.http.session import Session
from app.schemas.fund_statements import CsvImport, CsvImportResult
from app.schemas.ledger import ExchangeRate, ExchangeRateCreate
from app.schemas.wire import Page, PageQuery
from app.services.fund import csv_import as fund_imports
from app.services.fund import exchange_rates

router = Router(prefix="/exchange-rates", tags=["funds"])


@router.post("", status_code=201)
async def create_exchange_rate(
    caller: ExchangeRateRecorder,
    session: Session,
    payload: ExchangeRateCreate,
) -> ExchangeRate:
    """Enter a published rate."""
    return await exchange_rates.create_exchange_rate(session, caller, payload)


@router.get("")
async def list_exchange_rates(
    caller: ExchangeRateReader,
    session: Session,
    page: Annotated[PageQuery, Query()],
) -> Page[ExchangeRate]:
    """List the rates, newest first."""
    return await exchange_rates.list_exchange_rates(session, caller, page)


@router.post("/import")
async def import_exchange_rates(
    caller: ExchangeRateRecorder,
    session: Session,
    payload: CsvImport,
) -> CsvImportResult:
    """Enter a table of rates, all of it or nothing; a dry run only says what is wrong, line by line."""
    return await fund_imports.import_exchange_rates(session, caller, payload)
