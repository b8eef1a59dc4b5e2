"""The client assistance fund: what donors gave, for what, and who decided about it. Nothing here is about a child."""

import uuid
from datetime import date, datetime

from sqlalchemy import ARRAY, BigInteger, Index, Text
from sqlmodel import Field

from app.models.record import Record, json_column, timestamp_column


class Fund(Record, table=True):
    """One donor's money, in one currency, for a period and some categories."""

    __tablename__ = "funds"

    name: str = Field(unique=True)
    donor: str
    grant_code: str | None = None
    currency: str
    starts_on: date
    ends_on: date | None = None
    budget: int | None = Field(default=None, sa_type=BigInteger)
    """In whole riel, or US cents, like every amount in these tables."""
    categories: list[str] = Field(default_factory=list, sa_type=ARRAY(Text), nullable=False)
    lines: dict[str, int] = json_column()
    """Budget by category: a category with a line of its own is paid from that line's money, every other from the rest."""
    youngest: int | None = None
    oldest: int | None = None
    province_codes: list[str] = Field(default_factory=list, sa_type=ARRAY(Text), nullable=False)
    status: str = "open"
    closed_at: datetime | None = timestamp_column()
    closed_by_id: uuid.UUID | None = Field(default=None, foreign_key="users.id")
    close_reason: str | None = None
    rest_to_fund_id: uuid.UUID | None = Field(default=None, foreign_key="funds.id")
    """Where the rest went; nowhere: back to the donor."""
    updated_at: datetime = timestamp_column(default_now=True)


class FundTransfer(Record, table=True):
    """A wish to move money from one budget line of a fund to another; a second person decides."""

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
    """Up to which amount a role may do something with the fund, from a day on; the newest that has begun counts."""

    __tablename__ = "approval_limits"
    __table_args__ = (Index("uq_approval_limits_from", "role", "act", "currency", "starts_on", unique=True),)

    role: str
    act: str
    """approve; or pay_first: in an emergency, before anybody approved."""
    currency: str
    amount: int | None = Field(default=None, sa_type=BigInteger)
    """Nothing: without limit."""
    starts_on: date
    set_by_id: uuid.UUID | None = Field(default=None, foreign_key="users.id")


class ExchangeRate(Record, table=True):
    """Riel for one US dollar, on a day, as a source published it."""

    __tablename__ = "exchange_rates"
    __table_args__ = (Index("uq_exchange_rates_day", "on", "source", unique=True),)

    on: date = Field(index=True)
    riel_hundredths: int = Field(sa_type=BigInteger)
    """Hundredths of a riel for one dollar: 4,105.50 is 410550."""
    source: str
    recorded_by_id: uuid.UUID = Field(foreign_key="users.id")
