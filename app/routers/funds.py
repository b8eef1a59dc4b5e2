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
from app.schemas.fund_statements import CsvImport, CsvImportResult
from app.schemas.funds import (
    Deposit,
    DepositCreate,
    Fund,
    FundClosure,
    FundCreate,
    FundFilters,
    FundTransfer,
    FundTransferCreate,
    FundUpdate,
)
from app.schemas.ledger import LedgerEntry, LedgerEntryFilters
from app.schemas.wire import Page, PageQuery
from app.services.fund import close as funds_close
from app.services.fund import csv_import as fund_imports
from app.services.fund import funds
from app.services.fund import transfers as fund_transfers

router = Router(prefix="/funds", tags=["funds"])


@router.post("", status_code=201)
async def create_fund(
    _caller: FundManager,
    session: Session,
    payload: FundCreate,
) -> Fund:
    """Enter a fund; it holds nothing yet."""
    return await funds.create_fund(session, payload)


@router.get("")
async def list_funds(
    caller: FundReader,
    session: Session,
    filters: Annotated[FundFilters, Query()],
) -> Page[Fund]:
    """List the funds, newest first."""
    return await funds.list_funds(session, caller, filters)


@router.get("/{fund_id}")
async def get_fund(
    _caller: FundReader,
    session: Session,
    fund_id: UUID,
) -> Fund:
    """Read one fund, with where its money is."""
    return await funds.get_fund(session, fund_id)


@router.patch("/{fund_id}")
async def update_fund(
    _caller: FundManager,
    session: Session,
    fund_id: UUID,
    expected_version: ExpectedVersion,
    payload: FundUpdate,
) -> Fund:
    """Change what a fund is, and what it may be spent on."""
    return await funds.update_fund(session, fund_id, expected_version, payload)


@router.get("/{fund_id}/ledger")
async def list_fund_ledger_entries(
    caller: FundLedgerReader,
    session: Session,
    fund_id: UUID,
    filters: Annotated[LedgerEntryFilters, Query()],
) -> Page[LedgerEntry]:
    """List a fund's ledger entry by entry, newest first."""
    return await funds.list_fund_ledger_entries(session, caller, fund_id, filters)


@router.post("/{fund_id}/deposits", status_code=201)
async def create_fund_deposit(
    caller: FundDepositRecorder,
    session: Session,
    fund_id: UUID,
    payload: DepositCreate,
) -> Deposit:
    """Enter money that arrived from the donor."""
    return await funds.create_fund_deposit(session, caller, fund_id, payload)


@router.post("/{fund_id}/deposits/import")
async def import_fund_deposits(
    caller: FundDepositRecorder,
    session: Session,
    fund_id: UUID,
    payload: CsvImport,
) -> CsvImportResult:
    """Enter a table of deposits, all of it or nothing; a dry run only says what is wrong, line by line."""
    return await fund_imports.import_fund_deposits(session, caller, fund_id, payload)


@router.post("/{fund_id}/transfers", status_code=201)
async def create_fund_transfer(
    caller: FundTransferRequester,
    session: Session,
    fund_id: UUID,
    payload: FundTransferCreate,
) -> FundTransfer:
    """Ask for a transfer between two lines of the budget; somebody else decides."""
    return await fund_transfers.create_fund_transfer(session, caller, fund_id, payload)


@router.get("/{fund_id}/transfers")
async def list_fund_transfers(
    caller: FundLedgerReader,
    session: Session,
    fund_id: UUID,
    page: Annotated[PageQuery, Query()],
) -> Page[FundTransfer]:
    """List a fund's transfers, newest first."""
    return await fund_transfers.list_fund_transfers(session, caller, fund_id, page)


@router.post("/{fund_id}/close")
async def close_fund(
    caller: FundCloser,
    session: Session,
    fund_id: UUID,
    expected_version: ExpectedVersion,
    payload: FundClosure,
) -> Fund:
    """Close a fund; its rest goes to another fund, or back to the donor."""
    return await funds_close.close_fund(session, caller, fund_id, expected_version, payload)
