"""Tables of assessments and scored questionnaires (instruments)."""

import uuid
from datetime import datetime
from typing import TypedDict

from sqlalchemy import Index, text
from sqlmodel import Field

from app.models.encrypted_field import EncryptedField
from app.models.record import (
    ApprovalRecord,
    CaseRecord,
    Record,
    encrypted_column,
    json_column,
    text_array_column,
    timestamp_column,
)


class StoredSections(TypedDict):
    """The five sections of an assessment."""

    current_situation: str | None
    personal_history: str | None
    family_home: str | None
    physical_state: str | None
    emotional_state: str | None


class StoredAreaAssessment(TypedDict):
    """The texts on one area; its rating is in the column `ratings`."""

    need: str | None
    strengths: str | None
    risk: str | None
    source: str | None


class StoredScoreBand(TypedDict):
    """The meaning of a score."""

    code: str
    label: dict[str, str]


class StoredSubscaleResult(TypedDict):
    """The score of a part of an instrument."""

    code: str
    title: dict[str, str]
    score: float | None
    band: StoredScoreBand | None


class StoredInstrumentResult(TypedDict):
    """The answers to an instrument and their score."""

    instrument_id: str
    edition: int
    title: dict[str, str]
    answers: dict[str, int]
    missing: list[str]
    score: float | None
    band: StoredScoreBand | None
    subscales: list[StoredSubscaleResult]


class StoredAssessmentContent(TypedDict):
    """The texts of an assessment and the results of its instruments."""

    sections: StoredSections
    areas: dict[str, StoredAreaAssessment | None]
    child_wishes: str | None
    no_wishes_reason: str | None
    instruments: dict[str, StoredInstrumentResult]


class Assessment(CaseRecord, ApprovalRecord, table=True):
    """An assessment of one subject. It is frozen after submission; a later assessment is a new record."""

    __tablename__ = "assessments"
    __table_args__ = (
        Index(
            "uq_assessments_one_draft",
            "case_id",
            "subject",
            text("coalesce(person_id, case_id)"),
            unique=True,
            postgresql_where=text("status IN ('draft', 'returned', 'submitted')"),
        ),
        Index("ix_assessments_submitted", "case_id", postgresql_where=text("status = 'submitted'")),
        # Used by the agenda of the author.
        Index("ix_assessments_returned", "author_id", postgresql_where=text("status = 'returned'")),
    )

    subject: str
    person_id: uuid.UUID | None = Field(default=None, foreign_key="people.id")
    kind: str
    risk_level: str | None = None
    ratings: dict[str, int] = json_column()
    """Ratings by area, from 1 (weak) to 4 (strong). They are not encrypted, because outcomes and reports query them."""
    symptoms: list[str] = text_array_column()
    family_circumstances: list[str] = text_array_column()
    previous_id: uuid.UUID | None = Field(default=None, foreign_key="assessments.id")
    """Id of the previous approved assessment of the same subject."""
    updated_at: datetime = timestamp_column(default_now=True)
    content_encrypted: bytes = encrypted_column()
    content = EncryptedField[StoredAssessmentContent]("content_encrypted")
    """The sections, the texts of the areas, the child's wishes and the results of questionnaires."""


class Instrument(Record, table=True):
    """An edition of a scored questionnaire: items, scoring rules and score bands. Contains no data about a child."""

    __tablename__ = "instruments"
    __table_args__ = (
        Index("uq_instruments_code_edition", "code", "edition", unique=True),
        Index("uq_instruments_one_active", "code", unique=True, postgresql_where=text("is_active")),
    )

    code: str
    edition: int
    is_active: bool = True
    definition: dict[str, object] = json_column()
