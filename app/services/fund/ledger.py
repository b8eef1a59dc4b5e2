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

from app.access.caller import Caller
from app.database.errors import get_violated_constraint
from app.errors import Fault
from app.kit.state_machine import raise_if_unmet
from app.models import BooksClosing, Fund, LedgerAccount, LedgerEntry, LedgerTransaction
from app.models.record import new_id, utc_now

GENERAL_LINE = "general"
"""The line of what has no line of its own."""
ACCOUNT_KINDS = ("available", "reserved", "advanced", "spent")
FUND_EXHAUSTED = Fault("/fund_id", "fund_exhausted", "The fund's line has not so much left.")
BOOKS_CLOSED = Fault(None, "books_closed", "The books of that day are closed.")
FAULTS_BY_CONSTRAINT: dict[str, Fault] = {
    "ck_ledger_accounts_not_overdrawn": FUND_EXHAUSTED,
    "books_closed": BOOKS_CLOSED,
}
"""The unmet condition for each constraint of the ledger that a request can violate."""


@dataclass(frozen=True, slots=True)
class Posting:
    """So much onto an account of a fund's line; below zero, off it."""

    fund_id: UUID
    line: str
    account: str
    amount: int


@dataclass(frozen=True, slots=True)
class NewLedgerTransaction:
    """What moves the money."""

    kind: str
    on: date
    fund_id: UUID
    disbursement_id: UUID | None = None
    transfer_id: UUID | None = None
    reference: str | None = None
    id: UUID = field(default_factory=new_id)


def build_transfer_postings(fund_id: UUID, line: str, origin: str, target: str, amount: int) -> list[Posting]:
    """Return the two sides of money that goes from one account of a line to another."""
    return [Posting(fund_id, line, origin, -amount), Posting(fund_id, line, target, amount)]


def list_fund_lines(fund: Fund) -> tuple[str, ...]:
    """Return the lines of a fund: the general one, and those of its budget by name."""
    return (GENERAL_LINE, *sorted(fund.lines))


def get_line_for_category(fund: Fund, category: str) -> str:
    """Return the line that a category is paid from."""
    return category if category in fund.lines else GENERAL_LINE


async def create_line_accounts(session: AsyncSession, fund: Fund) -> None:
    """Open the accounts of a fund's lines that have none yet."""
    rows = [
        (GENERAL_LINE, "donor"),
        *((line, kind) for line in list_fund_lines(fund) for kind in ACCOUNT_KINDS),
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


async def post_transaction(
    session: AsyncSession, caller: Caller, happening: NewLedgerTransaction, moves: Iterable[Posting]
) -> None:
    """Write what happened: see `post_all`."""
    await post_transactions(session, caller, [(happening, moves)])


async def post_transactions(
    session: AsyncSession,
    caller: Caller,
    happenings: Iterable[tuple[NewLedgerTransaction, Iterable[Posting]]],
) -> None:
    """Write what happened; the database balances it, and moves the balances.

    Accounts are changed in the order of their ids: two that happen at once wait for each other, and never in a circle.

    Raises:
        GateRefused: an account would be overdrawn; the books of that day are closed.
        AlreadyExists: the id is taken.
    """
    told = [(happening, [move for move in moves if move.amount]) for happening, moves in happenings]
    accounts = await _load_account_ids(session, {move.fund_id for _, moves in told for move in moves})
    at = utc_now()
    transactions = [
        {**asdict(happening), "by_id": caller.id, "created_at": at} for happening, moves in told if moves
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
        fault = FAULTS_BY_CONSTRAINT.get(get_violated_constraint(error) or "")
        raise_if_unmet([fault] if fault else [])
        raise


async def _load_account_ids(session: AsyncSession, funds: set[UUID]) -> dict[tuple[UUID, str, str], UUID]:
    query = select(
        col(LedgerAccount.fund_id), col(LedgerAccount.line), col(LedgerAccount.kind), col(LedgerAccount.id)
    ).where(col(LedgerAccount.fund_id).in_(funds))
    return {(row[0], row[1], row[2]): row[3] for row in await session.execute(query)}


async def check_books_open(session: AsyncSession, on: date) -> list[Fault]:
    """Return the unmet condition that the books of a day are closed, or none."""
    until = await session.scalar(select(func.max(col(BooksClosing.until))))
    return [BOOKS_CLOSED] if until is not None and on <= until else []


async def check_available_balance(session: AsyncSession, fund: Fund, line: str, amount: int) -> list[Fault]:
    """Return the unmet condition that a line has not so much left, or none; `post` asks again, last."""
    found = (await get_account_balances(session, [fund.id])).get((fund.id, line, "available"), 0)
    return [FUND_EXHAUSTED] if found < amount else []


async def get_account_balances(
    session: AsyncSession, funds: Sequence[UUID]
) -> dict[tuple[UUID, str, str], int]:
    """Return the balance of every account of some funds, by fund, line and kind."""
    query = select(
        col(LedgerAccount.fund_id),
        col(LedgerAccount.line),
        col(LedgerAccount.kind),
        col(LedgerAccount.balance),
    ).where(col(LedgerAccount.fund_id).in_(funds))
    return {(row[0], row[1], row[2]): row[3] for row in await session.execute(query)}


BALANCE_DIFFERENCES_QUERY = text(
    "SELECT d.account_id, d.fund_id, d.stored, d.recomputed, a.currency FROM ledger.balance_differences() d"
    " JOIN ledger_accounts a ON a.id = d.account_id ORDER BY 1 LIMIT 1000"
)
