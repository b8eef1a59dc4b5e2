"""Endpoints of funds: settings, ledger entries, deposits, transfers and closure."""

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
from app.http.session import ExpectedVersion, Reader, Session
from app.schemas.csv_imports import CsvImport, CsvImportResult
from app.schemas.deposits import Deposit, DepositCreate, DepositFilters, DepositList
from app.schemas.funds import (
    Fund,
    FundClosure,
    FundCreate,
    FundFilters,
    FundList,
    FundTransfer,
    FundTransferCreate,
    FundTransferFilters,
    FundTransferList,
    FundUpdate,
)
from app.schemas.ledger import LedgerEntryFilters, LedgerEntryList
from app.services.fund import close_fund as fund_closure
from app.services.fund import csv_import, deposits, fund_responses, funds, ledger_entries, transfers

router = Router(prefix="/funds", tags=["funds"])


@router.post("", status_code=201)
async def create_fund(
    _caller: FundManager,
    session: Session,
    payload: FundCreate,
) -> Fund:
    """Create a fund.

    The fund has no money until a deposit is recorded. Its name must be unique, and its currency cannot be changed.
    """
    return await funds.create_fund(session, payload)


@router.get("")
async def list_funds(
    caller: FundReader,
    reader: Reader,
    filters: Annotated[FundFilters, Query()],
) -> FundList:
    """List funds, newest first unless `sort` is given.

    Each item includes the balances and budget lines of the fund.
    """
    return await fund_responses.list_funds(reader, caller, filters)


@router.get("/{fund_id}")
async def get_fund(
    _caller: FundReader,
    reader: Reader,
    fund_id: UUID,
) -> Fund:
    """Get a fund.

    The balances are read from the ledger, in total and for each budget line.
    """
    return await fund_responses.get_fund(reader, fund_id)


@router.patch("/{fund_id}")
async def update_fund(
    _caller: FundManager,
    session: Session,
    fund_id: UUID,
    expected_version: ExpectedVersion,
    payload: FundUpdate,
) -> Fund:
    """Update the settings of a fund.

    Approved requests stay approved. A budget line with money cannot be removed.
    """
    return await funds.update_fund(session, fund_id, expected_version, payload)


@router.get("/{fund_id}/ledger")
async def list_fund_ledger_entries(
    caller: FundLedgerReader,
    reader: Reader,
    fund_id: UUID,
    filters: Annotated[LedgerEntryFilters, Query()],
) -> LedgerEntryList:
    """List the ledger entries of a fund, newest first.

    Entries are never changed or deleted: a correction is a new transaction.
    """
    return await ledger_entries.list_fund_ledger_entries(reader, caller, fund_id, filters)


@router.post("/{fund_id}/deposits", status_code=201)
async def create_fund_deposit(
    caller: FundDepositRecorder,
    session: Session,
    fund_id: UUID,
    payload: DepositCreate,
) -> Deposit:
    """Record a deposit.

    A deposit is money received from the donor. It is immediately available on its budget line. A bank reference that
    another deposit of the fund uses is rejected unless `duplicate_reason` is given.
    """
    return await deposits.create_fund_deposit(session, caller, fund_id, payload)


@router.get("/{fund_id}/deposits")
async def list_fund_deposits(
    caller: FundLedgerReader,
    reader: Reader,
    fund_id: UUID,
    filters: Annotated[DepositFilters, Query()],
) -> DepositList:
    """List the deposits of a fund, newest first.

    The list contains reversed deposits too.
    """
    return await deposits.list_fund_deposits(reader, caller, fund_id, filters)


@router.post("/{fund_id}/deposits/import")
async def import_fund_deposits(
    caller: FundDepositRecorder,
    session: Session,
    fund_id: UUID,
    payload: CsvImport,
) -> CsvImportResult:
    """Import deposits from CSV.

    The columns are `received_on`, `amount`, `reference`, and optionally `line` and `duplicate_reason`. Either all lines are
    imported or none. A dry run, the default, only reports the faults and the normalized values of each line.
    """
    return await csv_import.import_fund_deposits(session, caller, fund_id, payload)


@router.post("/{fund_id}/transfers", status_code=201)
async def create_fund_transfer(
    caller: FundTransferRequester,
    session: Session,
    fund_id: UUID,
    payload: FundTransferCreate,
) -> FundTransfer:
    """Request a transfer between two budget lines.

    The money is moved when another person approves the transfer.
    """
    return await transfers.create_fund_transfer(session, caller, fund_id, payload)


@router.get("/{fund_id}/transfers")
async def list_fund_transfers(
    caller: FundLedgerReader,
    reader: Reader,
    fund_id: UUID,
    filters: Annotated[FundTransferFilters, Query()],
) -> FundTransferList:
    """List the transfers of a fund, newest first.

    The list contains undecided, approved and rejected transfers.
    """
    return await transfers.list_fund_transfers(reader, caller, fund_id, filters)


@router.post("/{fund_id}/close")
async def close_fund(
    caller: FundCloser,
    session: Session,
    fund_id: UUID,
    expected_version: ExpectedVersion,
    payload: FundClosure,
) -> Fund:
    """Close a fund.

    All money must be spent or available: no approved request may be unpaid, and no payment may be unreconciled. The
    remaining money goes to another fund in the same currency or back to the donor.
    """
    return await fund_closure.close_fund(session, caller, fund_id, expected_version, payload)
