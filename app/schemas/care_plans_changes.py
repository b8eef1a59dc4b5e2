"""Schemas of the comparison of an edition of a care plan with the previous edition."""

from datetime import date
from typing import Annotated
from uuid import UUID

from pydantic import Field

from app.schemas.assessments import Area
from app.schemas.codes import CodeOf
from app.schemas.wire import Output

Change = Annotated[str, CodeOf("plan_change")]


class TextChange(Output):
    """A changed text of the plan, or the changed answer to `needs_social_work`."""

    field: str = Field(description="Name of the changed field of the care plan.")
    before: str | bool | None = Field(description="Value in the previous edition.")
    after: str | bool | None = Field(description="Value in this edition.")


class AreaState(Output):
    """Rating and status of an area in one edition."""

    rating: int | None = Field(description="Rating of the area, from 1 (weak) to 4 (strong).")
    status: Annotated[str, CodeOf("plan_area_status")] | None = Field(
        description="`goals` or `no_need`; null if the plan does not answer the area."
    )
    reason: str | None = Field(description="Reason why there is no need; null for areas with goals.")


class AreaChange(Output):
    """An area with a changed rating, status or reason."""

    area: Area = Field(description="Changed area.")
    before: AreaState | None = Field(description="State in the previous edition; null in the first edition.")
    after: AreaState = Field(description="State in this edition.")


class GoalState(Output):
    """A goal in one edition."""

    statement: str = Field(description="The result to be reached.")
    strengths_used: str | None = Field(
        description="Strengths of the child and of the people around the child that help to reach the goal."
    )
    status: Annotated[str, CodeOf("goal_status")] = Field(description="Status of the goal.")


class GoalChange(Output):
    """A goal that was added, achieved, dropped or reworded."""

    change: Change = Field(description="Kind of the change.")
    area: Area = Field(description="Area of the goal.")
    origin_id: UUID = Field(description="Id that the goal shares with its copies in other editions.")
    before: GoalState | None = Field(description="State in the previous edition; null for an added goal.")
    after: GoalState | None = Field(
        description="State in this edition; null if the edition has no copy of the goal."
    )


class ActionState(Output):
    """An action in one edition."""

    what: str = Field(description="Description of the action.")
    by: Annotated[str, CodeOf("action_by")] = Field(description="Role of the person who performs the action.")
    by_whom: str | None = Field(description="Name of the person or organisation that performs the action.")
    due_on: date = Field(description="Date by which the action is due.")
    status: Annotated[str, CodeOf("action_status")] = Field(description="Status of the action.")
    done_on: date | None = Field(
        description="Date on which the action was done or dropped; null while it is open."
    )


class ActionChange(Output):
    """An action that was added, done, dropped or reworded."""

    change: Change = Field(description="Kind of the change.")
    area: Area = Field(description="Area of the action's goal.")
    origin_id: UUID = Field(description="Id that the action shares with its copies in other editions.")
    goal_origin_id: UUID = Field(
        description="Id that the action's goal shares with its copies in other editions."
    )
    before: ActionState | None = Field(description="State in the previous edition; null for an added action.")
    after: ActionState | None = Field(
        description="State in this edition; null if the edition has no copy of the action."
    )


class CarePlanChanges(Output):
    """The differences between an edition of a care plan and the previous edition.

    For the first edition, every part is reported as added.
    """

    id: UUID = Field(description="Id of the care plan (edition).")
    child_id: UUID = Field(description="Id of the child.")
    case_id: UUID = Field(description="Id of the case.")
    edition: int = Field(description="Number of the edition of the subject's plan, starting at 1.")
    previous_id: UUID | None = Field(
        description="Id of the previous edition of the plan; null for the first."
    )
    areas: list[AreaChange] = Field(description="Areas with a changed rating, status or reason.")
    goals: list[GoalChange] = Field(description="Goals that were added, achieved, dropped or reworded.")
    actions: list[ActionChange] = Field(description="Actions that were added, done, dropped or reworded.")
    texts: list[TextChange] = Field(description="Changed texts and answers of the plan.")
