"""Compare an edition of a care plan with the previous edition."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar
from uuid import UUID

from app.access.reader import RecordReader
from app.schemas.care_plans import Action, CarePlan, CarePlanAreas, CarePlanContent, Goal
from app.schemas.care_plans_changes import (
    ActionChange,
    ActionState,
    AreaChange,
    AreaState,
    CarePlanChanges,
    GoalChange,
    GoalState,
    TextChange,
)
from app.services.care_plans.responses import get_care_plan

AREAS = tuple(CarePlanAreas.model_fields)
TEXT_FIELDS = [name for name in CarePlanContent.model_fields if name != "assessment_id"]
PartState = TypeVar("PartState", GoalState, ActionState)


@dataclass(frozen=True, slots=True)
class EditionPart(Generic[PartState]):
    """A goal or an action in one edition. The same goal or action has the same `origin_id` in every edition."""

    area: str
    goal_origin_id: UUID
    state: PartState


async def get_care_plan_changes(reader: RecordReader, plan_id: UUID) -> CarePlanChanges:
    """Return the differences between an edition and the previous one.

    For the first edition, every part is reported as added.

    Raises:
        NotFound: the plan does not exist, or the caller cannot see it.
    """
    after = await get_care_plan(reader, plan_id)
    before = await get_care_plan(reader, after.previous_id) if after.previous_id else None
    return CarePlanChanges(
        **after.model_dump(include={"id", "child_id", "case_id", "edition", "previous_id"}),
        areas=list(_compare_areas(before, after)),
        goals=[
            GoalChange(
                change=change, area=part.area, origin_id=origin_id, before=state_before, after=state_after
            )
            for change, origin_id, part, state_before, state_after in _pair_parts(
                _index_goals(before), _index_goals(after)
            )
        ],
        actions=[
            ActionChange(
                change=change,
                area=part.area,
                origin_id=origin_id,
                goal_origin_id=part.goal_origin_id,
                before=state_before,
                after=state_after,
            )
            for change, origin_id, part, state_before, state_after in _pair_parts(
                _index_actions(before), _index_actions(after)
            )
        ],
        texts=list(_compare_texts(before, after)),
    )


def _compare_areas(before: CarePlan | None, after: CarePlan) -> Iterator[AreaChange]:
    for area in AREAS:
        state_before = _to_area_state(before, area) if before else None
        state_after = _to_area_state(after, area)
        if state_before != state_after:
            yield AreaChange(area=area, before=state_before, after=state_after)


def _to_area_state(plan: CarePlan, area: str) -> AreaState:
    plan_area = getattr(plan.areas, area)
    return AreaState(**{name: getattr(plan_area, name) for name in AreaState.model_fields})


def _list_goals(plan: CarePlan | None) -> list[Goal]:
    return [goal for _, plan_area in plan.areas for goal in plan_area.goals] if plan else []


def _index_goals(plan: CarePlan | None) -> dict[UUID, EditionPart[GoalState]]:
    """Return the goals of an edition by `origin_id`."""
    return {
        goal.origin_id: EditionPart(goal.area, goal.origin_id, _to_goal_state(goal))
        for goal in _list_goals(plan)
    }


def _to_goal_state(goal: Goal) -> GoalState:
    return GoalState(**{name: getattr(goal, name) for name in GoalState.model_fields})


def _index_actions(plan: CarePlan | None) -> dict[UUID, EditionPart[ActionState]]:
    """Return the actions of an edition by `origin_id`."""
    return {
        action.origin_id: EditionPart(goal.area, goal.origin_id, _to_action_state(action))
        for goal in _list_goals(plan)
        for action in goal.actions
    }


def _to_action_state(action: Action) -> ActionState:
    return ActionState(**{name: getattr(action, name) for name in ActionState.model_fields})


def _pair_parts(
    before: dict[UUID, EditionPart[PartState]], after: dict[UUID, EditionPart[PartState]]
) -> Iterator[tuple[str, UUID, EditionPart[PartState], PartState | None, PartState | None]]:
    """Yield each part that differs: kind of change, origin id, part, and its states in the two editions."""
    for origin_id, part in {**before, **after}.items():
        state_before = before[origin_id].state if origin_id in before else None
        state_after = after[origin_id].state if origin_id in after else None
        if change := _classify_change(state_before, state_after):
            yield change, origin_id, part, state_before, state_after


def _classify_change(before: PartState | None, after: PartState | None) -> str | None:
    """Return the kind of change, or None if the part did not change.

    A new edition copies only open goals and their open actions. A part that has no copy was therefore done or dropped,
    or it is an open action of an ended goal, which counts as dropped.
    """
    if before is None:
        return "added" if after and after.status != "dropped" else None
    if after is None:
        return "dropped" if before.status == "open" else before.status
    if after.status != "open":
        return after.status
    return "changed" if before != after else None


def _compare_texts(before: CarePlan | None, after: CarePlan) -> Iterator[TextChange]:
    for field in TEXT_FIELDS:
        text_before, text_after = getattr(before, field, None), getattr(after, field)
        if text_before != text_after:
            yield TextChange(field=field, before=text_before, after=text_after)
