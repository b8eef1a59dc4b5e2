"""Moving money between the lines of a fund: one asks, another decides."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.actor import Actor
from app.access.permissions import Permission
from app.errors import Fault, InvalidInput
from app.kit.dates import today
from app.kit.pagination import Paging
from app.kit.records import find, find_for_change, find_steady, require
from app.kit.state_machine import Step, refuse, unmet_status
from app.models import Fund, FundTransfer
from app.models.record import new_id, now
from app.schemas.funds import FundTransferIn, FundTransferOut
from app.schemas.money import Money
from app.schemas.wire import Page, PageQuery
from app.services.fund import ledger
from app.services.fund.funds import refuse_currency, refuse_line, unmet_fund_open
from app.services.fund.ledger import Happening, Move

FIRST = "requested"
APPROVE = Step(
    "approve",
    frozenset({FIRST}),
    "approved",
    Permission.fund_transfer_decide,
    "by somebody else than asked; the line has so much left",
)
REJECT = Step("reject", frozenset({FIRST}), "rejected", Permission.fund_transfer_decide)
STEPS = (APPROVE, REJECT)


async def ask(session: AsyncSession, actor: Actor, fund_id: UUID, told: FundTransferIn) -> FundTransferOut:
    """Ask for a transfer between two lines of a fund.

    Raises:
        GateRefused: the fund is closed.
        InvalidInput: no such line; twice the same; another currency.
    """
    fund = await find_steady(session, Fund, fund_id)
    refuse_currency("/amount/currency", told.amount.currency, fund.currency)
    for name in ("from_line", "to_line"):
        refuse_line(f"/{name}", getattr(told, name), fund)
    if told.from_line == told.to_line:
        raise InvalidInput([Fault("/to_line", "same_line", "It comes from this line.")])
    refuse(unmet_fund_open(fund))
    transfer = FundTransfer(
        id=told.id or new_id(),
        fund_id=fund.id,
        amount=told.amount.minor,
        asked_by_id=actor.id,
        **told.model_dump(include={"from_line", "to_line", "reason"}),
    )
    session.add(transfer)
    await session.flush()  # a taken id must surface before the answer leaves
    return _shown(transfer, fund.currency)


async def listed(
    session: AsyncSession, actor: Actor, fund_id: UUID, page: PageQuery
) -> Page[FundTransferOut]:
    """List a fund's transfers, newest first."""
    await require(session, Fund, fund_id)
    paging = Paging("fund_transfers", page.limit, page.cursor, {"fund": fund_id, "for": actor.id})
    query = select(FundTransfer, col(Fund.currency)).join(Fund, col(Fund.id) == col(FundTransfer.fund_id))
    query = query.where(col(FundTransfer.fund_id) == fund_id)
    rows, cursor = await paging.rows(session, query, col(FundTransfer.created_at), col(FundTransfer.id))
    return Page(items=[_shown(row[0], row[1]) for row in rows], next_cursor=cursor)


async def read(session: AsyncSession, transfer_id: UUID) -> FundTransferOut:
    """Read one transfer."""
    transfer = await find(session, FundTransfer, transfer_id)
    return _shown(transfer, (await find(session, Fund, transfer.fund_id)).currency)


async def approve(session: AsyncSession, actor: Actor, transfer_id: UUID, seen: int) -> FundTransferOut:
    """Approve a transfer: the money moves at once.

    Raises:
        GateRefused: the actor asked for it; it is decided; the line has not so much left; the fund or the books closed.
    """
    transfer = await find_for_change(session, FundTransfer, transfer_id, seen)
    fund = await find_steady(session, Fund, transfer.fund_id)
    gone = {transfer.from_line, transfer.to_line}.difference(ledger.lines_of(fund))
    refuse(
        [
            *([Fault("/to_line", "line_unknown", "The fund has that line no more.")] if gone else []),
            *unmet_status(APPROVE, transfer.status),
            *_unmet_another(transfer, actor),
            *unmet_fund_open(fund),
            *await ledger.unmet_books(session, today()),
            *await ledger.unmet_available(session, fund, transfer.from_line, transfer.amount),
        ]
    )
    _decide(transfer, actor, APPROVE)
    await session.flush()  # the ledger names it
    happening = Happening("transfer", today(), fund.id, transfer_id=transfer.id, reference=transfer.reason)
    moves = [
        Move(fund.id, transfer.from_line, "available", -transfer.amount),
        Move(fund.id, transfer.to_line, "available", transfer.amount),
    ]
    await ledger.post(session, actor, happening, moves)
    return _shown(transfer, fund.currency)


async def reject(session: AsyncSession, actor: Actor, transfer_id: UUID, seen: int) -> FundTransferOut:
    """Reject a transfer.

    Raises:
        GateRefused: the actor asked for it; it is decided.
    """
    transfer = await find_for_change(session, FundTransfer, transfer_id, seen)
    refuse([*unmet_status(REJECT, transfer.status), *_unmet_another(transfer, actor)])
    _decide(transfer, actor, REJECT)
    await session.flush()  # the answer shows what was stored
    return _shown(transfer, (await find(session, Fund, transfer.fund_id)).currency)


def _unmet_another(transfer: FundTransfer, actor: Actor) -> list[Fault]:
    if transfer.asked_by_id != actor.id:
        return []
    return [Fault(None, "own_work", "Somebody else decides on what you asked for.")]


def _decide(transfer: FundTransfer, actor: Actor, step: Step) -> None:
    transfer.status, transfer.decided_at, transfer.decided_by_id = step.target, now(), actor.id


def _shown(transfer: FundTransfer, currency: str) -> FundTransferOut:
    plain = transfer.model_dump(include=set(FundTransferOut.model_fields) - {"amount"})
    return FundTransferOut(**plain, amount=Money.of(transfer.amount, currency))
