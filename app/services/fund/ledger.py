"""The fund's ledger: what happens to money is written here, and nowhere else. The database has the last word on it."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import func, insert, select, text
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.actor import Actor
from app.errors import Fault
from app.kit.state_machine import refuse
from app.models import BooksClosing, Fund, LedgerAccount, LedgerEntry, LedgerTransaction
from app.models.record import new_id, now

GENERAL = "general"
"""The line of what has no line of its own."""
ACCOUNTS = ("available", "reserved", "advanced", "spent")
EXHAUSTED = Fault("/fund_id", "fund_exhausted", "The fund's line has not so much left.")
CLOSED = Fault(None, "books_closed", "The books of that day are closed.")


@dataclass(frozen=True, slots=True)
class Move:
    """So much onto an account of a fund's line; below zero, off it."""

    fund_id: UUID
    line: str
    account: str
    amount: int


@dataclass(frozen=True, slots=True)
class Happening:
    """What moves the money."""

    kind: str
    on: date
    fund_id: UUID
    disbursement_id: UUID | None = None
    transfer_id: UUID | None = None
    reference: str | None = None
    id: UUID = field(default_factory=new_id)


def shift(fund_id: UUID, line: str, origin: str, target: str, amount: int) -> list[Move]:
    """Return the two sides of money that goes from one account of a line to another."""
    return [Move(fund_id, line, origin, -amount), Move(fund_id, line, target, amount)]


def lines_of(fund: Fund) -> tuple[str, ...]:
    """Return the lines of a fund: the general one, and those of its budget by name."""
    return (GENERAL, *sorted(fund.lines))


def line_for(fund: Fund, category: str) -> str:
    """Return the line that a category is paid from."""
    return category if category in fund.lines else GENERAL


async def open_lines(session: AsyncSession, fund: Fund) -> None:
    """Open the accounts of a fund's lines that have none yet."""
    rows = [
        (GENERAL, "donor"),
        *((line, kind) for line in lines_of(fund) for kind in ACCOUNTS),
    ]
    await session.execute(
        upsert(LedgerAccount).on_conflict_do_nothing(),
        [
            {
                "id": new_id(),
                "fund_id": fund.id,
                "line": line,
                "kind": kind,
                "currency": fund.currency,
                "balance": 0,
            }
            for line, kind in rows
        ],
    )


async def post(session: AsyncSession, actor: Actor, happening: Happening, moves: Iterable[Move]) -> None:
    """Write what happened: see `post_all`."""
    await post_all(session, actor, [(happening, moves)])


async def post_all(
    session: AsyncSession, actor: Actor, happenings: Iterable[tuple[Happening, Iterable[Move]]]
) -> None:
    """Write what happened; the database balances it, and moves the balances.

    Accounts are changed in the order of their ids: two that happen at once wait for each other, and never in a circle.

    Raises:
        GateRefused: an account would be overdrawn; the books of that day are closed.
        AlreadyExists: the id is taken.
    """
    told = [(happening, [move for move in moves if move.amount]) for happening, moves in happenings]
    accounts = await _accounts(session, {move.fund_id for _, moves in told for move in moves})
    at = now()
    transactions = [
        {**asdict(happening), "by_id": actor.id, "created_at": at} for happening, moves in told if moves
    ]
    entries: list[dict[str, Any]] = [
        {
            "id": new_id(),
            "created_at": at,
            "transaction_id": happening.id,
            "account_id": accounts[move.fund_id, move.line, move.account],
            "fund_id": move.fund_id,
            "amount": move.amount,
        }
        for happening, moves in told
        for move in moves
    ]
    if not entries:
        return
    entries.sort(key=lambda entry: entry["account_id"].bytes)
    try:
        await session.execute(insert(LedgerTransaction).inline(), transactions)
        await session.execute(insert(LedgerEntry).inline(), entries)
    except IntegrityError as error:
        refuse(_unmet(str(error)))
        raise


def _unmet(said: str) -> list[Fault]:
    """Return what the database refused, where it is the ledger's own rules that did."""
    rules = {"never_overdrawn": EXHAUSTED, "books of that day are closed": CLOSED}
    return [fault for rule, fault in rules.items() if rule in said]


async def _accounts(session: AsyncSession, funds: set[UUID]) -> dict[tuple[UUID, str, str], UUID]:
    query = select(
        col(LedgerAccount.fund_id), col(LedgerAccount.line), col(LedgerAccount.kind), col(LedgerAccount.id)
    ).where(col(LedgerAccount.fund_id).in_(funds))
    return {(row[0], row[1], row[2]): row[3] for row in await session.execute(query)}


async def unmet_books(session: AsyncSession, on: date) -> list[Fault]:
    """Return the unmet condition that the books of a day are closed, or none."""
    until = await session.scalar(select(func.max(col(BooksClosing.until))))
    return [CLOSED] if until is not None and on <= until else []


async def unmet_available(session: AsyncSession, fund: Fund, line: str, amount: int) -> list[Fault]:
    """Return the unmet condition that a line has not so much left, or none; `post` asks again, last."""
    found = (await balances(session, [fund.id])).get((fund.id, line, "available"), 0)
    return [EXHAUSTED] if found < amount else []


async def balances(session: AsyncSession, funds: Sequence[UUID]) -> dict[tuple[UUID, str, str], int]:
    """Return the balance of every account of some funds, by fund, line and kind."""
    query = select(
        col(LedgerAccount.fund_id),
        col(LedgerAccount.line),
        col(LedgerAccount.kind),
        col(LedgerAccount.balance),
    ).where(col(LedgerAccount.fund_id).in_(funds))
    return {(row[0], row[1], row[2]): row[3] for row in await session.execute(query)}


DIFFERENCES = text(
    "SELECT d.account_id, d.fund_id, d.stored, d.recomputed, a.currency FROM ledger.differences() d"
    " JOIN ledger_accounts a ON a.id = d.account_id ORDER BY 1 LIMIT 1000"
)
