"""Schemas of exit plans, of closing, extending and reopening a case, and of follow-ups."""

from datetime import date
from typing import TYPE_CHECKING, Annotated, ClassVar
from uuid import UUID

from pydantic import ConfigDict, Field

from app.schemas.codes import CodeOf
from app.schemas.consents import ConsentCreate
from app.schemas.dates import PastDate, PlanDate
from app.schemas.merge_patch import build_patch_model
from app.schemas.references import StaffRef
from app.schemas.wire import (
    ClientChosenId,
    Id,
    Input,
    Narrative,
    Output,
    Page,
    ShortNarrative,
    StrictBoolean,
    StrictInteger,
    UtcDateTime,
    Versioned,
)

Months = Annotated[StrictInteger, Field(ge=1, le=24)]
"""Number of months after the closing of the case."""
Condition = Annotated[str, CodeOf("exit_condition")]
HsbOutcome = Annotated[str, CodeOf("hsb_outcome")]


class ExitConditionAnswer(Input):
    """The answer to one condition of the exit checklist."""

    met: StrictBoolean = Field(description="Whether the condition is met.")
    note: ShortNarrative | None = Field(
        None,
        description="Explanation. Required if the condition is not met: it gives the reason why the case can end "
        "nevertheless.",
    )


class TaperStep(Input):
    """A step of the taper: the number of contacts a month from `from` until the next step."""

    model_config = ConfigDict(serialize_by_alias=True)

    starts_on: Annotated[PlanDate, Field(alias="from", description="First day of the step.")]
    contacts_per_month: Annotated[StrictInteger, Field(ge=0, le=60)] = Field(
        description="Number of contacts a month."
    )


class ExitPlanUpdate(Input):
    """The content of an exit plan. A draft may be incomplete."""

    reason_code: Annotated[str, CodeOf("closure_reason")] | None = Field(
        None,
        description="Expected closure reason. Required if support ends unplanned, for example because the family "
        "moves away.",
    )
    checklist: dict[Condition, ExitConditionAnswer] = Field(
        default_factory=dict, description="Answers to the exit checklist, by condition."
    )
    taper: Annotated[list[TaperStep], Field(max_length=24)] = Field(
        default_factory=list,
        description="Steps by which contacts become less frequent. Each step starts later than the previous one and "
        "has at most as many contacts.",
    )
    ends_on: PlanDate | None = Field(None, description="Day on which support ends.")
    follow_up_months: Annotated[list[Months], Field(max_length=12)] = Field(
        default_factory=lambda: [1, 3, 6],
        description="Follow-ups to schedule, in months after the closing of the case. A planned end of support "
        "requires 1, 3 and 6.",
    )
    note: Narrative | None = Field(
        None,
        description="Additional information. For a taper of less than 28 days, from its first step to `ends_on`, the reason "
        "for it, which the approval requires.",
    )


class ExitPlanEdition(Output):
    """An approved edition of an exit plan that was replaced later."""

    reason_code: Annotated[str, CodeOf("closure_reason")] | None = Field(
        description="Expected closure reason."
    )
    checklist: dict[Condition, ExitConditionAnswer] = Field(
        description="Answers to the exit checklist, by condition."
    )
    taper: list[TaperStep] = Field(
        description="Steps by which contacts become less frequent, in order of time."
    )
    ends_on: date | None = Field(description="Day on which support ends.")
    follow_up_months: list[int] = Field(
        description="Follow-ups to schedule, in months after the closing of the case."
    )
    note: str | None = Field(description="Additional information.")
    author_id: UUID = Field(description="Id of the staff member who wrote this edition.")
    author: StaffRef = Field(description="The staff member who wrote this edition.")
    decided_at: UtcDateTime = Field(description="Time at which this version was approved.")
    decided_by_id: UUID = Field(description="Id of the supervisor who approved this edition.")
    decided_by: StaffRef = Field(description="The supervisor who approved this edition.")


class ExitPlan(Versioned):
    """The exit plan of a case."""

    child_id: UUID = Field(description="Id of the child.")
    case_id: UUID = Field(description="Id of the case.")
    status: Annotated[str, CodeOf("exit_plan_status")] = Field(
        description="Life-cycle status of the plan: `draft` or `approved`."
    )
    reason_code: Annotated[str, CodeOf("closure_reason")] | None = Field(
        description="Expected closure reason."
    )
    checklist: dict[Condition, ExitConditionAnswer] = Field(
        description="Answers to the exit checklist, by condition."
    )
    taper: list[TaperStep] = Field(
        description="Steps by which contacts become less frequent, in order of time."
    )
    ends_on: date | None = Field(description="Day on which support ends.")
    follow_up_months: list[int] = Field(
        description="Follow-ups to schedule, in months after the closing of the case."
    )
    note: str | None = Field(description="Additional information.")
    author_id: UUID = Field(description="Id of the staff member who wrote the current edition.")
    author: StaffRef = Field(description="The staff member who wrote the current edition.")
    decided_at: UtcDateTime | None = Field(description="Time of the approval; null for a draft.")
    decided_by_id: UUID | None = Field(
        description="Id of the supervisor who approved the plan; null for a draft."
    )
    decided_by: StaffRef | None = Field(description="The supervisor who approved the plan; null for a draft.")
    decision_comment: str | None = Field(description="Comment of the supervisor on the approval.")
    earlier: list[ExitPlanEdition] = Field(description="Earlier approved editions, oldest first.")
    created_at: UtcDateTime = Field(description="Time at which the plan was created.")
    updated_at: UtcDateTime = Field(description="Time of the last change.")


