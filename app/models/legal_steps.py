"""Incidents and legal steps: reports, hearings, and the person who supports the child."""

import uuid
from datetime import date, datetime
from typing import TypedDict

from sqlalchemy import Index, text
from sqlmodel import Field

from app.models.encrypted_field import EncryptedField
from app.models.record import CaseRecord, CorrectableRecord, encrypted_column, timestamp_column


class StoredLegalStepContent(TypedDict):
    """The content of a legal step."""

    place: str | None
    authority: str | None
    file_number: str | None
    support_person: str | None
    description: str | None
    result: str | None


class LegalStep(CaseRecord, CorrectableRecord, table=True):
    """A dated entry of the legal tier. Only the staff of the case can read it; break-glass access cannot."""

    __tablename__ = "legal_steps"
    __table_args__ = (Index("ix_legal_steps_planned", "on", postgresql_where=text("status = 'planned'")),)

    kind: str
    status: str = "done"
    """`planned`, `done` or `cancelled`."""
    on: date
    author_id: uuid.UUID = Field(foreign_key="users.id")
    updated_at: datetime = timestamp_column(default_now=True)
    content_encrypted: bytes = encrypted_column()
    content = EncryptedField[StoredLegalStepContent]("content_encrypted")
    """Place, authority, file number, support person, description and result."""
