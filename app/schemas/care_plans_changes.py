"""What changed from one edition of a care plan to the next, on the wire."""

from datetime import date
from typing import Annotated
from uuid import UUID

from app.schemas.care_plans import Area
from app.schemas.codes import CodeOf
from app.schemas.wire import Output

Change = Annotated[str, CodeOf("plan_change")]


class TextChange(Output):
    """A text of the plan that reads otherwise now, or an answer that is another."""

    field: str
    before: str | bool | None
    after: str | bool | None


class AreaState(Output):
    """How an area was found and answered."""

    rating: int | None
    status: Annotated[str, CodeOf("plan_area_status")] | None
    reason: str | None


class AreaChange(Output):
    """An area that is found or answered otherwise."""

    area: Area
    before: AreaState | None
    after: AreaState


class GoalState(Output):
    """A goal, as an edition has it."""

    statement: str
    strengths_used: str | None
    status: Annotated[str, CodeOf("goal_status")]


class GoalChange(Output):
    """A goal that came, was reached, was given up, or reads otherwise."""

    change: Change
    area: Area
    origin_id: UUID
    before: GoalState | None
    after: GoalState | None


class ActionState(Output):
    """An action, as an edition has it."""

    what: str
    by: Annotated[str, CodeOf("action_by")]
    by_whom: str | None
    due_on: date
    status: Annotated[str, CodeOf("action_status")]
    done_on: date | None


class ActionChange(Output):
    """An action that came, was done, was given up, or reads otherwise."""

    change: Change
    area: Area
    origin_id: UUID
    goal_origin_id: UUID
    before: ActionState | None
    after: ActionState | None


class CarePlanChanges(Output):
    """What an edition changes against the one before it; the first one adds everything."""

    id: UUID
    child_id: UUID
    case_id: UUID
    edition: int
    previous_id: UUID | None
    areas: list[AreaChange]
    goals: list[GoalChange]
    actions: list[ActionChange]
    texts: list[TextChange]
