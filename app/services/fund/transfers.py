"""Moving money between the lines of a fund: one asks, another decides."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.caller import Caller
from app.access.permissions import Permission
from app.errors import Fault, InvalidInput
from app.kit.dates import today
from app.kit.pagination import Paginator
from app.kit.records import ensure_exists, get_for_share, get_record, get_version_for_update
from app.kit.state_machine import Transition, check_status, raise_if_unmet
from app.models import Fund, FundTransfer
from app.models.record import new_id, utc_now
from app.schemas.funds import FundTransfer as FundTransferSchema
from app.schemas.funds import FundTransferCreate
from app.schemas.money import Money
from app.schemas.wire import Page, PageQuery
from app.services.fund import ledger
from app.services.fund.funds import check_fund_open, validate_currency, validate_fund_line
from app.services.fund.ledger import NewLedgerTransaction, Posting

INITIAL_STATUS = "requested"
APPROVE = Transition(
    "approve",
    frozenset({INITIAL_STATUS}),
    "approved",
    Permission.fund_decide_transfer,
    "by somebody else than asked; the line has so much left",
)
REJECT = Transition("reject", frozenset({INITIAL_STATUS}), "rejected", Permission.fund_decide_transfer)
TRANSITIONS = (APPROVE, REJECT)


async def create_fund_transfer(
    session: AsyncSession, caller: Caller, fund_id: UUID, payload: FundTransferCreate
) -> FundTransferSchema:
    """Ask for a transfer between two lines of a fund.

    Raises:
        GateRefused: the fund is closed.
        InvalidInput: no such line; twice the same; another currency.
    """
    fund = await get_for_share(session, Fund, fund_id)
    validate_currency("/amount/currency", payload.amount.currency, fund.currency)
    for name in ("from_line", "to_line"):
        validate_fund_line(f"/{name}", getattr(payload, name), fund)
    if payload.from_line == payload.to_line:
        raise InvalidInput([Fault("/to_line", "same_line", "It comes from this line.")])
    raise_if_unmet(check_fund_open(fund))
    transfer = FundTransfer(
        id=payload.id or new_id(),
        fund_id=fund.id,
        amount=payload.amount.minor_units,
        asked_by_id=caller.id,
        **payload.model_dump(include={"from_line", "to_line", "reason"}),
    )
    session.add(transfer)
    await session.flush()  # a taken id must surface before the answer leaves
    return _to_schema(transfer, fund.currency)


async def list_fund_transfers(
    session: AsyncSession, caller: Caller, fund_id: UUID, page: PageQuery
) -> Page[FundTransferSchema]:
    """List a fund's transfers, newest first."""
    await ensure_exists(session, Fund, fund_id)
    paging = Paginator("fund_transfers", page.limit, page.cursor, {"fund": fund_id, "for": caller.id})
    query = select(FundTransfer, col(Fund.currency)).join(Fund, col(Fund.id) == col(FundTransfer.fund_id))
    query = query.where(col(FundTransfer.fund_id) == fund_id)
    rows, cursor = await paging.fetch_rows(session, query, col(FundTransfer.created_at), col(FundTransfer.id))
    return Page(items=[_to_schema(row[0], row[1]) for row in rows], next_cursor=cursor)


async def get_fund_transfer(session: AsyncSession, transfer_id: UUID) -> FundTransferSchema:
    """Read one transfer."""
    transfer = await get_record(session, FundTransfer, transfer_id)
    return _to_schema(transfer, (await get_record(session, Fund, transfer.fund_id)).currency)


async def approve_fund_transfer(
    session: AsyncSession, caller: Caller, transfer_id: UUID, expected_version: int
) -> FundTransferSchema:
    """Approve a transfer: the money moves at once.

    Raises:
        GateRefused: the actor asked for it; it is decided; the line has not so much left; the fund or the books closed.
    """
    transfer = await get_version_for_update(session, FundTransfer, transfer_id, expected_version)
    fund = await get_for_share(session, Fund, transfer.fund_id)
    gone = {transfer.from_line, transfer.to_line}.difference(ledger.list_fund_lines(fund))
    raise_if_unmet(
        [
            *([Fault("/to_line", "line_unknown", "The fund has that line no more.")] if gone else []),
            *check_status(APPROVE, transfer.status),
            *_check_decider_is_not_requester(transfer, caller),
            *check_fund_open(fund),
            *await ledger.check_books_open(session, today()),
            *await ledger.check_available_balance(session, fund, transfer.from_line, transfer.amount),
        ]
    )
    _set_decision(transfer, caller, APPROVE)
    await session.flush()  # the ledger names it
    happening = NewLedgerTransaction(
        "transfer", today(), fund.id, transfer_id=transfer.id, reference=transfer.reason
    )
    moves = [
        Posting(fund.id, transfer.from_line, "available", -transfer.amount),
        Posting(fund.id, transfer.to_line, "available", transfer.amount),
    ]
    await ledger.post_transaction(session, caller, happening, moves)
    return _to_schema(transfer, fund.currency)


async def reject_fund_transfer(
    session: AsyncSession, caller: Caller, transfer_id: UUID, expected_version: int
) -> FundTransferSchema:
    """Reject a transfer.

    Raises:
        GateRefused: the actor asked for it; it is decided.
    """
    transfer = await get_version_for_update(session, FundTransfer, transfer_id, expected_version)
    raise_if_unmet(
        [*check_status(REJECT, transfer.status), *_check_decider_is_not_requester(transfer, caller)]
    )
    _set_decision(transfer, caller, REJECT)
    await session.flush()  # the answer shows what was stored
    return _to_schema(transfer, (await get_record(session, Fund, transfer.fund_id)).currency)


def _check_decider_is_not_requester(transfer: FundTransfer, caller: Caller) -> list[Fault]:
    if transfer.asked_by_id != caller.id:
        return []
    return [Fault(None, "own_work", "Somebody else decides on what you asked for.")]


def _set_decision(transfer: FundTransfer, caller: Caller, step: Transition) -> None:
    transfer.status, transfer.decided_at, transfer.decided_by_id = step.target, utc_now(), caller.id


def _to_schema(transfer: FundTransfer, currency: str) -> FundTransferSchema:
    plain = transfer.model_dump(include=set(FundTransferSchema.model_fields) - {"amount"})
    return FundTransferSchema(**plain, amount=Money.from_minor_units(transfer.amount, currency))
