"""Support sessions: planned and held contacts, the clinical notes on them, and what was added later."""

import uuid
from datetime import datetime

from sqlalchemy import Index, text
from sqlmodel import Field

from app.models.record import (
    CaseRecord,
    encrypted_column,
    text_array_column,
    timestamp_column,
    uuid_array_column,
)


class SupportSession(CaseRecord, table=True):
    """One contact: therapy, a visit, an accompaniment, a call."""

    __tablename__ = "support_sessions"
    __table_args__ = (
        Index("ix_support_sessions_newest", "case_id", text("created_at DESC"), text("id DESC")),
        Index("ix_support_sessions_planned", "planned_at", postgresql_where=text("status = 'planned'")),
    )

    kind: str
    form: str | None = None
    status: str = "planned"
    planned_at: datetime | None = timestamp_column()
    held_at: datetime | None = timestamp_column()
    recorded_at: datetime | None = timestamp_column()
    """When it was written down as held or missed: its author may change it for 24 hours from then."""
    attendance: str | None = None
    areas: list[str] = text_array_column()
    goal_ids: list[uuid.UUID] = uuid_array_column()
    worker_id: uuid.UUID = Field(foreign_key="users.id", index=True)
    """Who holds it."""
    author_id: uuid.UUID = Field(foreign_key="users.id")
    series_id: uuid.UUID | None = Field(default=None, index=True)
    updated_at: datetime = timestamp_column(default_now=True)
    sealed: bytes = encrypted_column()
    """Participants, place, the child's mood, summary, next step, why it was missed."""


class ClinicalNote(CaseRecord, table=True):
    """A therapist's note on a session: for its author and the supervisor of the case's team, and nobody else."""

    __tablename__ = "clinical_notes"

    session_id: uuid.UUID = Field(foreign_key="support_sessions.id", unique=True)
    author_id: uuid.UUID = Field(foreign_key="users.id")
    updated_at: datetime = timestamp_column(default_now=True)
    sealed: bytes = encrypted_column()


class SessionAddendum(CaseRecord, table=True):
    """Something added to a session, or to its clinical note, after it was frozen."""

    __tablename__ = "session_addenda"

    session_id: uuid.UUID = Field(foreign_key="support_sessions.id", index=True)
    author_id: uuid.UUID = Field(foreign_key="users.id")
    tier: str = "case"
    """case, or clinical: read like the clinical note."""
    sealed: bytes = encrypted_column()
