"""Tables of the three-monthly reviews of a care plan, and of the feedback of children and caregivers."""

import uuid
from datetime import date, datetime
from typing import TypedDict

from sqlalchemy import Index, text
from sqlmodel import Field

from app.models.encrypted_field import EncryptedField, OptionalEncryptedField
from app.models.record import (
    CaseRecord,
    CorrectableRecord,
    encrypted_column,
    json_column,
    timestamp_column,
)


class StoredAreaReview(TypedDict):
    """The review of one area."""

    rating: int | None
    progress: str | None
    decision: str | None


class StoredGoalProgress(TypedDict):
    """Progress of a goal when the review was completed."""

    goal_id: str
    area: str
    statement: str
    status: str
    actions_done: int
    actions_open: int
    actions_overdue: int


class StoredServiceReferralProgress(TypedDict):
    """Status of a service referral when the review was completed."""

    service_referral_id: str
    service: str
    area: str | None
    status: str
    outcome: str | None


class StoredMoney(TypedDict):
    """An amount as a decimal string, and its currency."""

    amount: str
    currency: str


class StoredReviewPeriod(TypedDict):
    """Activity between the previous review and this one."""

    since: str | None
    until: str
    sessions_held: int
    sessions_missed: int
    goals: list[StoredGoalProgress]
    service_referrals: list[StoredServiceReferralProgress]
    money_spent: list[StoredMoney]


class StoredReviewContent(TypedDict, total=False):
    """The content of a review. A scheduled review has none; `happened` is added on completion."""

    areas: dict[str, StoredAreaReview]
    goals: dict[str, str]
    summary: str | None
    happened: StoredReviewPeriod


class Review(CaseRecord, table=True):
    """A review of a care plan. The approval of a plan schedules the first one, each completed review the next one."""

    __tablename__ = "reviews"
    __table_args__ = (
        Index(
            "uq_reviews_one_scheduled", "case_id", unique=True, postgresql_where=text("status = 'scheduled'")
        ),
        Index("uq_reviews_number", "case_id", "number", unique=True),
        Index("ix_reviews_due", "status", "due_on", "id"),
    )

    plan_id: uuid.UUID = Field(foreign_key="care_plans.id")
    """The approved care plan that the review evaluates."""
    number: int
    status: str = "scheduled"
    due_on: date
    held_on: date | None = None
    decision: str | None = None
    ratings: dict[str, int] = json_column()
    decisions: dict[str, str] = json_column()
    """Decisions by area: continue, adapt or close."""
    completed_at: datetime | None = timestamp_column()
    completed_by_id: uuid.UUID | None = Field(default=None, foreign_key="users.id")
    updated_at: datetime = timestamp_column(default_now=True)
    content_encrypted: bytes = encrypted_column()
    content = EncryptedField[StoredReviewContent]("content_encrypted")
    """Progress by area, notes on goals, the summary, and the activity of the period, which is added at the completion."""


class Feedback(CaseRecord, CorrectableRecord, table=True):
    """The opinion of a child or caregiver about the support. It never changes, except for the mark entered in error."""

    __tablename__ = "feedback"

    given_by: str
    """`child` or `caregiver`."""
    rating: int
    """From 1 (very unhappy face) to 5 (very happy face)."""
    occasion: str
    """`review` or `exit`."""
    review_id: uuid.UUID | None = Field(default=None, foreign_key="reviews.id")
    given_on: date
    helped_by: str | None = None
    author_id: uuid.UUID = Field(foreign_key="users.id")
    comment_encrypted: bytes | None = encrypted_column(nullable=True)
    comment = OptionalEncryptedField[str]("comment_encrypted")
