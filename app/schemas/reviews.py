"""Schemas of reviews and of the outcomes of a case."""

from datetime import date
from typing import TYPE_CHECKING, Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import Field
from typing_extensions import TypeAliasType

from app.schemas.assessments import Area, Rating, RiskLevel
from app.schemas.cases import CaseChild
from app.schemas.codes import CodeOf
from app.schemas.dates import FilterDate, PastDate, PlanDate
from app.schemas.merge_patch import build_patch_model
from app.schemas.money import Money
from app.schemas.references import StaffRef, TeamRef
from app.schemas.wire import (
    CommaSeparated,
    CountedPage,
    CountedPageQuery,
    Id,
    Input,
    Narrative,
    Output,
    QueryBoolean,
    ShortNarrative,
    UtcDateTime,
    Versioned,
)


class AreaReview(Input):
    """The review of one area: its rating, the progress and the decision."""

    rating: Rating | None = Field(None, description="Rating of the area, from 1 (weak) to 4 (strong).")
    progress: ShortNarrative | None = Field(
        None, description="Progress in the area since the previous review."
    )
    decision: Annotated[str, CodeOf("area_decision")] | None = Field(
        None, description="Decision for the area: `continue`, `adapt` or `close`."
    )


class ReviewContent(Input):
    """The editable content of a review. It may be incomplete until the review is completed."""

    areas: dict[Area, AreaReview] = Field(default_factory=dict, description="Reviews of the areas, by area.")
    goals: Annotated[dict[Id, ShortNarrative], Field(max_length=200)] = Field(
        default_factory=dict, description="Notes on goals of the plan, by goal id."
    )
    decision: Annotated[str, CodeOf("review_decision")] | None = Field(
        None,
        description="Decision for the case: `continue`, `adapt` (creates the next edition of the plan) or "
        "`begin_exit`.",
    )
    held_on: PastDate | None = Field(None, description="Date on which the review was held.")
    summary: Narrative | None = Field(None, description="Summary of the review.")


if TYPE_CHECKING:

    class ReviewUpdate(Input):
        """Changes to the content of a review."""
else:
    ReviewUpdate = build_patch_model(ReviewContent, "ReviewUpdate")


class ReviewCreate(Input):
    """An earlier due date of the scheduled review of a case, with the reason."""

    due_on: PlanDate | None = Field(
        None, description="New due date, between today and the scheduled date. By default today."
    )
    reason: ShortNarrative | None = Field(None, description="Reason for the earlier review.")


ReviewSort = TypeAliasType("ReviewSort", Literal["due_on", "-due_on"])
"""Order of the list of reviews."""


class ReviewFilters(CountedPageQuery):
    """Query parameters of the list of reviews."""

    sort: ReviewSort = Field("due_on", description="Order of the list; a minus sign means descending.")
    status: CommaSeparated[Annotated[str, CodeOf("review_status")]] = Field(
        ["scheduled"], description="Only reviews with one of these statuses, separated by commas."
    )
    due_from: FilterDate | None = Field(None, description="Only reviews that are due on or after this date.")
    due_before: FilterDate | None = Field(None, description="Only reviews that are due before this date.")
    overdue: QueryBoolean | None = Field(
        None,
        description="Only scheduled reviews whose due date has passed (`true`), or only other reviews (`false`).",
    )
    team_id: CommaSeparated[Id] | None = Field(
        None, description="Only reviews of cases of one of these teams, separated by commas."
    )
    worker_id: CommaSeparated[Id] | None = Field(
        None,
        description="Only reviews of cases with one of these users as lead worker or co-worker, separated by commas.",
    )
    risk_level: CommaSeparated[RiskLevel] | None = Field(
        None, description="Only reviews of cases with one of these risk levels, separated by commas."
    )


class ReviewSummary(Versioned):
    """A review in a list, without its texts."""

    child_id: UUID = Field(description="Id of the child.")
    case_id: UUID = Field(description="Id of the case.")
    case_number: str = Field(description="Number of the case, such as FSC-2026-0042.")
    child: CaseChild = Field(description="The child of the case.")
    team_id: UUID = Field(description="Id of the team of the case.")
    team: TeamRef = Field(description="The team of the case.")
    lead_worker_id: UUID = Field(description="Id of the lead worker of the case.")
    lead_worker: StaffRef = Field(description="The lead worker of the case.")
    risk_level: RiskLevel | None = Field(
        description="Risk level of the child's newest approved assessment; null if there is none."
    )
    plan_id: UUID = Field(description="Id of the care plan (edition) that the review evaluates.")
    number: int = Field(description="Number of the review within the case, starting at 1.")
    status: Annotated[str, CodeOf("review_status")] = Field(description="Life-cycle status of the review.")
    due_on: date = Field(description="Date on which the review is due.")
    is_overdue: bool = Field(description="Whether the review is scheduled and its due date has passed.")
    held_on: date | None = Field(description="Date on which the review was held.")
    decision: Annotated[str, CodeOf("review_decision")] | None = Field(
        description="Decision for the case; null until it is recorded."
    )
    completed_at: UtcDateTime | None = Field(description="Time of the completion.")


