"""Exit, closing, what comes after, and extension and reopening, on the wire."""

from datetime import date
from typing import TYPE_CHECKING, Annotated, ClassVar
from uuid import UUID

from pydantic import ConfigDict, Field

from app.schemas.codes import CodeOf
from app.schemas.merge_patch import build_patch_model
from app.schemas.wire import (
    ClientChosenId,
    Id,
    Input,
    Narrative,
    Output,
    PlainDate,
    ShortNarrative,
    StrictBoolean,
    StrictInteger,
    UtcDateTime,
    Versioned,
)

Months = Annotated[StrictInteger, Field(ge=1, le=24)]
Condition = Annotated[str, CodeOf("exit_condition")]


class ExitConditionAnswer(Input):
    """Whether a condition of the exit is met; where it is not, why the case may end all the same."""

    met: StrictBoolean
    note: ShortNarrative | None = None


class TaperStep(Input):
    """From a day on: so many contacts a month."""

    model_config = ConfigDict(serialize_by_alias=True)

    starts_on: Annotated[PlainDate, Field(alias="from")]
    contacts_per_month: Annotated[StrictInteger, Field(ge=0, le=60)]


class ExitPlanUpdate(Input):
    """How a case is to end; it may be written piece by piece, and is whole when it is approved."""

    reason_code: Annotated[str, CodeOf("closure_reason")] | None = None
    checklist: dict[Condition, ExitConditionAnswer] = Field(default_factory=dict)
    taper: Annotated[list[TaperStep], Field(max_length=24)] = Field(default_factory=list)
    ends_on: PlainDate | None = None
    follow_up_months: Annotated[list[Months], Field(max_length=12)] = Field(default_factory=lambda: [1, 3, 6])
    note: Narrative | None = None


class ExitPlanVersion(Output):
    """An exit plan as it was approved before it was written anew."""

    reason_code: Annotated[str, CodeOf("closure_reason")] | None
    checklist: dict[Condition, ExitConditionAnswer]
    taper: list[TaperStep]
    ends_on: date | None
    follow_up_months: list[int]
    note: str | None
    author_id: UUID
    decided_at: UtcDateTime
    decided_by_id: UUID


class ExitPlan(Versioned):
    """The exit plan of a case."""

    child_id: UUID
    case_id: UUID
    status: Annotated[str, CodeOf("exit_plan_status")]
    reason_code: Annotated[str, CodeOf("closure_reason")] | None
    checklist: dict[Condition, ExitConditionAnswer]
    taper: list[TaperStep]
    ends_on: date | None
    follow_up_months: list[int]
    note: str | None
    author_id: UUID
    decided_at: UtcDateTime | None
    decided_by_id: UUID | None
    decision_comment: str | None
    earlier: list[ExitPlanVersion]
    created_at: UtcDateTime
    updated_at: UtcDateTime


class CaseClosure(Input):
    """Why a case ends, and with what outcome."""

    reason_code: Annotated[str, CodeOf("closure_reason")]
    outcome: Narrative


class CaseExtension(Input):
    """Until when support goes on past 24 months, and why."""

    until: PlainDate
    reason: ShortNarrative


class CaseReopening(Input):
    """Why a child comes back; who carries the new case, where it is not the team and lead worker of the old."""

    reason: ShortNarrative
    team_id: Id | None = None
    lead_worker_id: Id | None = None


class FollowUpContent(Input):
    """How the child is after the exit."""

    held_on: PlainDate | None = None
    wellbeing: Annotated[str, CodeOf("wellbeing")] | None = None
    checklist: dict[Condition, ExitConditionAnswer] = Field(default_factory=dict)
    note: Narrative | None = None


class FollowUpCreate(FollowUpContent):
    """A follow-up that was held: a planned one, or another; of the latter the client may choose the id."""

    id: ClientChosenId | None = None
    months: Months | None = Field(
        None,
        description="Which of the planned ones it is; left out, the nearest within 45 days that is still to be held.",
    )
    held_on: PlainDate


if TYPE_CHECKING:

    class FollowUpUpdate(Input):
        """Changes to a follow-up."""
else:
    FollowUpUpdate = build_patch_model(FollowUpContent, "FollowUpUpdate")


class FollowUp(Versioned):
    """A follow-up."""

    collection: ClassVar[str | None] = "follow-ups"

    child_id: UUID
    case_id: UUID
    months: int | None
    due_on: date | None
    status: Annotated[str, CodeOf("follow_up_status")]
    is_overdue: bool
    held_on: date | None
    wellbeing: Annotated[str, CodeOf("wellbeing")] | None
    checklist: dict[Condition, ExitConditionAnswer]
    note: str | None
    author_id: UUID | None
    created_at: UtcDateTime
    updated_at: UtcDateTime
