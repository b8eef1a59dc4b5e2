"""Money for a child or family: the payment in one table, what it is for in another that the finance officer cannot read."""

import uuid
from datetime import date, datetime
from typing import Any, NotRequired, TypedDict

from sqlalchemy import BigInteger, Index, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from app.models.encrypted_field import EncryptedField, OptionalEncryptedField
from app.models.record import CaseRecord, encrypted_column, timestamp_column, uuid_array_column


class StoredDisbursementContent(TypedDict):
    """The texts of a disbursement request; `reason` is added when it is rejected or cancelled."""

    purpose: str
    other_support_sought: str
    reason: NotRequired[str]


class Disbursement(CaseRecord, table=True):
    """A request for money, and what became of it. No word of the child is in it: the finance officer sees this row."""

    __tablename__ = "disbursements"
    __table_args__ = (
        Index("ix_disbursements_newest", text("created_at DESC"), text("id DESC")),
        Index("ix_disbursements_unreceipted", "paid_on", postgresql_where=text("status = 'paid'")),
    )

    number: str = Field(unique=True)
    case_number: str
    """The case's number: the finance officer does not see the case."""
    beneficiary: str
    category: str
    amount: int = Field(sa_type=BigInteger)
    """Whole riel, or US cents."""
    currency: str
    urgency: str
    status: str = "requested"
    series_id: uuid.UUID | None = Field(default=None, index=True)
    """What the months of a recurring request have in common."""
    instalment: int = 1
    instalments: int = 1
    release_on: date
    """Not paid before this day."""
    fund_id: uuid.UUID | None = Field(default=None, foreign_key="funds.id", index=True)
    line: str | None = None
    """The fund's line that it is taken from."""
    requested_by_id: uuid.UUID = Field(foreign_key="users.id")
    approved_by_id: uuid.UUID | None = Field(default=None, foreign_key="users.id")
    approved_at: datetime | None = timestamp_column()
    approval_due_on: date | None = None
    """Of what was paid first, in an emergency: somebody approves it by this day."""
    paid_by_id: uuid.UUID | None = Field(default=None, foreign_key="users.id")
    paid_at: datetime | None = timestamp_column()
    paid_on: date | None = None
    method: str | None = None
    tenders: list[dict[str, Any]] = Field(default_factory=list, sa_type=JSONB, nullable=False)
    acknowledgement_document_id: uuid.UUID | None = None
    spent: int | None = Field(default=None, sa_type=BigInteger)
    reconciled_by_id: uuid.UUID | None = Field(default=None, foreign_key="users.id")
    reconciled_at: datetime | None = timestamp_column()
    receipt_document_ids: list[uuid.UUID] = uuid_array_column()
    ended_by_id: uuid.UUID | None = Field(default=None, foreign_key="users.id")
    ended_at: datetime | None = timestamp_column()
    """When it was rejected, cancelled or reversed."""
    updated_at: datetime = timestamp_column(default_now=True)
    payee_encrypted: bytes | None = encrypted_column(nullable=True)
    payee = OptionalEncryptedField[str]("payee_encrypted")
    """Who gets, or got, the money: whoever pays must know."""
    reversal_reason_encrypted: bytes | None = encrypted_column(nullable=True)
    reversal_reason = OptionalEncryptedField[str]("reversal_reason_encrypted")
    """Why it was reversed, in the finance officer's words."""


class DisbursementDetails(CaseRecord, table=True):
    """What a request says of the child; its id is the request's. Only whoever sees the case reads it."""

    __tablename__ = "disbursement_details"

    area: str | None = None
    goal_id: uuid.UUID | None = Field(default=None, foreign_key="goals.id")
    content_encrypted: bytes = encrypted_column()
    content = EncryptedField[StoredDisbursementContent]("content_encrypted")
    """Purpose, which other support was sought first, why it was rejected or cancelled."""


class DisbursementNumberSeries(SQLModel, table=True):
    """The last number given to a request in a year."""

    __tablename__ = "disbursement_number_series"

    year: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    last: int
