"""Support sessions (planned and held contacts), clinical notes on sessions, and addenda."""

import uuid
from datetime import datetime
from typing import NotRequired, TypedDict

from sqlalchemy import Index, text
from sqlmodel import Field

from app.models.encrypted_field import EncryptedField
from app.models.record import (
    CaseRecord,
    CorrectableRecord,
    encrypted_column,
    text_array_column,
    timestamp_column,
    uuid_array_column,
)

# The line breaks must equal the index definition that PostgreSQL returns, because Alembic compares the texts.
SESSION_TIME_KEY = """(
CASE
    WHEN held_at IS NULL THEN planned_at
    ELSE held_at
END)"""
"""Time held or, if the session was not held, the planned time, as in `app.services.support.session_responses`."""


class StoredMood(TypedDict):
    """The child's mood: a value on a scale that ends at `of`, or words."""

    value: int | None
    of: int | None
    words: str | None


class StoredSessionContent(TypedDict):
    """The content of a support session."""

    participants: list[str]
    place: str | None
    mood: StoredMood | None
    summary: str | None
    next_step: str | None
    missed_reason: str | None
    cancel_reason: NotRequired[str]


class SupportSession(CaseRecord, CorrectableRecord, table=True):
    """One contact with the child or the family: therapy, a visit, an accompaniment or a call."""

    __tablename__ = "support_sessions"
    __table_args__ = (
        Index("ix_support_sessions_newest", "case_id", text("created_at DESC"), text("id DESC")),
        Index("ix_support_sessions_case_time", "case_id", text(SESSION_TIME_KEY), "id"),
        Index("ix_support_sessions_worker_time", "worker_id", text(SESSION_TIME_KEY), "id"),
        Index("ix_support_sessions_time", text(SESSION_TIME_KEY), "id"),
        Index(
            "ix_support_sessions_planned",
            "worker_id",
            "planned_at",
            postgresql_where=text("status = 'planned'"),
        ),
        Index("ix_support_sessions_planned_case", "case_id", postgresql_where=text("status = 'planned'")),
    )

    kind: str
    form: str | None = None
    status: str = "planned"
    planned_at: datetime | None = timestamp_column()
    held_at: datetime | None = timestamp_column()
    recorded_at: datetime | None = timestamp_column()
    """When the session was recorded as held or missed. The author can correct it for 24 hours from then."""
    attendance: str | None = None
    areas: list[str] = text_array_column()
    topics: list[str] = text_array_column()
    contact_with: list[str] = text_array_column()
    """The persons whom a held session reached. Empty: the default of the kind (see the SQL function access.is_contact)."""
    goal_ids: list[uuid.UUID] = uuid_array_column()
    worker_id: uuid.UUID = Field(foreign_key="users.id")
    """The worker who holds the session."""
    author_id: uuid.UUID = Field(foreign_key="users.id")
    series_id: uuid.UUID | None = Field(default=None, index=True)
    updated_at: datetime = timestamp_column(default_now=True)
    content_encrypted: bytes = encrypted_column()
    content = EncryptedField[StoredSessionContent]("content_encrypted")
    """Participants, place, mood, summary, next step, and the reason why the session was missed or cancelled."""


class ClinicalNote(CaseRecord, table=True):
    """A therapist's note on a session. Only the author and the supervisors of the case's team can read it."""

    __tablename__ = "clinical_notes"

    session_id: uuid.UUID = Field(foreign_key="support_sessions.id", unique=True)
    author_id: uuid.UUID = Field(foreign_key="users.id")
    updated_at: datetime = timestamp_column(default_now=True)
    text_encrypted: bytes = encrypted_column()
    text = EncryptedField[str]("text_encrypted")


class SessionAddendum(CaseRecord, table=True):
    """A text added to a session, or to its clinical note, after the 24 hours for corrections."""

    __tablename__ = "session_addenda"

    session_id: uuid.UUID = Field(foreign_key="support_sessions.id", index=True)
    author_id: uuid.UUID = Field(foreign_key="users.id")
    tier: str = "case"
    """`case`, or `clinical`: readable by the readers of the clinical note."""
    text_encrypted: bytes = encrypted_column()
    text = EncryptedField[str]("text_encrypted")
