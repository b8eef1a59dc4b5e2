"""Incidents and legal steps: reports, hearings, and the person who supports the child."""

import uuid
from datetime import date, datetime

from sqlalchemy import Index, text
from sqlmodel import Field

from app.models.record import CaseRecord, encrypted_column, timestamp_column


class LegalStep(CaseRecord, table=True):
    """A dated entry of the legal tier. Only the staff of the case can read it; break-glass access cannot."""

    __tablename__ = "legal_steps"
    __table_args__ = (Index("ix_legal_steps_planned", "on", postgresql_where=text("status = 'planned'")),)

    kind: str
    status: str = "done"
    """`planned`, `done` or `cancelled`."""
    on: date
    author_id: uuid.UUID = Field(foreign_key="users.id")
    updated_at: datetime = timestamp_column(default_now=True)
    sealed: bytes = encrypted_column()
    """Place, authority, file number, support person, description and result."""
