"""Tables of disbursements. The details of the child are in a separate table, which finance officers cannot read."""

import uuid
from datetime import date, datetime
from typing import TypedDict

from sqlalchemy import BigInteger, Index, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from app.models.encrypted_field import EncryptedField, OptionalEncryptedField
from app.models.record import CaseRecord, encrypted_column, timestamp_column, uuid_array_column

NEWEST = (text("created_at DESC"), text("id DESC"))
"""Last columns of an index for the list of disbursements, newest first."""


class StoredDisbursementContent(TypedDict):
    """The texts of a disbursement request."""

    purpose: str
    other_support_sought: str


class StoredTender(TypedDict):
    """A part of a payment in one currency. `worth` is its amount in the currency of the request, in minor units."""

    amount: int
    currency: str
    worth: int
    rate: str | None
    rate_on: str | None
    rate_source: str | None


class StoredFinanceDocument(TypedDict):
    """A document that finance officers can read. It contains neither the title nor the file name."""

    id: str
    kind: str
    media_type: str
    size: int
    amount: int | None
    currency: str | None


class Disbursement(CaseRecord, table=True):
    """One instalment of a request for money, with its approval and payment. Finance officers can see it."""

    __tablename__ = "disbursements"
    __table_args__ = (
        Index("ix_disbursements_newest", *NEWEST),
        Index("ix_disbursements_status_newest", "status", *NEWEST),
        Index("ix_disbursements_fund_newest", "fund_id", *NEWEST),
        Index("ix_disbursements_requester_newest", "requested_by_id", *NEWEST),
        Index("ix_disbursements_updated_at", "updated_at", "id"),
        Index("ix_disbursements_amount", "amount", "id"),
        Index(
            "ix_disbursements_emergency_newest",
            *NEWEST,
            postgresql_where=text("status = 'requested' AND urgency = 'emergency'"),
        ),
        Index("ix_disbursements_unreceipted", "paid_on", postgresql_where=text("status = 'paid'")),
    )

    number: str = Field(unique=True)
    case_number: str = Field(index=True)
    """Copied from the case, because finance officers cannot see the case."""
    beneficiary: str
    category: str
    amount: int = Field(sa_type=BigInteger)
    """Minor units: US cents or whole riel."""
    currency: str
    urgency: str
    status: str = "requested"
    series_id: uuid.UUID | None = Field(default=None, index=True)
    """Id of the first instalment of a recurring request; NULL for a single payment."""
    instalment: int = 1
    instalments: int = 1
    release_on: date
    """Day from which the instalment can be paid."""
    fund_id: uuid.UUID | None = Field(default=None, foreign_key="funds.id")
    line: str | None = None
    """Budget line of the fund that pays."""
    requested_by_id: uuid.UUID = Field(foreign_key="users.id")
    approved_by_id: uuid.UUID | None = Field(default=None, foreign_key="users.id")
    approved_at: datetime | None = timestamp_column()
    approval_due_on: date | None = None
    """Day by which an emergency payment must be approved; otherwise NULL."""
    paid_by_id: uuid.UUID | None = Field(default=None, foreign_key="users.id")
    paid_at: datetime | None = timestamp_column()
    paid_on: date | None = None
    method: str | None = None
    tenders: list[dict[str, object]] = Field(default_factory=list, sa_type=JSONB, nullable=False)
    """Parts of the payment, each a `StoredTender`."""
    rounding: int | None = Field(default=None, sa_type=BigInteger)
    """Minor units that were paid above the amount, negative if below, because cash notes could not make it up; NULL before
    the payment."""
    acknowledgement_document_id: uuid.UUID | None = None
    spent: int | None = Field(default=None, sa_type=BigInteger)
    """Spent amount according to the receipts, in minor units; NULL before the reconciliation."""
    reconciled_by_id: uuid.UUID | None = Field(default=None, foreign_key="users.id")
    reconciled_at: datetime | None = timestamp_column()
    receipt_document_ids: list[uuid.UUID] = uuid_array_column()
    finance_documents: list[dict[str, object]] = Field(default_factory=list, sa_type=JSONB, nullable=False)
    """Documents that finance officers can read, each a `StoredFinanceDocument`. Staff of the case have confirmed that they
    show no name and no diagnosis."""
    ended_by_id: uuid.UUID | None = Field(default=None, foreign_key="users.id")
    ended_at: datetime | None = timestamp_column()
    """Time of the rejection, cancellation or reversal."""
    updated_at: datetime = timestamp_column(default_now=True)
    payee_encrypted: bytes | None = encrypted_column(nullable=True)
    payee = OptionalEncryptedField[str]("payee_encrypted")
    """Name of the payee. Finance officers can read it, because they need it for the payment."""
    reversal_reason_encrypted: bytes | None = encrypted_column(nullable=True)
    reversal_reason = OptionalEncryptedField[str]("reversal_reason_encrypted")
    """Reason for the reversal. Finance officers write and read it."""


class DisbursementDetails(CaseRecord, table=True):
    """The details of a disbursement that only the readers of the case can see. The id is the id of the disbursement."""

    __tablename__ = "disbursement_details"

    area: str | None = None
    goal_id: uuid.UUID | None = Field(default=None, foreign_key="goals.id")
    content_encrypted: bytes = encrypted_column()
    content = EncryptedField[StoredDisbursementContent]("content_encrypted")
    """Purpose and other support sought. They never change."""
    reason_encrypted: bytes | None = encrypted_column(nullable=True)
    reason = OptionalEncryptedField[str]("reason_encrypted")
    """Reason for a rejection or cancellation."""


class DisbursementNumberSeries(SQLModel, table=True):
    """The last request number of a year."""

    __tablename__ = "disbursement_number_series"

    year: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    last: int
