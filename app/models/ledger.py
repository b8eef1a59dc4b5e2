"""Tables of the double-entry ledger. They are append-only.

Database triggers require balanced transactions, maintain the balances and reject overdrawn accounts.
"""

import uuid
from datetime import date, datetime

from sqlalchemy import BigInteger, Index, text
from sqlmodel import Field, SQLModel

from app.models.record import Record, Xid8, bigint_column, id_column, timestamp_column


class LedgerAccount(SQLModel, table=True):
    """One kind of account of one budget line of a fund. A trigger updates the balance with every entry."""

    __tablename__ = "ledger_accounts"
    __table_args__ = (Index("uq_ledger_accounts_place", "fund_id", "line", "kind", unique=True),)

    id: uuid.UUID = id_column()
    fund_id: uuid.UUID = Field(foreign_key="funds.id")
    line: str
    """A category with a separate budget line, or `general`."""
    kind: str
    """`donor` (negative: the money given by the donor), `available`, `reserved`, `advanced` (paid, not yet reconciled), `spent`,
    `rounding` (differences of payments in cash, which can be negative)."""
    currency: str
    balance: int = bigint_column()


class LedgerTransaction(SQLModel, table=True):
    """A transaction. The amounts of its entries sum to 0 in each fund and currency."""

    __tablename__ = "ledger_transactions"
    __table_args__ = (
        Index("ix_ledger_transactions_fund_on", "fund_id", "on"),
        Index("ix_ledger_transactions_disbursement_id", "disbursement_id"),
        Index("uq_ledger_transactions_deposit", "deposit_id", "kind", unique=True),
    )

    id: uuid.UUID = id_column()
    created_at: datetime = timestamp_column(default_now=True)
    xid: int = Field(sa_type=Xid8, sa_column_kwargs={"server_default": text("pg_current_xact_id()")})
    """Id of the database transaction that inserted the row. Only that transaction can insert its entries."""
    kind: str
    on: date
    """Accounting date."""
    fund_id: uuid.UUID = Field(foreign_key="funds.id")
    disbursement_id: uuid.UUID | None = Field(default=None, foreign_key="disbursements.id")
    transfer_id: uuid.UUID | None = Field(default=None, foreign_key="fund_transfers.id")
    deposit_id: uuid.UUID | None = Field(default=None, foreign_key="deposits.id")
    reference: str | None = None
    by_id: uuid.UUID = Field(foreign_key="users.id")


class LedgerEntry(SQLModel, table=True):
    """One side of a transaction: a signed amount on one account."""

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
    """Closed books: no transaction can have an accounting date up to and including `until`."""

    __tablename__ = "books_closings"

    until: date = Field(unique=True)
    closed_by_id: uuid.UUID = Field(foreign_key="users.id")
