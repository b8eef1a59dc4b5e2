"""Funds: what donors gave, and where it is."""

from typing import Annotated
from uuid import UUID

from fastapi import Query

from app.http.permissions import (
    FundCloser,
    FundDepositRecorder,
    FundLedgerReader,
    FundManager,
    FundReader,
    FundTransferRequester,
)
from app.http.route import Router
from app.http.session import ExpectedVersion, Session
from app.schemas.fund_statements import Imported, TableIn
from app.schemas.funds import (
    DepositIn,
    DepositOut,
    FundClosing,
    FundFilters,
    FundIn,
    FundOut,
    FundPatch,
    FundTransferIn,
    FundTransferOut,
)
from app.schemas.ledger import LedgerEntryOut, LedgerFilters
from app.schemas.wire import Page, PageQuery
from app.services.fund import close as funds_close
from app.services.fund import csv_import as fund_imports
from app.services.fund import funds
from app.services.fund import transfers as fund_transfers

router = Router(prefix="/funds", tags=["funds"])


@router.post("", status_code=201)
async def register(
    _caller: FundManager,
    session: Session,
    payload: FundIn,
) -> FundOut:
    """Enter a fund; it holds nothing yet."""
    return await funds.create_fund(session, payload)


@router.get("")
async def listed(
    caller: FundReader,
    session: Session,
    filters: Annotated[FundFilters, Query()],
) -> Page[FundOut]:
    """List the funds, newest first."""
    return await funds.list_funds(session, caller, filters)


@router.get("/{fund_id}")
async def read(
    _caller: FundReader,
    session: Session,
    fund_id: UUID,
) -> FundOut:
    """Read one fund, with where its money is."""
    return await funds.get_fund(session, fund_id)


@router.patch("/{fund_id}")
async def change(
    _caller: FundManager,
    session: Session,
    fund_id: UUID,
    expected_version: ExpectedVersion,
    payload: FundPatch,
) -> FundOut:
    """Change what a fund is, and what it may be spent on."""
    return await funds.update_fund(session, fund_id, expected_version, payload)


@router.get("/{fund_id}/ledger")
async def ledger(
    caller: FundLedgerReader,
    session: Session,
    fund_id: UUID,
    filters: Annotated[LedgerFilters, Query()],
) -> Page[LedgerEntryOut]:
    """List a fund's ledger entry by entry, newest first."""
    return await funds.list_fund_ledger_entries(session, caller, fund_id, filters)


@router.post("/{fund_id}/deposits", status_code=201)
async def deposit(
    caller: FundDepositRecorder,
    session: Session,
    fund_id: UUID,
    payload: DepositIn,
) -> DepositOut:
    """Enter money that arrived from the donor."""
    return await funds.create_fund_deposit(session, caller, fund_id, payload)


@router.post("/{fund_id}/deposits/import")
async def import_deposits(
    caller: FundDepositRecorder,
    session: Session,
    fund_id: UUID,
    payload: TableIn,
) -> Imported:
    """Enter a table of deposits, all of it or nothing; a dry run only says what is wrong, line by line."""
    return await fund_imports.import_fund_deposits(session, caller, fund_id, payload)


@router.post("/{fund_id}/transfers", status_code=201)
async def ask_transfer(
    caller: FundTransferRequester,
    session: Session,
    fund_id: UUID,
    payload: FundTransferIn,
) -> FundTransferOut:
    """Ask for a transfer between two lines of the budget; somebody else decides."""
    return await fund_transfers.create_fund_transfer(session, caller, fund_id, payload)


@router.get("/{fund_id}/transfers")
async def transfers(
    caller: FundLedgerReader,
    session: Session,
    fund_id: UUID,
    page: Annotated[PageQuery, Query()],
) -> Page[FundTransferOut]:
    """List a fund's transfers, newest first."""
    return await fund_transfers.list_fund_transfers(session, caller, fund_id, page)


@router.post("/{fund_id}/close")
async def close(
    caller: FundCloser,
    session: Session,
    fund_id: UUID,
    expected_version: ExpectedVersion,
    payload: FundClosing,
) -> FundOut:
    """Close a fund; its rest goes to another fund, or back to the donor."""
    return await funds_close.close_fund(session, caller, fund_id, expected_version, payload)
