"""The double-entry ledger of the funds. Every change of a balance is a transaction of this module.

The database enforces the rules: it requires balanced transactions, maintains the stored balances, and rejects overdrawn
accounts and entries for closed books.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from typing import TypeAlias, TypedDict
from uuid import UUID

from sqlalchemy import func, insert, select
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.caller import Caller
from app.database.errors import get_violated_constraint
from app.errors import Fault
from app.kit.state_machine import raise_if_unmet
from app.models import BooksClosing, Disbursement, Fund, LedgerAccount, LedgerEntry, LedgerTransaction
from app.models.record import new_id, utc_now

GENERAL_LINE = "general"
"""The budget line of every category that has no separate line."""
ACCOUNT_KINDS = ("available", "reserved", "advanced", "spent", "rounding")
"""Accounts of every budget line. The account `donor` exists once per fund, on the general line."""
FUND_EXHAUSTED = Fault("/fund_id", "fund_exhausted", "Insufficient funds on this budget line.")
BOOKS_CLOSED = Fault(None, "books_closed", "The date must be after the last closing of the books.")
AccountBalances: TypeAlias = dict[tuple[UUID, str, str], int]
"""Balances in minor units, by fund, budget line and kind of account."""


@dataclass(frozen=True, slots=True)
class Posting:
    """One side of a transaction: a signed amount on an account of a budget line."""

    fund_id: UUID
    line: str
    account: str
    amount: int


@dataclass(frozen=True, slots=True)
class NewLedgerTransaction:
    """A transaction to be posted. `on` is the accounting date."""

    kind: str
    on: date
    fund_id: UUID
    disbursement_id: UUID | None = None
    transfer_id: UUID | None = None
    deposit_id: UUID | None = None
    reference: str | None = None
    id: UUID = field(default_factory=new_id)


TransactionWithPostings: TypeAlias = tuple[NewLedgerTransaction, Sequence[Posting]]


class _EntryRow(TypedDict):
    """Values of a new row of `ledger_entries`."""

    id: UUID
    created_at: datetime
    transaction_id: UUID
    account_id: UUID
    fund_id: UUID
    amount: int


def build_disbursement_transaction(
    disbursement: Disbursement, kind: str, on: date, amounts: Mapping[str, int]
) -> TransactionWithPostings:
    """Return a transaction on the budget line of a disbursement. `amounts` are signed, by kind of account.

    Raises:
        ValueError: the disbursement has no fund, because it is neither approved nor paid.
    """
    fund_id, line = disbursement.fund_id, disbursement.line
    if fund_id is None or line is None:
        msg = "The disbursement has no fund."
        raise ValueError(msg)
    postings = [Posting(fund_id, line, account, amount) for account, amount in amounts.items()]
    return NewLedgerTransaction(kind, on, fund_id, disbursement.id), postings


async def post_disbursement_transaction(
    session: AsyncSession,
    caller: Caller,
    disbursement: Disbursement,
    kind: str,
    on: date,
    amounts: Mapping[str, int],
) -> None:
    """Post one transaction of a disbursement. See `build_disbursement_transaction` and `post_transactions`."""
    transaction = build_disbursement_transaction(disbursement, kind, on, amounts)
    await post_transactions(session, caller, [transaction])


def list_fund_lines(fund: Fund) -> tuple[str, ...]:
    """Return the budget lines of a fund: the general line, then the other lines by name."""
    return (GENERAL_LINE, *sorted(fund.lines))


def get_line_for_category(fund: Fund, category: str) -> str:
    """Return the budget line that pays for a category."""
    return category if category in fund.lines else GENERAL_LINE


async def create_line_accounts(session: AsyncSession, fund: Fund) -> None:
    """Create the missing accounts of a fund's budget lines."""
    accounts = [
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
            for line, kind in accounts
        ],
    )


async def post_transaction(
    session: AsyncSession,
    caller: Caller,
    transaction: NewLedgerTransaction,
    postings: Sequence[Posting],
    *,
    overdrawn: Fault = FUND_EXHAUSTED,
) -> None:
    """Post one transaction. See `post_transactions`."""
    await post_transactions(session, caller, [(transaction, postings)], overdrawn=overdrawn)


