"""Referrals: somebody tells FSC about a child."""

import uuid
from datetime import datetime

from sqlalchemy import Index, text
from sqlmodel import Field, SQLModel

from app.models.record import Record, encrypted_column, id_column, timestamp_column


class Referral(Record, table=True):
    """A referral; `sealed` holds what was told: concern, child, caregiver, referrer, consent."""

    __tablename__ = "referrals"
    __table_args__ = (
        Index("uq_referrals_agency_external_id", "agency_id", "external_id", unique=True),
        Index("ix_referrals_newest", text("received_at DESC"), text("id DESC")),
        Index("ix_referrals_team_status", "team_id", "status"),
    )

    child_id: uuid.UUID | None = Field(default=None, foreign_key="children.id", index=True)
    """The child it was accepted for; before that, nobody's."""
    case_id: uuid.UUID | None = Field(default=None, foreign_key="cases.id", index=True)
    agency_id: uuid.UUID | None = Field(default=None, foreign_key="agencies.id")
    received_by_id: uuid.UUID | None = Field(default=None, foreign_key="users.id", index=True)
    """The member of staff who typed it in, for a call or FSC's own detection."""
    handed_to_id: uuid.UUID | None = Field(default=None, foreign_key="users.id", index=True)
    team_id: uuid.UUID | None = Field(default=None, foreign_key="teams.id")
    external_id: str | None = None
    tracking_number: str = Field(unique=True)
    source: str
    urgency: str
    concern_kind: str
    status: str = "received"
    received_at: datetime = timestamp_column(default_now=True)
    updated_at: datetime = timestamp_column(default_now=True)
    acknowledged_at: datetime | None = timestamp_column()
    decided_at: datetime | None = timestamp_column()
    decided_by_id: uuid.UUID | None = Field(default=None, foreign_key="users.id")
    decline_reason_code: str | None = None
    province_code: str | None = None
    sealed: bytes = encrypted_column()
    outcome_sealed: bytes | None = encrypted_column(nullable=True)
    """Why it was declined or withdrawn, signposting, screening, feedback."""


class ReferralQuestion(SQLModel, table=True):
    """More information asked of the referrer, and the answer."""

    __tablename__ = "referral_questions"

    id: uuid.UUID = id_column()
    referral_id: uuid.UUID = Field(foreign_key="referrals.id", index=True)
    child_id: uuid.UUID | None = Field(default=None, foreign_key="children.id")
    asked_at: datetime = timestamp_column(default_now=True)
    asked_by_id: uuid.UUID = Field(foreign_key="users.id")
    question_sealed: bytes = encrypted_column()
    answered_at: datetime | None = timestamp_column()
    answer_sealed: bytes | None = encrypted_column(nullable=True)


class NameToken(SQLModel, table=True):
    """A blind index: a few bits of a keyed digest of a name part, to find candidates without reading names."""

    __tablename__ = "name_tokens"
    __table_args__ = (Index("ix_name_tokens_token_kind", "token", "kind"),)

    owner_id: uuid.UUID = Field(primary_key=True)
    token: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    kind: str = Field(primary_key=True)
    """child or referral."""
    child_id: uuid.UUID | None = None
