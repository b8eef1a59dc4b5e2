"""Reviews and outcomes on the wire."""

from datetime import date
from typing import TYPE_CHECKING, Annotated, ClassVar
from uuid import UUID

from pydantic import Field

from app.schemas.codes import CodeOf
from app.schemas.merge_patch import build_patch_model
from app.schemas.money import Money
from app.schemas.wire import (
    Id,
    Input,
    Narrative,
    Output,
    PageQuery,
    PlainDate,
    ShortNarrative,
    StrictInteger,
    UtcDateTime,
    Versioned,
)

Area = Annotated[str, CodeOf("area")]
Rating = Annotated[StrictInteger, Field(ge=1, le=4)]
"""1 (weak) to 4 (strong)."""


class AreaReview(Input):
    """How one area is now, what has come of the work in it, and what becomes of it."""

    rating: Rating | None = None
    progress: ShortNarrative | None = None
    decision: Annotated[str, CodeOf("area_decision")] | None = None


class ReviewContent(Input):
    """What a review says; it may be written piece by piece."""

    areas: dict[Area, AreaReview] = Field(default_factory=dict)
    goals: Annotated[dict[Id, ShortNarrative], Field(max_length=200)] = Field(
        default_factory=dict, description="A note on each goal of the plan that needs one, by the goal's id."
    )
    decision: Annotated[str, CodeOf("review_decision")] | None = None
    held_on: PlainDate | None = None
    summary: Narrative | None = None


if TYPE_CHECKING:

    class ReviewUpdate(Input):
        """Changes to a review."""
else:
    ReviewUpdate = build_patch_model(ReviewContent, "ReviewUpdate")


class ReviewCreate(Input):
    """From when on a review is wanted sooner than it was scheduled, and why."""

    due_on: PlainDate | None = Field(None, description="From when on; today, if left out.")
    reason: ShortNarrative | None = None


class ReviewFilters(PageQuery):
    """Which of the reviews that are still to be held."""

    due_before: PlainDate | None = None
    overdue: Annotated[
        bool | None, Field(description="Only those whose day has passed (true), or has not (false).")
    ] = None
    team_id: Id | None = None
    worker_id: Annotated[
        Id | None, Field(description="Of cases on which this person is lead or co-worker.")
    ] = None


class ReviewSummary(Versioned):
    """A review in a list."""

    child_id: UUID
    case_id: UUID
    case_number: str
    team_id: UUID
    lead_worker_id: UUID
    plan_id: UUID
    number: int
    status: Annotated[str, CodeOf("review_status")]
    due_on: date
    is_overdue: bool
    held_on: date | None
    decision: Annotated[str, CodeOf("review_decision")] | None
    completed_at: UtcDateTime | None


class GoalProgress(Output):
    """How a goal of the plan stands."""

    goal_id: UUID
    area: Area
    statement: str
    status: Annotated[str, CodeOf("goal_status")]
    actions_done: int
    actions_open: int
    actions_overdue: int


class ServiceReferralProgress(Output):
    """How a service referral stands."""

    service_referral_id: UUID
    service: Annotated[str, CodeOf("service")]
    area: Area | None
    status: Annotated[str, CodeOf("service_referral_status")]
    outcome: Annotated[str, CodeOf("service_outcome")] | None


class ReviewPeriodActivity(Output):
    """What happened since the last review, put together by the system; kept as it was when the review was completed."""

    since: UtcDateTime | None = Field(
        description="When the last review was completed; none before the first."
    )
    until: UtcDateTime
    sessions_held: int
    sessions_missed: int
    goals: list[GoalProgress]
    service_referrals: list[ServiceReferralProgress]
    money_spent: list[Money]


class Review(Versioned):
    """A review."""

    collection: ClassVar[str | None] = "reviews"

    child_id: UUID
    case_id: UUID
    plan_id: UUID
    number: int
    status: Annotated[str, CodeOf("review_status")]
    due_on: date
    active_areas: list[Area]
    areas: dict[Area, AreaReview]
    goals: dict[UUID, str]
    decision: Annotated[str, CodeOf("review_decision")] | None
    held_on: date | None
    summary: str | None
    happened: ReviewPeriodActivity
    completed_at: UtcDateTime | None
    completed_by_id: UUID | None
    created_at: UtcDateTime
    updated_at: UtcDateTime


class OutcomePoint(Output):
    """A rating of an area on a day: 1 (weak) to 4 (strong)."""

    on: date
    record_kind: Annotated[str, CodeOf("record_kind")]
    record_id: UUID
    rating: int


class AreaOutcome(Output):
    """How one area was at first, along the way, and at exit."""

    area: Area
    points: list[OutcomePoint]
    first: int | None
    latest: int | None
    at_exit: int | None
    change: int | None = Field(
        description="From the first rating to the one at exit, or to the latest before it."
    )


class CaseOutcomes(Output):
    """How the areas of a child's life changed over a case."""

    child_id: UUID
    case_id: UUID
    areas: list[AreaOutcome]
