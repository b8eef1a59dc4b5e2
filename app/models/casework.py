"""Cases: a period of support for one child, who works on it, and what happened to it."""

import uuid
from collections.abc import Mapping
from datetime import date, datetime
from typing import NotRequired, TypeAlias, TypedDict

from sqlalchemy import Index, text
from sqlmodel import Field, SQLModel

from app.models.encrypted_field import EncryptedField, OptionalEncryptedField
from app.models.record import Record, encrypted_column, id_column, timestamp_column


class StoredCaseContent(TypedDict):
    """The summary of a case, and its outcome after closing."""

    summary: str | None
    outcome: NotRequired[str]


StoredHistoryDetail: TypeAlias = Mapping[str, str | bool | list[str] | None]
"""Facts about a history entry; the keys depend on its kind."""


class Case(Record, table=True):
    """One period of support. Its status moves only by acts, never by a PATCH."""

    __tablename__ = "cases"
    __table_args__ = (
        Index("ix_cases_newest", text("created_at DESC"), text("id DESC")),
        Index("uq_cases_one_open", "child_id", unique=True, postgresql_where=text("status <> 'closed'")),
        Index("ix_cases_team_newest", "team_id", text("created_at DESC"), text("id DESC")),
    )

    number: str = Field(unique=True)
    child_id: uuid.UUID = Field(foreign_key="children.id", index=True)
    kind: str
    status: str = "assessment"
    team_id: uuid.UUID = Field(foreign_key="teams.id")
    lead_worker_id: uuid.UUID = Field(foreign_key="users.id", index=True)
    referral_id: uuid.UUID | None = None
    previous_case_id: uuid.UUID | None = Field(default=None, foreign_key="cases.id")
    opened_on: date
    closed_on: date | None = None
    next_review_on: date | None = None
    extended_until: date | None = None
    close_reason: str | None = None
    age_at_referral_min: int
    age_at_referral_max: int
    province_code: str | None = None
    updated_at: datetime = timestamp_column(default_now=True)
    content_encrypted: bytes = encrypted_column()
    content = EncryptedField[StoredCaseContent]("content_encrypted")
    """The case's summary: what the worker wants at hand when the file is opened; the outcome, once it is closed."""


class CaseWorker(SQLModel, table=True):
    """A co-worker on a case."""

    __tablename__ = "case_workers"

    case_id: uuid.UUID = Field(foreign_key="cases.id", primary_key=True)
    user_id: uuid.UUID = Field(foreign_key="users.id", primary_key=True, index=True)
    child_id: uuid.UUID = Field(foreign_key="children.id")
    since: datetime = timestamp_column(default_now=True)


class CaseLink(SQLModel, table=True):
    """Two cases that belong together (survivor and child with HSB): the wall stands between their workers."""

    __tablename__ = "case_links"
    __table_args__ = (Index("uq_case_links_pair", "case_id", "linked_case_id", unique=True),)

    id: uuid.UUID = id_column()
    child_id: uuid.UUID = Field(foreign_key="children.id")
    case_id: uuid.UUID = Field(foreign_key="cases.id", index=True)
    linked_child_id: uuid.UUID = Field(foreign_key="children.id")
    linked_case_id: uuid.UUID = Field(foreign_key="cases.id", index=True)
    linked_by_id: uuid.UUID = Field(foreign_key="users.id")
    linked_at: datetime = timestamp_column(default_now=True)
    reason_encrypted: bytes = encrypted_column()
    reason = EncryptedField[str]("reason_encrypted")


class BreakGlassGrant(SQLModel, table=True):
    """Four hours with a case outside one's scope, for a typed reason."""

    __tablename__ = "break_glass"

    id: uuid.UUID = id_column()
    case_id: uuid.UUID = Field(foreign_key="cases.id", index=True)
    child_id: uuid.UUID | None = Field(default=None, foreign_key="children.id", index=True)
    user_id: uuid.UUID = Field(foreign_key="users.id", index=True)
    opened_at: datetime = timestamp_column(default_now=True)
    expires_at: datetime = timestamp_column(default_now=True)
    reason_encrypted: bytes = encrypted_column()
    reason = EncryptedField[str]("reason_encrypted")


class CaseHistoryEntry(SQLModel, table=True):
    """What happened to a case, in the order it happened: the timeline. Written by the acts themselves, never changed."""

    __tablename__ = "case_history"
    __table_args__ = (Index("ix_case_history_newest", "case_id", text("at DESC"), text("id DESC")),)

    id: uuid.UUID = id_column()
    child_id: uuid.UUID = Field(foreign_key="children.id", index=True)
    case_id: uuid.UUID = Field(foreign_key="cases.id")
    at: datetime = timestamp_column(default_now=True)
    """When it happened, which may be long before it was recorded."""
    recorded_at: datetime = timestamp_column(default_now=True)
    kind: str
    by_id: uuid.UUID | None = None
    tier: str = "case"
    """case, legal or clinical: who reads the line."""
    record_kind: str
    record_id: uuid.UUID
    detail_encrypted: bytes | None = encrypted_column(nullable=True)
    detail = OptionalEncryptedField[StoredHistoryDetail]("detail_encrypted")
    """What a reader of the timeline should know about it, where there is more than the kind says."""