async def post_transactions(
    session: AsyncSession,
    caller: Caller,
    transactions: Iterable[TransactionWithPostings],
    *,
    overdrawn: Fault = FUND_EXHAUSTED,
) -> None:
    """Post transactions. Postings of 0, and transactions without any other posting, are not stored.

    `overdrawn` is the fault of a request that would overdraw an account.

    The entries are inserted in the order of the account ids, because each insert locks its account. Concurrent
    transactions then wait for each other without a deadlock.

    Raises:
        GateRefused: an account would be overdrawn, or the books of the accounting date are closed.
        AlreadyExists: the id of a transaction is taken.
    """
    nonzero = [
        (transaction, [posting for posting in postings if posting.amount])
        for transaction, postings in transactions
    ]
    nonzero = [(transaction, postings) for transaction, postings in nonzero if postings]
    if not nonzero:
        return
    account_ids = await _load_account_ids(
        session, {posting.fund_id for _, postings in nonzero for posting in postings}
    )
    now = utc_now()
    rows = [{**asdict(transaction), "by_id": caller.id, "created_at": now} for transaction, _ in nonzero]
    entries = _build_entries(nonzero, account_ids, now)
    try:
        await session.execute(insert(LedgerTransaction).inline(), rows)
        await session.execute(insert(LedgerEntry).inline(), entries)
    except IntegrityError as error:
        faults = {"ck_ledger_accounts_not_overdrawn": overdrawn, "books_closed": BOOKS_CLOSED}
        fault = faults.get(get_violated_constraint(error) or "")
        raise_if_unmet([fault] if fault else [])
        raise


def _build_entries(
    transactions: Iterable[TransactionWithPostings],
    account_ids: Mapping[tuple[UUID, str, str], UUID],
    now: datetime,
) -> list[_EntryRow]:
    """Return the rows of the entries, in the order of their accounts."""
    entries = [
        _EntryRow(
            id=new_id(),
            created_at=now,
            transaction_id=transaction.id,
            account_id=account_ids[posting.fund_id, posting.line, posting.account],
            fund_id=posting.fund_id,
            amount=posting.amount,
        )
        for transaction, postings in transactions
        for posting in postings
    ]
    return sorted(entries, key=lambda entry: entry["account_id"].bytes)


async def _load_account_ids(session: AsyncSession, fund_ids: set[UUID]) -> dict[tuple[UUID, str, str], UUID]:
    query = select(
        col(LedgerAccount.fund_id), col(LedgerAccount.line), col(LedgerAccount.kind), col(LedgerAccount.id)
    ).where(col(LedgerAccount.fund_id).in_(fund_ids))
    return {(row[0], row[1], row[2]): row[3] for row in await session.execute(query)}


async def check_books_open(session: AsyncSession, on: date) -> list[Fault]:
    """Return a fault if the books of a day are closed."""
    closed_until = await session.scalar(select(func.max(col(BooksClosing.until))))
    return [BOOKS_CLOSED] if closed_until is not None and on <= closed_until else []


async def check_available_balance(session: AsyncSession, fund: Fund, line: str, amount: int) -> list[Fault]:
    """Return a fault if the available money on a budget line is less than an amount.

    The check lets a refusal list this condition together with other unmet conditions. Concurrent transactions are
    checked by the database constraint, whose error `post_transactions` converts to the same fault.
    """
    balances = await get_account_balances(session, [fund.id])
    return [FUND_EXHAUSTED] if balances.get((fund.id, line, "available"), 0) < amount else []


async def get_account_balances(session: AsyncSession, fund_ids: Sequence[UUID]) -> AccountBalances:
    """Return the stored balances of all accounts of the funds."""
    query = select(
        col(LedgerAccount.fund_id),
        col(LedgerAccount.line),
        col(LedgerAccount.kind),
        col(LedgerAccount.balance),
    ).where(col(LedgerAccount.fund_id).in_(fund_ids))
    return {(row[0], row[1], row[2]): row[3] for row in await session.execute(query)}