class ReviewList(CountedPage[ReviewSummary]):
    """One page of reviews."""


class GoalProgress(Output):
    """The progress of a goal: its status and the number of its actions by state."""

    goal_id: UUID = Field(description="Id of the goal.")
    area: Area = Field(description="Area of the goal.")
    statement: str = Field(description="Desired result of the goal.")
    status: Annotated[str, CodeOf("goal_status")] = Field(description="Status of the goal.")
    actions_done: int = Field(description="Number of actions that are done.")
    actions_open: int = Field(description="Number of actions that are open.")
    actions_overdue: int = Field(description="Number of open actions whose due date has passed.")


class ServiceReferralProgress(Output):
    """The status of a service referral during the review period."""

    service_referral_id: UUID = Field(description="Id of the service referral.")
    service: Annotated[str, CodeOf("service")] = Field(description="Requested service.")
    area: Area | None = Field(description="Area of the care plan that the service supports.")
    status: Annotated[str, CodeOf("service_referral_status")] = Field(
        description="Life-cycle status of the service referral."
    )
    outcome: Annotated[str, CodeOf("service_outcome")] | None = Field(
        description="Outcome of the service; null until the service referral is completed."
    )


class ReviewPeriodActivity(Output):
    """The recorded activity since the previous review. The system computes it and stores it at the completion."""

    since: UtcDateTime | None = Field(
        description="Completion of the previous review; null for the first review."
    )
    until: UtcDateTime = Field(description="Time at which the activity was computed.")
    sessions_held: int = Field(description="Number of support sessions that were held.")
    sessions_missed: int = Field(description="Number of support sessions that were missed.")
    goals: list[GoalProgress] = Field(description="Progress of the goals of the care plan.")
    service_referrals: list[ServiceReferralProgress] = Field(
        description="Service referrals that changed in the period or still wait for a result. Excludes drafts."
    )
    money_spent: list[Money] = Field(
        description="Amounts paid from the assistance fund in the period, one per currency."
    )


class Review(Versioned):
    """A review with its full content."""

    collection: ClassVar[str | None] = "reviews"

    child_id: UUID = Field(description="Id of the child.")
    case_id: UUID = Field(description="Id of the case.")
    plan_id: UUID = Field(description="Id of the care plan (edition) that the review evaluates.")
    number: int = Field(description="Number of the review within the case, starting at 1.")
    status: Annotated[str, CodeOf("review_status")] = Field(description="Life-cycle status of the review.")
    due_on: date = Field(description="Date on which the review is due.")
    active_areas: list[Area] = Field(
        description="Areas with goals, except those that an earlier review closed. To complete the review, each of "
        "them must be reviewed."
    )
    areas: dict[Area, AreaReview] = Field(description="Reviews of the areas, by area.")
    goals: dict[UUID, str] = Field(description="Notes on goals of the plan, by goal id.")
    decision: Annotated[str, CodeOf("review_decision")] | None = Field(
        description="Decision for the case; null until it is recorded."
    )
    held_on: date | None = Field(description="Date on which the review was held.")
    summary: str | None = Field(description="Summary of the review.")
    happened: ReviewPeriodActivity = Field(
        description="Recorded activity since the previous review, computed by the system."
    )
    completed_at: UtcDateTime | None = Field(description="Time of the completion.")
    completed_by_id: UUID | None = Field(description="Id of the user who completed the review.")
    completed_by: StaffRef | None = Field(description="The user who completed the review.")
    created_at: UtcDateTime = Field(description="Time at which the review was scheduled.")
    updated_at: UtcDateTime = Field(description="Time of the last change.")


class OutcomePoint(Output):
    """A rating of an area at one date."""

    on: date = Field(description="Date of the assessment's submission or of the review.")
    record_kind: Annotated[str, CodeOf("record_kind")] = Field(
        description="Kind of the record with the rating: assessment or review."
    )
    record_id: UUID = Field(description="Id of the assessment or review.")
    rating: int = Field(description="Rating of the area, from 1 (weak) to 4 (strong).")


class AreaOutcome(Output):
    """The ratings of one area over a case."""

    area: Area = Field(description="Rated area.")
    points: list[OutcomePoint] = Field(description="All ratings of the area, earliest first.")
    first: int | None = Field(description="First rating; null if the area was never rated.")
    latest: int | None = Field(description="Latest rating; null if the area was never rated.")
    at_exit: int | None = Field(
        description="Rating in the review that decided to begin the exit; null without such a review."
    )
    change: int | None = Field(
        description="Rating at exit, or until the exit the latest rating, minus the first rating."
    )


class CaseOutcomes(Output):
    """Ratings of the seven areas over a case: the first, the latest and at exit, with the change."""

    child_id: UUID = Field(description="Id of the child.")
    case_id: UUID = Field(description="Id of the case.")
    areas: list[AreaOutcome] = Field(description="Outcome of each of the seven areas.")
