"""Care plans on the wire: seven areas, each answered with goals and their actions, or with 'no need' and why."""

from datetime import date
from typing import TYPE_CHECKING, Annotated, ClassVar, Self
from uuid import UUID

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from app.schemas.codes import CodeOf
from app.schemas.decisions import ApprovableRecord
from app.schemas.merge_patch import build_patch_model
from app.schemas.wire import (
    ClientChosenId,
    Id,
    Input,
    Narrative,
    Output,
    PageQuery,
    PlainDate,
    ShortNarrative,
    ShortText,
    StrictBoolean,
    UtcDateTime,
    Versioned,
)

Area = Annotated[str, CodeOf("area")]
MAX_ITEMS = 20
"""Goals of an area, actions of a goal: more than anybody keeps in view."""


class CarePlanCreate(Input):
    """The next edition of a subject's plan, and the approved assessment that it rests on."""

    id: ClientChosenId | None = None
    subject: Annotated[str, CodeOf("subject")]
    person_id: Id | None = Field(
        None,
        description="Whom the plan is about, if not the child; left out, whoever the assessment is about.",
    )
    assessment_id: Id


class CarePlanContent(Input):
    """What a PATCH of a draft may change."""

    assessment_id: Id = Field(
        description="Another approved assessment of the same subject: the areas are pre-filled from it again."
    )
    safety_plan: Narrative | None = None
    child_view: Narrative | None = None
    supporter_view: Narrative | None = None
    knowledge_gaps: Narrative | None = None
    capacity_gaps: Narrative | None = None
    needs_social_work: StrictBoolean | None = None


class CarePlanAreaUpdate(Input):
    """How the plan answers an area."""

    status: Annotated[str, CodeOf("plan_area_status")]
    reason: ShortNarrative | None = None

    @model_validator(mode="after")
    def require_reason_for_no_need(self) -> Self:
        """Ask why there is no need."""
        if self.status == "no_need" and self.reason is None:
            raise PydanticCustomError("reason_missing", "needs a reason")
        return self


class GoalBase(Input):
    """What is to be reached."""

    statement: ShortNarrative
    strengths_used: ShortNarrative | None = None


class GoalContent(GoalBase):
    """What a PATCH of a goal may change: the words while the plan is a draft, the status also afterwards."""

    status: Annotated[str, CodeOf("goal_status")] = "open"


class ActionBase(Input):
    """A step towards a goal: what, by whom, by when."""

    what: ShortNarrative
    by: Annotated[str, CodeOf("action_by")]
    by_whom: ShortText | None = None
    due_on: PlainDate


class ActionCreate(ActionBase):
    """An action; the client may choose the id."""

    id: ClientChosenId | None = None


class GoalCreate(GoalBase):
    """A goal, with its first actions; the client may choose the ids."""

    id: ClientChosenId | None = None
    actions: Annotated[list[ActionCreate], Field(max_length=MAX_ITEMS)] = Field(default_factory=list)


class ActionContent(ActionBase):
    """What a PATCH of an action may change: the words while the plan is a draft, how it went also afterwards."""

    status: Annotated[str, CodeOf("action_status")] = "open"
    done_on: PlainDate | None = None
    note: ShortNarrative | None = None


if TYPE_CHECKING:

    class CarePlanUpdate(Input):
        """Changes to a plan."""

    class GoalUpdate(Input):
        """Changes to a goal."""

    class ActionUpdate(Input):
        """Changes to an action."""
else:
    CarePlanUpdate = build_patch_model(CarePlanContent, "CarePlanUpdate")
    GoalUpdate = build_patch_model(GoalContent, "GoalUpdate")
    ActionUpdate = build_patch_model(ActionContent, "ActionUpdate")


class CarePlanFilters(PageQuery):
    """Which plans of a case."""

    subject: Annotated[str, CodeOf("subject")] | None = None
    status: Annotated[str, CodeOf("decision_status")] | None = None


class Action(Versioned):
    """A step towards a goal."""

    collection: ClassVar[str | None] = "actions"

    child_id: UUID
    case_id: UUID
    plan_id: UUID
    goal_id: UUID
    origin_id: UUID
    what: str
    by: Annotated[str, CodeOf("action_by")]
    by_whom: str | None
    due_on: date
    status: Annotated[str, CodeOf("action_status")]
    done_on: date | None
    note: str | None
    created_at: UtcDateTime
    updated_at: UtcDateTime


class Goal(Versioned):
    """What is to be reached in an area, and the steps towards it."""

    collection: ClassVar[str | None] = "goals"

    child_id: UUID
    case_id: UUID
    plan_id: UUID
    area: Area
    origin_id: UUID
    statement: str
    strengths_used: str | None
    status: Annotated[str, CodeOf("goal_status")]
    actions: list[Action]
    created_at: UtcDateTime
    updated_at: UtcDateTime


class CarePlanArea(Output):
    """An area: how it was found, and how the plan answers it."""

    rating: int | None
    need: str | None
    strengths: str | None
    risk: str | None
    status: Annotated[str, CodeOf("plan_area_status")] | None
    reason: str | None
    goals: list[Goal]


class CarePlanAreas(Output):
    """The seven areas."""

    emotional_health: CarePlanArea
    physical_health: CarePlanArea
    shelter_safety: CarePlanArea
    behaviour: CarePlanArea
    relationships: CarePlanArea
    education: CarePlanArea
    legal: CarePlanArea


class CarePlanSummary(ApprovableRecord):
    """A plan in a list."""

    subject: Annotated[str, CodeOf("subject")]
    person_id: UUID | None
    assessment_id: UUID
    edition: int
    previous_id: UUID | None


class CarePlan(CarePlanSummary):
    """A whole plan. Its version rises with every change in it: of its areas, goals and actions too."""

    collection: ClassVar[str | None] = "care-plans"

    safety_plan: str | None
    child_view: str | None
    supporter_view: str | None
    knowledge_gaps: str | None
    capacity_gaps: str | None
    needs_social_work: bool | None
    areas: CarePlanAreas
