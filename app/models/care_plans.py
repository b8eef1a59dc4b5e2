"""Tables of care plans: plans, areas, goals and actions."""

import uuid
from datetime import date, datetime
from typing import TypedDict

from sqlalchemy import Index, text
from sqlmodel import Field

from app.models.encrypted_field import EncryptedField, OptionalEncryptedField
from app.models.record import ApprovalRecord, CaseRecord, encrypted_column, timestamp_column


class StoredCarePlanTexts(TypedDict):
    """The texts of a care plan."""

    safety_plan: str | None
    child_view: str | None
    supporter_view: str | None
    knowledge_gaps: str | None
    capacity_gaps: str | None


class StoredPlanAreaTexts(TypedDict):
    """The texts on one area: the reason for 'no need', and the findings of the assessment."""

    reason: str | None
    need: str | None
    strengths: str | None
    risk: str | None


class StoredGoalTexts(TypedDict):
    """The texts of a goal."""

    statement: str
    strengths_used: str | None


class StoredActionTexts(TypedDict):
    """The texts of an action."""

    what: str
    by_whom: str | None


class CarePlan(CaseRecord, ApprovalRecord, table=True):
    """An edition of the care plan of one subject. An approved edition is frozen until the next one supersedes it."""

    __tablename__ = "care_plans"
    __table_args__ = (
        Index(
            "uq_care_plans_one_draft",
            "case_id",
            "subject",
            text("coalesce(person_id, case_id)"),
            unique=True,
            postgresql_where=text("status IN ('draft', 'returned', 'submitted')"),
        ),
        Index(
            "uq_care_plans_one_approved",
            "case_id",
            "subject",
            text("coalesce(person_id, case_id)"),
            unique=True,
            postgresql_where=text("status = 'approved'"),
        ),
        Index(
            "uq_care_plans_edition",
            "case_id",
            "subject",
            text("coalesce(person_id, case_id)"),
            "edition",
            unique=True,
        ),
        Index("ix_care_plans_submitted", "case_id", postgresql_where=text("status = 'submitted'")),
        # Used by the agenda of the author.
        Index("ix_care_plans_returned", "author_id", postgresql_where=text("status = 'returned'")),
    )

    subject: str
    person_id: uuid.UUID | None = Field(default=None, foreign_key="people.id")
    assessment_id: uuid.UUID = Field(foreign_key="assessments.id")
    edition: int = 1
    previous_id: uuid.UUID | None = Field(default=None, foreign_key="care_plans.id")
    needs_social_work: bool | None = None
    updated_at: datetime = timestamp_column(default_now=True)
    content_encrypted: bytes = encrypted_column()
    content = EncryptedField[StoredCarePlanTexts]("content_encrypted")
    """The safety plan, the child's and the supporter's view, and the gaps in knowledge and capacity."""


class PlanArea(CaseRecord, table=True):
    """One of the seven areas of a care plan, with goals or with 'no need' and a reason."""

    __tablename__ = "plan_areas"
    __table_args__ = (Index("uq_plan_areas_plan_area", "plan_id", "area", unique=True),)

    plan_id: uuid.UUID = Field(foreign_key="care_plans.id")
    area: str
    rating: int | None = None
    """The newest rating by the assessment or a review, from 1 (weak) to 4 (strong)."""
    status: str | None = None
    """`goals` or `no_need`. NULL if the plan does not answer the area."""
    content_encrypted: bytes = encrypted_column()
    content = EncryptedField[StoredPlanAreaTexts]("content_encrypted")
    """The reason for 'no need', and need, strengths and risk from the assessment."""


class Goal(CaseRecord, table=True):
    """A goal of a care plan in one area."""

    __tablename__ = "goals"

    plan_id: uuid.UUID = Field(foreign_key="care_plans.id", index=True)
    area: str
    status: str = "open"
    origin_id: uuid.UUID
    """Id of the first copy of the goal. The copies in later editions have the same `origin_id`."""
    updated_at: datetime = timestamp_column(default_now=True)
    content_encrypted: bytes = encrypted_column()
    content = EncryptedField[StoredGoalTexts]("content_encrypted")
    """The statement and the strengths used."""


class Action(CaseRecord, table=True):
    """An action of a care plan: a step towards a goal, with a due date and its progress."""

    __tablename__ = "actions"
    __table_args__ = (Index("ix_actions_due", "case_id", "due_on", postgresql_where=text("status = 'open'")),)

    plan_id: uuid.UUID = Field(foreign_key="care_plans.id", index=True)
    goal_id: uuid.UUID = Field(foreign_key="goals.id", index=True)
    by: str
    due_on: date
    done_on: date | None = None
    """The date on which the action was done or dropped."""
    status: str = "open"
    origin_id: uuid.UUID
    """Id of the first copy of the action. The copies in later editions have the same `origin_id`."""
    updated_at: datetime = timestamp_column(default_now=True)
    content_encrypted: bytes = encrypted_column()
    content = EncryptedField[StoredActionTexts]("content_encrypted")
    """The description, and the name of the person or organisation. Frozen when the plan is submitted."""
    note_encrypted: bytes | None = encrypted_column(nullable=True)
    note = OptionalEncryptedField[str]("note_encrypted")
    """The note on the progress, which can also change in the approved plan."""
