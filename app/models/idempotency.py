"""Responses stored for 24 hours, so that a retry with the same Idempotency-Key returns the same response."""

import uuid
from datetime import datetime
from typing import TypedDict

from sqlalchemy import LargeBinary
from sqlmodel import Field, SQLModel

from app.models.encrypted_field import EncryptedField
from app.models.record import encrypted_column, timestamp_column


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
