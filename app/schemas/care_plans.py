"""Schemas of care plans: seven areas, each with goals and actions, or with 'no need' and a reason."""

from datetime import date
from typing import TYPE_CHECKING, Annotated, ClassVar, Self
from uuid import UUID

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from app.schemas.assessments import Area, Subject
from app.schemas.codes import CodeOf
from app.schemas.dates import PastDate, PlanDate
from app.schemas.decisions import ApprovableRecord
from app.schemas.merge_patch import build_patch_model
from app.schemas.references import PersonRef
from app.schemas.wire import (
    ClientChosenId,
    CommaSeparated,
    Id,
    Input,
    Narrative,
    Output,
    Page,
    PageQuery,
    ShortNarrative,
    ShortText,
    StrictBoolean,
    UtcDateTime,
    Versioned,
)

MAX_ITEMS = 20
"""Maximum number of goals in an area and of actions of a goal."""


class CarePlanCreate(Input):
    """A new draft of a subject's care plan, based on an approved assessment."""

    id: ClientChosenId | None = Field(
        None, description="Id chosen by the client (UUID version 4). By default, the server generates it."
    )
    subject: Subject = Field(description="Subject of the plan: `child`, `supporter` or `family`.")
    person_id: Id | None = Field(
        None,
        description="Id of the person of the case whom the plan is about, by default the person of the assessment.",
    )
    assessment_id: Id = Field(description="Id of the newest approved assessment of the same subject.")


class CarePlanContent(Input):
    """The editable fields of a draft care plan."""

    assessment_id: Id = Field(
        description="Id of the newest approved assessment of the plan's subject. After a change, the areas contain "
        "the ratings and findings of that assessment."
    )
    safety_plan: Narrative | None = Field(
        None, description="Steps to protect the child in danger. Required if the risk level is high."
    )
    child_view: Narrative | None = Field(
        None, description="The child's view of the plan, in the child's words."
    )
    supporter_view: Narrative | None = Field(None, description="The supporter's view of the plan.")
    knowledge_gaps: Narrative | None = Field(
        None, description="Knowledge that the supporter or family lacks and the plan builds."
    )
    capacity_gaps: Narrative | None = Field(
        None, description="Abilities that the supporter or family lacks and the plan builds."
    )
    needs_social_work: StrictBoolean | None = Field(
        None, description="Whether the supporter or family needs social-work services."
    )


class CarePlanAreaUpdate(Input):
    """The status of an area in a care plan."""

    status: Annotated[str, CodeOf("plan_area_status")] = Field(
        description="`goals` if the plan has goals in the area, `no_need` if no goal is needed."
    )
    reason: ShortNarrative | None = Field(
        None, description="Reason why there is no need. Required for `no_need`."
    )

    @model_validator(mode="after")
    def require_reason_for_no_need(self) -> Self:
        """Reject the status `no_need` without a reason."""
        if self.status == "no_need" and self.reason is None:
            raise PydanticCustomError("reason_missing", "needs a reason")
        return self


class GoalBase(Input):
    """The text of a goal."""

    statement: ShortNarrative = Field(description="The result to be reached.")
    strengths_used: ShortNarrative | None = Field(
        None,
        description="Strengths of the child and of the people around the child that help to reach the goal.",
    )


class GoalContent(GoalBase):
    """The editable fields of a goal. The text can be changed only in a draft, the status also in the approved plan."""

    status: Annotated[str, CodeOf("goal_status")] = Field("open", description="Status of the goal.")


class ActionBase(Input):
    """The text of an action: description, responsible person and due date."""

    what: ShortNarrative = Field(description="Description of the action.")
    by: Annotated[str, CodeOf("action_by")] = Field(description="Role of the person who performs the action.")
    by_whom: ShortText | None = Field(
        None, description="Name of the person or organisation that performs the action."
    )
    due_on: PlanDate = Field(description="Date by which the action is due.")


class ActionCreate(ActionBase):
    """A new action of a goal."""

    id: ClientChosenId | None = Field(
        None, description="Id chosen by the client (UUID version 4). By default, the server generates it."
    )


class GoalCreate(GoalBase):
    """A new goal, optionally with its first actions."""

    id: ClientChosenId | None = Field(
        None, description="Id chosen by the client (UUID version 4). By default, the server generates it."
    )
    actions: Annotated[list[ActionCreate], Field(max_length=MAX_ITEMS)] = Field(
        default_factory=list, description="Actions that are created with the goal."
    )


class ActionContent(ActionBase):
    """The editable fields of an action.

    The text can be changed only in a draft, the progress also in the approved plan.
    """

    status: Annotated[str, CodeOf("action_status")] = Field("open", description="Status of the action.")
    done_on: PastDate | None = Field(
        None,
        description="Date on which the action was done or dropped, by default today. If it is sent without `status`, "
        "the status becomes `done`.",
    )
    note: ShortNarrative | None = Field(None, description="Note on the progress of the action.")


if TYPE_CHECKING:

    class CarePlanUpdate(Input):
        """Changes to the editable fields of a care plan."""

    class GoalUpdate(Input):
        """Changes to the editable fields of a goal."""

    class ActionUpdate(Input):
        """Changes to the editable fields of an action."""
else:
    CarePlanUpdate = build_patch_model(CarePlanContent, "CarePlanUpdate")
    GoalUpdate = build_patch_model(GoalContent, "GoalUpdate")
    ActionUpdate = build_patch_model(ActionContent, "ActionUpdate")


