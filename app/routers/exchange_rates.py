"""Riel for one dollar, by day and source."""

from typing import Annotated

from fastapi import Depends, Query

from app.access.actor import Actor
from app.access.permissions import Permission
from app.http.authorization import Requires
from app.http.route import Router
from app.http.session import Session
from app.schemas.fund_statements import Imported, TableIn
from app.schemas.ledger import ExchangeRateIn, ExchangeRateOut
from app.schemas.wire import Page, PageQuery
from app.services.fund import csv_import as fund_imports
from app.services.fund import exchange_rates

router = Router(prefix="/exchange-rates", tags=["funds"])


@router.post("", status_code=201)
async def record(
    actor: Annotated[Actor, Depends(Requires(Permission.exchange_rate_record))],
    session: Session,
    body: ExchangeRateIn,
) -> ExchangeRateOut:
    """Enter a published rate."""
    return await exchange_rates.record(session, actor, body)


@router.get("")
async def listed(
    actor: Annotated[Actor, Depends(Requires(Permission.exchange_rate_read))],
    session: Session,
    page: Annotated[PageQuery, Query()],
) -> Page[ExchangeRateOut]:
    """List the rates, newest first."""
    return await exchange_rates.listed(session, actor, page)


@router.post("/import")
async def import_rates(
    actor: Annotated[Actor, Depends(Requires(Permission.exchange_rate_record))],
    session: Session,
    body: TableIn,
) -> Imported:
    """Enter a table of rates, all of it or nothing; a dry run only says what is wrong, line by line."""
    return await fund_imports.rates(session, actor, body)
