"""Documents on a case: what they are in one table, their sealed bytes in another, so that a list reads no file."""

import uuid
from datetime import datetime

from sqlmodel import Field

from app.models.record import CaseRecord, encrypted_column, timestamp_column


class Document(CaseRecord, table=True):
    """A letter, a receipt, a drawing."""

    __tablename__ = "documents"

    kind: str
    tier: str = "case"
    """case, legal or clinical: who reads it."""
    media_type: str
    """Found in the content, whatever the sender said."""
    size: int
    """Bytes."""
    author_id: uuid.UUID = Field(foreign_key="users.id")
    about_kind: str | None = None
    about_id: uuid.UUID | None = None
    """The record that it belongs to, where it belongs to one: a session, a legal step, a payment."""
    updated_at: datetime = timestamp_column(default_now=True)
    sealed: bytes = encrypted_column()
    """Title, file name, description."""


class DocumentContent(CaseRecord, table=True):
    """A document's bytes; its id is the document's."""

    __tablename__ = "document_contents"

    sealed: bytes = encrypted_column()