class CaseClosure(Input):
    """Closing of a case, with the reason and the outcome."""

    reason_code: Annotated[str, CodeOf("closure_reason")] = Field(description="Reason for closing the case.")
    outcome: Narrative = Field(description="Outcome of the support, in words.")
    hsb_outcome: HsbOutcome | None = Field(
        None,
        description="Whether harmful sexual behaviour occurred again. Only for cases of the kind `hsb` or `both`; null "
        "means `unknown` for them.",
    )


class CaseExtension(Input):
    """Extension of support beyond 24 months."""

    until: PlanDate = Field(
        description="Last day of support after the extension. It must be later than the current last day."
    )
    reason: ShortNarrative = Field(description="Reason for the extension.")


class CaseReopening(Input):
    """Reopening of a closed case as a new case for the same child."""

    reason: ShortNarrative = Field(description="Reason why the child needs support again.")
    consent: ConsentCreate | None = Field(
        None,
        description="The new consent to services, given on or after the day of closing, or the legal basis for acting without "
        "consent. The case cannot be reopened without it.",
    )
    team_id: Id | None = Field(
        None, description="Id of the team of the new case; null: the team of the closed case."
    )
    lead_worker_id: Id | None = Field(
        None, description="Id of the lead worker of the new case; null: the lead worker of the closed case."
    )


class FollowUpContent(Input):
    """The result of a follow-up."""

    held_on: PastDate | None = Field(
        None, description="Day of the follow-up, on or after the day of closing."
    )
    wellbeing: Annotated[str, CodeOf("wellbeing")] | None = Field(
        None,
        description="Wellbeing of the child. `not_reached` records the follow-up as missed; every other value, or a note "
        "alone, records it as held.",
    )
    hsb_outcome: HsbOutcome | None = Field(
        None,
        description="Whether harmful sexual behaviour occurred since the case was closed. Only for cases of the kind "
        "`hsb` or `both`; null means `unknown` for them if the follow-up is held.",
    )
    checklist: dict[Condition, ExitConditionAnswer] = Field(
        default_factory=dict,
        description="Answers to the exit checklist at the time of the follow-up, by condition.",
    )
    note: Narrative | None = Field(
        None, description="Description of the child's situation. Required if `wellbeing` is null."
    )


class FollowUpCreate(FollowUpContent):
    """A follow-up that was held or attempted. It is a planned one or an additional one."""

    id: ClientChosenId | None = Field(
        None,
        description="Id that the client chooses for an additional follow-up (UUID version 4). It is ignored for a "
        "planned follow-up, which has an id already.",
    )
    months: Months | None = Field(
        None,
        description="Months of the planned follow-up to record; 409 if none is planned for them. Null: the planned "
        "follow-up that is due nearest, within 45 days, and not held yet, or else an additional one.",
    )
    held_on: PastDate = Field(description="Day of the follow-up, on or after the day of closing.")


if TYPE_CHECKING:

    class FollowUpUpdate(Input):
        """Changes to a follow-up."""
else:
    FollowUpUpdate = build_patch_model(FollowUpContent, "FollowUpUpdate")


class FollowUp(Versioned):
    """A contact with the child or family after the case was closed."""

    collection: ClassVar[str | None] = "follow-ups"

    child_id: UUID = Field(description="Id of the child.")
    case_id: UUID = Field(description="Id of the case.")
    months: int | None = Field(
        description="Months after the closing of the case; null for an additional follow-up."
    )
    due_on: date | None = Field(description="Day on which the follow-up is due; null for an additional one.")
    status: Annotated[str, CodeOf("follow_up_status")] = Field(
        description="Life-cycle status of the follow-up: `due`, `held`, or `missed` if the family was not reached."
    )
    is_overdue: bool = Field(description="Whether the due day is past and the follow-up is not held.")
    held_on: date | None = Field(description="Day of the follow-up; null while it is due.")
    wellbeing: Annotated[str, CodeOf("wellbeing")] | None = Field(
        description="Wellbeing of the child at the follow-up; null if only a note describes it."
    )
    hsb_outcome: HsbOutcome | None = Field(
        description="Whether harmful sexual behaviour occurred since the case was closed; null for cases of the kind "
        "`survivor`, and if the follow-up is not held."
    )
    checklist: dict[Condition, ExitConditionAnswer] = Field(
        description="Answers to the exit checklist at the time of the follow-up, by condition."
    )
    note: str | None = Field(description="Description of the child's situation.")
    author_id: UUID | None = Field(
        description="Id of the staff member who recorded the follow-up; null while it is due."
    )
    author: StaffRef | None = Field(
        description="The staff member who recorded the follow-up; null while it is due."
    )
    created_at: UtcDateTime = Field(description="Time at which the follow-up was created.")
    updated_at: UtcDateTime = Field(description="Time of the last change.")


class FollowUpList(Page[FollowUp]):
    """One page of follow-ups."""
