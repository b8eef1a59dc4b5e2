"""Answers kept for a day, so that a retry gets the same one again."""

import uuid
from datetime import datetime

from sqlalchemy import LargeBinary
from sqlmodel import Field, SQLModel

from app.models.record import encrypted_column, timestamp_column


class IdempotencyRecord(SQLModel, table=True):
    """The answer to the first request with an Idempotency-Key, and which children it showed."""

    __tablename__ = "kept_answers"

    principal_id: uuid.UUID = Field(primary_key=True)
    key_digest: bytes = Field(sa_type=LargeBinary, primary_key=True)
    id: uuid.UUID
    """Row id, bound into the sealed answer."""
    child_id: uuid.UUID | None = None
    """The child the answer is about, where it is about one."""
    fingerprint: bytes = Field(sa_type=LargeBinary)
    """Digest of method, path and body: another request with this key is an error."""
    status: int
    kept_at: datetime = timestamp_column(default_now=True, index=True)
    sealed: bytes = encrypted_column()
    """Headers, body, and the records shown."""
