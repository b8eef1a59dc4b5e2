"""The fund's ledger: double entry, append-only; the database balances it, keeps the balances and lets nothing be overdrawn."""

import uuid
from datetime import date, datetime

from sqlalchemy import BigInteger, Index, text
from sqlmodel import Field, SQLModel

from app.models.record import Record, Xid8, bigint_column, id_column, timestamp_column


class LedgerAccount(SQLModel, table=True):
    """One kind of money on one line of a fund, and how much of it there is: kept by the database from the entries."""

    __tablename__ = "ledger_accounts"
    __table_args__ = (Index("uq_ledger_accounts_place", "fund_id", "line", "kind", unique=True),)

    id: uuid.UUID = id_column()
    fund_id: uuid.UUID = Field(foreign_key="funds.id")
    line: str
    """A category with a budget of its own, or `general`."""
    kind: str
    """donor (what they gave, below zero), available, reserved, advanced (paid, no receipts yet), spent."""
    currency: str
    balance: int = bigint_column()


class LedgerTransaction(SQLModel, table=True):
    """Something that happened to money: its entries come to nothing, in each fund and currency."""

    __tablename__ = "ledger_transactions"
    __table_args__ = (
        Index("ix_ledger_transactions_fund_on", "fund_id", "on"),
        Index("ix_ledger_transactions_disbursement_id", "disbursement_id"),
    )

    id: uuid.UUID = id_column()
    created_at: datetime = timestamp_column(default_now=True)
    xid: int = Field(sa_type=Xid8, sa_column_kwargs={"server_default": text("pg_current_xact_id()")})
    """The transaction that wrote it, which is the only one that may give it entries."""
    kind: str
    on: date
    """The day it counts for."""
    fund_id: uuid.UUID = Field(foreign_key="funds.id")
    disbursement_id: uuid.UUID | None = Field(default=None, foreign_key="disbursements.id")
    transfer_id: uuid.UUID | None = Field(default=None, foreign_key="fund_transfers.id")
    reference: str | None = None
    by_id: uuid.UUID = Field(foreign_key="users.id")


class LedgerEntry(SQLModel, table=True):
    """One side of a transaction: so much more, or less, on one account."""

    __tablename__ = "ledger_entries"
    __table_args__ = (
        Index("ix_ledger_entries_fund_newest", "fund_id", text("created_at DESC"), text("id DESC")),
    )

    id: uuid.UUID = id_column()
    created_at: datetime = timestamp_column(default_now=True)
    transaction_id: uuid.UUID = Field(foreign_key="ledger_transactions.id", index=True)
    account_id: uuid.UUID = Field(foreign_key="ledger_accounts.id", index=True)
    fund_id: uuid.UUID = Field(foreign_key="funds.id")
    amount: int = Field(sa_type=BigInteger)


class BooksClosing(Record, table=True):
    """The books are closed up to and including a day: the ledger takes nothing more that counts for it."""

    __tablename__ = "books_closings"

    until: date = Field(unique=True)
    closed_by_id: uuid.UUID = Field(foreign_key="users.id")
