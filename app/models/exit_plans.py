"""Exit plans of cases, and follow-ups after a case is closed."""

import uuid
from datetime import date, datetime
from typing import TypedDict

from sqlalchemy import Index, text
from sqlmodel import Field

from app.models.contents import StoredConditionAnswer
from app.models.encrypted_field import EncryptedField
from app.models.record import (
    ApprovalRecord,
    CaseRecord,
    encrypted_column,
    text_array_column,
    timestamp_column,
)

StoredTaperStep = TypedDict("StoredTaperStep", {"from": str, "contacts_per_month": int})
"""The planned number of contacts a month from a day on. The class syntax does not allow the keyword `from` as a field.
"""


class StoredExitPlanTexts(TypedDict):
    """The content of every edition of an exit plan."""

    reason_code: str | None
    checklist: dict[str, StoredConditionAnswer]
    taper: list[StoredTaperStep]
    follow_up_months: list[int]
    note: str | None


class StoredExitPlanEdition(StoredExitPlanTexts):
    """An approved edition of an exit plan that was replaced."""

    ends_on: str | None
    author_id: str
    decided_at: str
    decided_by_id: str


class StoredExitPlanContent(StoredExitPlanTexts):
    """The content of an exit plan, and its earlier approved editions."""

    earlier: list[StoredExitPlanEdition]


class StoredFollowUpContent(TypedDict, total=False):
    """The content of a follow-up. A planned follow-up has none."""

    checklist: dict[str, StoredConditionAnswer]
    note: str | None


class ExitPlan(CaseRecord, ApprovalRecord, table=True):
    """The exit plan of a case. A case has at most one."""

    __tablename__ = "exit_plans"
    __table_args__ = (
        Index("uq_exit_plans_case", "case_id", unique=True),
        Index("ix_exit_plans_draft", "case_id", postgresql_where=text("status = 'draft'")),
    )

    ends_on: date | None = None
    conditions_met: list[str] = text_array_column()
    """Conditions of the checklist that are met. Reports count them; the checklist with its notes is encrypted."""
    conditions_unmet: list[str] = text_array_column()
    """Conditions of the checklist that are answered and not met."""
    updated_at: datetime = timestamp_column(default_now=True)
    content_encrypted: bytes = encrypted_column()
    content = EncryptedField[StoredExitPlanContent]("content_encrypted")
    """Closure reason, checklist, taper of contacts, follow-up months, note, and earlier approved editions."""


class FollowUp(CaseRecord, table=True):
    """A contact with the child or family, usually 1, 3 or 6 months after the case was closed."""

    __tablename__ = "follow_ups"
    __table_args__ = (
        Index(
            "uq_follow_ups_months",
            "case_id",
            "months",
            unique=True,
            postgresql_where=text("months IS NOT NULL"),
        ),
        Index("ix_follow_ups_due", "due_on", postgresql_where=text("status IN ('due', 'missed')")),
    )

    months: int | None = None
    """Months after the closing of the case; NULL for an additional follow-up."""
    due_on: date | None = None
    status: str = "due"
    held_on: date | None = None
    author_id: uuid.UUID | None = Field(default=None, foreign_key="users.id")
    wellbeing: str | None = None
    hsb_outcome: str | None = None
    """Whether harmful sexual behaviour occurred again; NULL for cases of the kind `survivor` and before it is held."""
    conditions_met: list[str] = text_array_column()
    """Conditions of the checklist that are met at the follow-up."""
    conditions_unmet: list[str] = text_array_column()
    """Conditions of the checklist that are answered and not met at the follow-up."""
    cancelled_by_case_id: uuid.UUID | None = None
    """Id of the later case of the child whose opening cancelled the follow-up. Only a function of the database sets it."""
    updated_at: datetime = timestamp_column(default_now=True)
    content_encrypted: bytes = encrypted_column()
    content = EncryptedField[StoredFollowUpContent]("content_encrypted")
    """Answers to the checklist, and a note."""
