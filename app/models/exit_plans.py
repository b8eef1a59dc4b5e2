"""Exit: how active support tapers off, what must be true before it ends, and how the child is afterwards."""

import uuid
from datetime import date, datetime

from sqlalchemy import Index, text
from sqlmodel import Field

from app.models.record import ApprovalRecord, CaseRecord, encrypted_column, timestamp_column


class ExitPlan(CaseRecord, ApprovalRecord, table=True):
    """The plan of a case's end; one a case."""

    __tablename__ = "exit_plans"
    __table_args__ = (Index("uq_exit_plans_case", "case_id", unique=True),)

    ends_on: date | None = None
    updated_at: datetime = timestamp_column(default_now=True)
    sealed: bytes = encrypted_column()
    """The checklist, the taper of contacts, notes."""


class FollowUp(CaseRecord, table=True):
    """A look at how the child is 1, 3 or 6 months after the exit; recorded though the case is closed."""

    __tablename__ = "follow_ups"
    __table_args__ = (
        Index(
            "uq_follow_ups_months",
            "case_id",
            "months",
            unique=True,
            postgresql_where=text("months IS NOT NULL"),
        ),
        Index("ix_follow_ups_due", "due_on", postgresql_where=text("status = 'due'")),
    )

    months: int | None = None
    """After the exit; none where somebody looked unplanned."""
    due_on: date | None = None
    status: str = "due"
    held_on: date | None = None
    author_id: uuid.UUID | None = Field(default=None, foreign_key="users.id")
    wellbeing: str | None = None
    updated_at: datetime = timestamp_column(default_now=True)
    sealed: bytes = encrypted_column()
    """How the child is, the checklist looked at again, what is to be done."""