class CarePlanFilters(PageQuery):
    """Query parameters of the list of care plans."""

    subject: Subject | None = Field(None, description="Only care plans of this subject.")
    status: CommaSeparated[Annotated[str, CodeOf("decision_status")]] | None = Field(
        None, description="Only care plans with one of these statuses."
    )


class Action(Versioned):
    """An action of a care plan: a step towards a goal."""

    collection: ClassVar[str | None] = "actions"

    child_id: UUID = Field(description="Id of the child.")
    case_id: UUID = Field(description="Id of the case.")
    plan_id: UUID = Field(description="Id of the care plan (edition) that contains the action.")
    goal_id: UUID = Field(description="Id of the goal that the action serves.")
    origin_id: UUID = Field(
        description="Id of the first copy of the action. Its copies in later editions have the same `origin_id`."
    )
    what: str = Field(description="Description of the action.")
    by: Annotated[str, CodeOf("action_by")] = Field(description="Role of the person who performs the action.")
    by_whom: str | None = Field(description="Name of the person or organisation that performs the action.")
    due_on: date = Field(description="Date by which the action is due.")
    status: Annotated[str, CodeOf("action_status")] = Field(description="Status of the action.")
    done_on: date | None = Field(
        description="Date on which the action was done or dropped; null while it is open."
    )
    note: str | None = Field(description="Note on the progress of the action.")
    created_at: UtcDateTime = Field(description="Time at which the action was created in this edition.")
    updated_at: UtcDateTime = Field(description="Time of the last change.")


class Goal(Versioned):
    """A goal of a care plan in one area, with its actions."""

    collection: ClassVar[str | None] = "goals"

    child_id: UUID = Field(description="Id of the child.")
    case_id: UUID = Field(description="Id of the case.")
    plan_id: UUID = Field(description="Id of the care plan (edition) that contains the goal.")
    area: Area = Field(description="Area of the goal.")
    origin_id: UUID = Field(
        description="Id of the first copy of the goal. Its copies in later editions have the same `origin_id`."
    )
    statement: str = Field(description="The result to be reached.")
    strengths_used: str | None = Field(
        description="Strengths of the child and of the people around the child that help to reach the goal."
    )
    status: Annotated[str, CodeOf("goal_status")] = Field(description="Status of the goal.")
    actions: list[Action] = Field(description="Actions of the goal, in order of creation.")
    created_at: UtcDateTime = Field(description="Time at which the goal was created in this edition.")
    updated_at: UtcDateTime = Field(description="Time of the last change.")


class CarePlanArea(Output):
    """An area of a care plan: the findings of the assessment, and either goals or the reason why there is no need."""

    rating: int | None = Field(
        description="Newest rating of the area by the assessment or a review, from 1 (weak) to 4 (strong)."
    )
    need: str | None = Field(description="Needs in the area, from the assessment.")
    strengths: str | None = Field(description="Strengths in the area, from the assessment.")
    risk: str | None = Field(description="Risks in the area, from the assessment.")
    status: Annotated[str, CodeOf("plan_area_status")] | None = Field(
        description="`goals` or `no_need`; null if the plan does not answer the area."
    )
    reason: str | None = Field(description="Reason why there is no need; null for areas with goals.")
    goals: list[Goal] = Field(description="Goals in the area, in order of creation.")


class CarePlanAreas(Output):
    """The seven areas of a care plan."""

    emotional_health: CarePlanArea = Field(description="Plan for the area `emotional_health`.")
    physical_health: CarePlanArea = Field(description="Plan for the area `physical_health`.")
    shelter_safety: CarePlanArea = Field(description="Plan for the area `shelter_safety`.")
    behaviour: CarePlanArea = Field(description="Plan for the area `behaviour`.")
    relationships: CarePlanArea = Field(description="Plan for the area `relationships`.")
    education: CarePlanArea = Field(description="Plan for the area `education`.")
    legal: CarePlanArea = Field(description="Plan for the area `legal`.")


class CarePlanSummary(ApprovableRecord):
    """A care plan in a list, without its texts and areas."""

    subject: Subject = Field(description="Subject of the plan: `child`, `supporter` or `family`.")
    person_id: UUID | None = Field(
        description="Id of the person of the case whom the plan is about; null for the child."
    )
    person: PersonRef | None = Field(description="The person with the id `person_id`.")
    assessment_id: UUID = Field(description="Id of the approved assessment that the plan is based on.")
    edition: int = Field(description="Number of the edition of the subject's plan, starting at 1.")
    previous_id: UUID | None = Field(
        description="Id of the previous edition of the plan; null for the first."
    )


class CarePlanList(Page[CarePlanSummary]):
    """One page of the care plans of a case with all their editions, newest first."""


class CarePlan(CarePlanSummary):
    """A care plan with its texts and areas.

    The version (ETag) increases with every change to the plan itself and to its areas, goals and actions.
    """

    collection: ClassVar[str | None] = "care-plans"

    safety_plan: str | None = Field(description="Steps to protect the child in danger.")
    child_view: str | None = Field(description="The child's view of the plan, in the child's words.")
    supporter_view: str | None = Field(description="The supporter's view of the plan.")
    knowledge_gaps: str | None = Field(
        description="Knowledge that the supporter or family lacks and the plan builds."
    )
    capacity_gaps: str | None = Field(
        description="Abilities that the supporter or family lacks and the plan builds."
    )
    needs_social_work: bool | None = Field(
        description="Whether the supporter or family needs social-work services; null for the child."
    )
    areas: CarePlanAreas = Field(description="The seven areas with their goals and actions.")
