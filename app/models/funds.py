"""Tables of grants, funds, transfers, approval limits and exchange rates. They contain no data of a child.

Amounts are stored in minor units: US cents or whole riel.
"""

import uuid
from datetime import date, datetime

from sqlalchemy import ARRAY, BigInteger, Index, Text, text
from sqlmodel import Field

from app.models.record import Record, json_column, timestamp_column, unique_name_index


class DonorGrant(Record, table=True):
    """A grant of a donor, to which cases and funds are attributed by its code."""

    __tablename__ = "donor_grants"

    code: str = Field(unique=True)
    name: str
    donor: str
    is_active: bool = True


class Fund(Record, table=True):
    """The money of one donor, in one currency, for a period and a set of categories."""

    __tablename__ = "funds"
    __table_args__ = (unique_name_index("funds"),)

    name: str
    donor: str
    grant_code: str | None = Field(default=None, foreign_key="donor_grants.code")
    currency: str
    starts_on: date
    ends_on: date | None = None
    budget: int | None = Field(default=None, sa_type=BigInteger)
    """Total amount of the grant, if it is fixed."""
    categories: list[str] = Field(default_factory=list, sa_type=ARRAY(Text), nullable=False)
    lines: dict[str, int] = json_column()
    """Budget lines: category to planned amount. All other categories are paid from the general line."""
    youngest: int | None = None
    """Youngest age in years that the donor supports, if limited."""
    oldest: int | None = None
    """Oldest age in years that the donor supports, if limited."""
    province_codes: list[str] = Field(default_factory=list, sa_type=ARRAY(Text), nullable=False)
    """Provinces that the donor supports; empty for all."""
    status: str = "open"
    closed_at: datetime | None = timestamp_column()
    closed_by_id: uuid.UUID | None = Field(default=None, foreign_key="users.id")
    close_reason: str | None = None
    rest_to_fund_id: uuid.UUID | None = Field(default=None, foreign_key="funds.id")
    """Fund that received the remaining money. NULL on a closed fund means that it went back to the donor."""
    updated_at: datetime = timestamp_column(default_now=True)


class Deposit(Record, table=True):
    """Money received from a donor. Its ledger transaction has the same id; a reversal is a separate transaction."""

    __tablename__ = "deposits"
    __table_args__ = (
        Index(
            "uq_deposits_reference",
            "reference_key",
            unique=True,
            postgresql_where=text("status = 'recorded' AND duplicate_reason IS NULL"),
        ),
        Index("ix_deposits_fund_newest", "fund_id", text("created_at DESC"), text("id DESC")),
    )

    fund_id: uuid.UUID = Field(foreign_key="funds.id")
    line: str
    """Budget line that received the money."""
    amount: int = Field(sa_type=BigInteger)
    received_on: date
    reference: str
    reference_key: str
    """The folded reference (`app.text_folding.fold_identifier`). Two spellings of one bank reference have the same key."""
    duplicate_reason: str | None = None
    """Reason for using the bank reference of another deposit again; NULL if no other deposit has the reference."""
    status: str = "recorded"
    recorded_by_id: uuid.UUID = Field(foreign_key="users.id")
    reversed_by_id: uuid.UUID | None = Field(default=None, foreign_key="users.id")
    reversed_at: datetime | None = timestamp_column()
    reversal_reason: str | None = None
    updated_at: datetime = timestamp_column(default_now=True)


class FundTransfer(Record, table=True):
    """A request to move money between two budget lines of a fund. Another person decides."""

    __tablename__ = "fund_transfers"

    fund_id: uuid.UUID = Field(foreign_key="funds.id", index=True)
    from_line: str
    to_line: str
    amount: int = Field(sa_type=BigInteger)
    reason: str
    status: str = "requested"
    asked_by_id: uuid.UUID = Field(foreign_key="users.id")
    decided_at: datetime | None = timestamp_column()
    decided_by_id: uuid.UUID | None = Field(default=None, foreign_key="users.id")


class ApprovalLimit(Record, table=True):
    """The largest amount for an act of a role, from a day on. The latest limit that has started applies."""

    __tablename__ = "approval_limits"
    __table_args__ = (Index("uq_approval_limits_from", "role", "act", "currency", "starts_on", unique=True),)

    role: str
    act: str
    """`approve`, or `pay_first`: an emergency payment before the approval."""
    currency: str
    amount: int | None = Field(default=None, sa_type=BigInteger)
    """NULL: no limit."""
    starts_on: date
    set_by_id: uuid.UUID | None = Field(default=None, foreign_key="users.id")
    """NULL for the limits of a new installation."""


class ExchangeRate(Record, table=True):
    """Riel for one US dollar on a day, as a source published it."""

    __tablename__ = "exchange_rates"
    __table_args__ = (Index("uq_exchange_rates_day", "on", "source", unique=True),)

    on: date = Field(index=True)
    riel_hundredths: int = Field(sa_type=BigInteger)
    """Hundredths of a riel for one dollar: 4,105.50 riel are stored as 410550."""
    source: str
    recorded_by_id: uuid.UUID = Field(foreign_key="users.id")
    confirmed_by_id: uuid.UUID | None = Field(default=None, foreign_key="users.id")
    """The second person who confirmed a rate that differs by more than 5 % from the last confirmed rate; otherwise NULL."""
