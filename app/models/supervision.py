"""Tables of supervision meetings: the meeting, its notes in a separate tier, and the agreed actions."""

import uuid
from datetime import date, datetime

from sqlalchemy import Index, text
from sqlmodel import Field, SQLModel

from app.models.encrypted_field import EncryptedField, OptionalEncryptedField
from app.models.record import (
    CorrectableRecord,
    Record,
    encrypted_column,
    timestamp_column,
    uuid_array_column,
)


class SupervisionMeeting(Record, CorrectableRecord, table=True):
    """A meeting of a worker with the supervisor, about the work and the cases of the worker."""

    __tablename__ = "supervision_meetings"
    __table_args__ = (
        Index("ix_supervision_meetings_held_on", "held_on", "id"),
        Index("ix_supervision_meetings_worker", "worker_id", "held_on"),
        Index("ix_supervision_meetings_team", "team_id", "held_on"),
    )

    worker_id: uuid.UUID = Field(foreign_key="users.id")
    supervisor_id: uuid.UUID = Field(foreign_key="users.id", index=True)
    team_id: uuid.UUID = Field(foreign_key="teams.id")
    """The team of the worker at the time of the meeting, whose supervisors can read the meeting."""
    held_on: date
    next_on: date | None = None
    """The agreed day of the next meeting."""
    case_ids: list[uuid.UUID] = uuid_array_column()
    """Ids of the discussed cases. A reader of the meeting sees those that the row policies of cases allow."""
    updated_at: datetime = timestamp_column(default_now=True)


class SupervisionNotes(SQLModel, table=True):
    """Confidential notes of a meeting, for its supervisor and its worker. Each meeting has a row with its id."""

    __tablename__ = "supervision_notes"

    id: uuid.UUID = Field(foreign_key="supervision_meetings.id", primary_key=True)
    text_encrypted: bytes | None = encrypted_column(nullable=True)
    text = OptionalEncryptedField[str]("text_encrypted")


class SupervisionAction(Record, table=True):
    """An action that the worker and the supervisor agreed in a meeting."""

    __tablename__ = "supervision_actions"
    __table_args__ = (
        Index("ix_supervision_actions_open", "owner_id", postgresql_where=text("done_on IS NULL")),
    )

    meeting_id: uuid.UUID = Field(foreign_key="supervision_meetings.id", index=True)
    owner_id: uuid.UUID = Field(foreign_key="users.id")
    """Id of the worker or the supervisor of the meeting, who carries out the action."""
    due_on: date
    done_on: date | None = None
    what_encrypted: bytes = encrypted_column()
    what = EncryptedField[str]("what_encrypted")
