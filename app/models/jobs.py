"""Tables of background jobs, of the report runs that a job computes, and of responses that are stored for retries.

Jobs and report runs contain no data about a child. A stored response is encrypted.
"""

import uuid
from datetime import date, datetime
from typing import Any, TypedDict

from sqlalchemy import Index, LargeBinary, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlmodel import Field, SQLModel

from app.models.encrypted_field import EncryptedField, EncryptedFile
from app.models.record import Record, encrypted_column, id_column, json_column, timestamp_column


class Job(SQLModel, table=True):
    """Work that the job process does after the transaction that wrote this row has committed."""

    __tablename__ = "jobs"
    __table_args__ = (
        Index(
            "ix_jobs_waiting",
            "run_after",
            "id",
            postgresql_where=text("finished_at IS NULL AND failed_at IS NULL"),
        ),
        Index(
            "uq_jobs_periodic",
            "kind",
            unique=True,
            postgresql_where=text("is_periodic AND finished_at IS NULL"),
        ),
    )

    id: uuid.UUID = id_column()
    kind: str
    payload: dict[str, str] = json_column()
    """Ids of the records that the job is about. Never personal data."""
    is_periodic: bool = False
    """Whether the job schedules its next run when it finishes. A periodic kind has one unfinished row."""
    created_at: datetime = timestamp_column(default_now=True)
    run_after: datetime = timestamp_column(default_now=True)
    """Earliest time of the next attempt."""
    attempts: int = 0
    """Number of attempts that began. It also identifies the lease: only the newest attempt can finish the job."""
    leased_until: datetime | None = timestamp_column()
    """Until this time, no other process runs the job."""
    last_error: str | None = None
    """Type of the last error, without its message."""
    finished_at: datetime | None = timestamp_column()
    failed_at: datetime | None = timestamp_column()
    """Time of the last permitted attempt, if it failed too."""


class ReportRun(Record, table=True):
    """A request for several reports in one file. Only its requester can read it."""

    __tablename__ = "report_runs"
    __table_args__ = (Index("ix_report_runs_newest", "requested_by_id", "created_at", "id"),)

    requested_by_id: uuid.UUID = Field(foreign_key="users.id")
    reports: list[Any] = Field(default_factory=list, sa_type=JSONB, nullable=False)
    """Name and dimensions of each report, in order."""
    first_day: date
    last_day: date
    compares: bool = False
    """Whether the reports also contain the previous period."""
    language: str
    grant_code: str | None = Field(default=None, foreign_key="donor_grants.code")
    status: str = "queued"
    done: int = 0
    """Number of computed reports."""
    failure: str | None = None
    """Reason why the run failed."""
    finished_at: datetime | None = timestamp_column()
    """Time at which the run finished or failed."""
    secret_hash: bytes = Field(sa_type=LargeBinary, nullable=False)
    """Hash of the secret with which the job reads for the requester. Only the key ring can compute the secret."""


class ReportRunContent(SQLModel, table=True):
    """The encrypted files of a finished run. The row has the id of the run, and is deleted after 24 hours."""

    __tablename__ = "report_run_contents"

    id: uuid.UUID = Field(foreign_key="report_runs.id", primary_key=True)
    pdf_encrypted: bytes = encrypted_column()
    pdf = EncryptedFile("pdf_encrypted")
    xlsx_encrypted: bytes = encrypted_column()
    xlsx = EncryptedFile("xlsx_encrypted")
    missing_characters: int
    """Number of characters of the PDF that no font has."""


class StoredAccessedRecord(TypedDict):
    """A record that the response contained."""

    child_id: str | None
    case_id: str | None
    kind: str
    record_id: str


class StoredResponseContent(TypedDict):
    """The response that a retry repeats, and the records that it contained."""

    headers: dict[str, str]
    body: str
    accessed_records: list[StoredAccessedRecord]


class IdempotencyRecord(SQLModel, table=True):
    """The response to the first request with an Idempotency-Key."""

    __tablename__ = "idempotency_records"

    principal_id: uuid.UUID = Field(primary_key=True)
    """The caller that sent the key."""
    key_digest: bytes = Field(sa_type=LargeBinary, primary_key=True)
    """SHA-256 of the key."""
    id: uuid.UUID
    """Row id that the encryption of the response is bound to."""
    child_id: uuid.UUID | None = None
    """First child that the response contains, if any."""
    fingerprint: bytes = Field(sa_type=LargeBinary)
    """Keyed digest of the path, the query string, If-Match and the body. A request with the same key and another fingerprint is rejected."""
    status: int
    """HTTP status of the response."""
    stored_at: datetime = timestamp_column(default_now=True, index=True)
    """Time at which the response was stored."""
    response_encrypted: bytes = encrypted_column()
    response = EncryptedField[StoredResponseContent]("response_encrypted")
    """Headers and body of the response, and the records that it contains (for the access log of a replay)."""
