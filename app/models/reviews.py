"""Reviews: every three months a look at every area, which adapts the plan."""

import uuid
from datetime import date, datetime

from sqlalchemy import Index, text
from sqlmodel import Field

from app.models.record import CaseRecord, encrypted_column, json_column, timestamp_column


class Review(CaseRecord, table=True):
    """One review; scheduled by a plan's approval or by the review before it."""

    __tablename__ = "reviews"
    __table_args__ = (
        Index(
            "uq_reviews_one_scheduled", "case_id", unique=True, postgresql_where=text("status = 'scheduled'")
        ),
        Index("uq_reviews_number", "case_id", "number", unique=True),
        Index("ix_reviews_due", "due_on", "id", postgresql_where=text("status = 'scheduled'")),
    )

    plan_id: uuid.UUID = Field(foreign_key="care_plans.id")
    """The approved plan that it looks back on."""
    number: int
    status: str = "scheduled"
    due_on: date
    held_on: date | None = None
    decision: str | None = None
    ratings: dict[str, int] = json_column()
    decisions: dict[str, str] = json_column()
    """Area to decision: continue, adapt, close."""
    completed_at: datetime | None = timestamp_column()
    completed_by_id: uuid.UUID | None = Field(default=None, foreign_key="users.id")
    updated_at: datetime = timestamp_column(default_now=True)
    sealed: bytes = encrypted_column()
    """Progress and notes by area, how each goal stands, and what happened since the last, kept at completion."""
