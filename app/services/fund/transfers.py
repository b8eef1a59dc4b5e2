"""Transfers between budget lines of a fund: one person requests, another person decides."""

from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.caller import Caller
from app.access.permissions import Permission
from app.access.reader import RecordReader, session_reader
from app.errors import Fault, InvalidInput
from app.kit.dates import today
from app.kit.list_query import ListQuery, is_one_of
from app.kit.records import ensure_visible, get_for_share, get_version_for_update
from app.kit.reference_names import staff_names, to_ref, to_staff_refs
from app.kit.resources import Resource
from app.kit.state_machine import Transition, check_status, raise_if_unmet
from app.models import Fund, FundTransfer
from app.models.record import new_id, utc_now
from app.schemas.funds import FundTransfer as FundTransferSchema
from app.schemas.funds import FundTransferCreate, FundTransferFilters, FundTransferList
from app.schemas.money import format_money
from app.services.fund import ledger
from app.services.fund.funds import check_fund_open, validate_currency, validate_fund_line
from app.services.fund.ledger import NewLedgerTransaction, Posting

INITIAL_STATUS = "requested"
APPROVE = Transition(
    "approve",
    frozenset({INITIAL_STATUS}),
    "approved",
    Permission.fund_decide_transfer,
    "by a person who is not the requester; the source line has enough money",
)
REJECT = Transition(
    "reject",
    frozenset({INITIAL_STATUS}),
    "rejected",
    Permission.fund_decide_transfer,
    "by a person who is not the requester",
)
TRANSITIONS = (APPROVE, REJECT)


COLUMN_FIELDS = [name for name in FundTransferSchema.model_fields if name in FundTransfer.model_fields]


def _row_to_fields(row: Any) -> dict[str, Any]:
    return {
        **dict(zip(COLUMN_FIELDS, row, strict=False)),
        **to_staff_refs(row, "asked_by", "decided_by"),
        "fund": to_ref(row.fund_id, row.fund_name),
        "amount": format_money(row.amount, row.currency),
    }


TRANSFERS = Resource(
    ListQuery(
        "fund_transfers",
        FundTransfer,
        select(
            *(getattr(FundTransfer, name) for name in COLUMN_FIELDS),
            *staff_names(FundTransfer, "asked_by", "decided_by"),
            col(Fund.name).label("fund_name"),
            col(Fund.currency),
        ).join(Fund, col(Fund.id) == col(FundTransfer.fund_id)),
        filters={
            "fund_id": col(FundTransfer.fund_id) == bindparam("fund_id"),
            "status": is_one_of(col(FundTransfer.status), "status"),
        },
        sorts={"created_at": col(FundTransfer.created_at)},
    ),
    FundTransferSchema,
    FundTransferList,
    _row_to_fields,
)


async def create_fund_transfer(
    session: AsyncSession, caller: Caller, fund_id: UUID, payload: FundTransferCreate
) -> FundTransferSchema:
    """Request a transfer between two budget lines of a fund.

    Raises:
        GateRefused: the fund is closed.
        InvalidInput: a budget line does not exist, both are the same, or the amount is in another currency.
        AlreadyExists: the id is taken.
    """
    fund = await get_for_share(session, Fund, fund_id)
    validate_currency("/amount/currency", payload.amount.currency, fund.currency)
    validate_fund_line("/from_line", payload.from_line, fund)
    validate_fund_line("/to_line", payload.to_line, fund)
    if payload.from_line == payload.to_line:
        detail = "`to_line` must differ from `from_line`."
        raise InvalidInput([Fault("/to_line", "same_line", detail)])
    raise_if_unmet(check_fund_open(fund))
    transfer = FundTransfer(
        id=payload.id or new_id(),
        fund_id=fund.id,
        amount=payload.amount.minor_units,
        asked_by_id=caller.id,
        **payload.model_dump(include={"from_line", "to_line", "reason"}),
    )
    return await TRANSFERS.save(session, transfer)


async def list_fund_transfers(
    reader: RecordReader, caller: Caller, fund_id: UUID, filters: FundTransferFilters
) -> FundTransferList:
    """Return a page of the transfers of a fund, newest first.

    Raises:
        NotFound: the fund does not exist.
    """
    page = await TRANSFERS.list_page(reader, caller, filters, within={"fund_id": fund_id})
    if not page.items:
        await ensure_visible(reader, Fund, fund_id)
    return page


async def get_fund_transfer(reader: RecordReader, transfer_id: UUID) -> FundTransferSchema:
    """Return one transfer.

    Raises:
        NotFound: the transfer does not exist.
    """
    return await TRANSFERS.get(reader, transfer_id)


async def approve_fund_transfer(
    session: AsyncSession, caller: Caller, transfer_id: UUID, expected_version: int
) -> FundTransferSchema:
    """Approve a transfer and move the money.

    Raises:
        GateRefused: the caller requested the transfer, it is decided already, `from_line` has too little money, or the
            fund or the books of today are closed.
    """
    transfer = await get_version_for_update(session, FundTransfer, transfer_id, expected_version)
    fund = await get_for_share(session, Fund, transfer.fund_id)
    raise_if_unmet(
        [
            *_check_lines_exist(transfer, fund),
            *check_status(APPROVE, transfer.status),
            *_check_not_requester(transfer, caller),
            *check_fund_open(fund),
            *await ledger.check_books_open(session, today()),
            *await ledger.check_available_balance(session, fund, transfer.from_line, transfer.amount),
        ]
    )
    _set_decision(transfer, caller, APPROVE)
    await session.flush()  # the ledger transaction references the transfer
    transaction = NewLedgerTransaction(
        "transfer", today(), fund.id, transfer_id=transfer.id, reference=transfer.reason
    )
    postings = [
        Posting(fund.id, transfer.from_line, "available", -transfer.amount),
        Posting(fund.id, transfer.to_line, "available", transfer.amount),
    ]
    await ledger.post_transaction(session, caller, transaction, postings)
    return await TRANSFERS.get(session_reader(session), transfer_id)


async def reject_fund_transfer(
    session: AsyncSession, caller: Caller, transfer_id: UUID, expected_version: int
) -> FundTransferSchema:
    """Reject a transfer.

    Raises:
        GateRefused: the caller requested the transfer, or it is decided already.
    """
    transfer = await get_version_for_update(session, FundTransfer, transfer_id, expected_version)
    raise_if_unmet([*check_status(REJECT, transfer.status), *_check_not_requester(transfer, caller)])
    _set_decision(transfer, caller, REJECT)
    return await TRANSFERS.save(session, transfer)


def _check_lines_exist(transfer: FundTransfer, fund: Fund) -> list[Fault]:
    """Return a fault for each budget line that was removed after the transfer was requested."""
    lines = set(ledger.list_fund_lines(fund))
    return [
        Fault(pointer, "line_unknown", "The fund has no budget line with this name.")
        for pointer, line in (("/from_line", transfer.from_line), ("/to_line", transfer.to_line))
        if line not in lines
    ]


def _check_not_requester(transfer: FundTransfer, caller: Caller) -> list[Fault]:
    if transfer.asked_by_id != caller.id:
        return []
    return [Fault(None, "own_work", "Requester and approver must be two different people.")]


def _set_decision(transfer: FundTransfer, caller: Caller, step: Transition) -> None:
    transfer.status, transfer.decided_at, transfer.decided_by_id = step.target, utc_now(), caller.id
