"""Incidents and legal steps: what was reported, when the court meets, who stands by the child."""

import uuid
from datetime import date, datetime

from sqlalchemy import Index, text
from sqlmodel import Field

from app.models.record import CaseRecord, encrypted_column, timestamp_column


class LegalStep(CaseRecord, table=True):
    """A dated entry of the legal area: for those who work on the case and decide for it, not for broken glass."""

    __tablename__ = "legal_steps"
    __table_args__ = (Index("ix_legal_steps_planned", "on", postgresql_where=text("status = 'planned'")),)

    kind: str
    status: str = "done"
    """planned, done, or cancelled."""
    on: date
    author_id: uuid.UUID = Field(foreign_key="users.id")
    updated_at: datetime = timestamp_column(default_now=True)
    sealed: bytes = encrypted_column()
    """What happened, where, the file's number, the support person, the result."""
