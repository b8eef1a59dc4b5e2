"""Compare an edition of a care plan with the previous edition."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.kit.records import get_record
from app.models import Action, CarePlan
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
from app.services.care_plans.load import AREAS, LoadedCarePlan, load_care_plan

PartState = TypeVar("PartState", GoalState, ActionState)


@dataclass(frozen=True, slots=True)
class EditionPart(Generic[PartState]):
    """A goal or an action in one edition. The same goal or action has the same `origin_id` in every edition."""

    area: str
    goal_origin_id: UUID
    state: PartState


async def get_care_plan_changes(session: AsyncSession, plan_id: UUID) -> CarePlanChanges:
    """Return the differences between an edition and the previous one.

    For the first edition, every part is reported as added.
    """
    plan = await get_record(session, CarePlan, plan_id)
    after, before = await load_care_plan(session, plan), None
    if plan.previous_id:
        before = await load_care_plan(session, await get_record(session, CarePlan, plan.previous_id))
    return CarePlanChanges(
        **plan.model_dump(include={"id", "child_id", "case_id", "edition", "previous_id"}),
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


def _compare_areas(before: LoadedCarePlan | None, after: LoadedCarePlan) -> Iterator[AreaChange]:
    for area in AREAS:
        state_before = _to_area_state(before, area) if before else None
        state_after = _to_area_state(after, area)
        if state_before != state_after:
            yield AreaChange(area=area, before=state_before, after=state_after)


def _to_area_state(loaded_plan: LoadedCarePlan, area: str) -> AreaState:
    plan_area = loaded_plan.areas[area]
    return AreaState(rating=plan_area.rating, status=plan_area.status, reason=plan_area.content["reason"])


def _index_goals(loaded_plan: LoadedCarePlan | None) -> dict[UUID, EditionPart[GoalState]]:
    """Return the goals of an edition by `origin_id`."""
    return {
        goal.origin_id: EditionPart(goal.area, goal.origin_id, GoalState(status=goal.status, **goal.content))
        for area in AREAS
        for goal in (loaded_plan.goals[area] if loaded_plan else [])
    }


def _index_actions(loaded_plan: LoadedCarePlan | None) -> dict[UUID, EditionPart[ActionState]]:
    """Return the actions of an edition by `origin_id`."""
    return {
        action.origin_id: EditionPart(
            goal.area,
            goal.origin_id,
            _to_action_state(action),
        )
        for area in AREAS
        for goal in (loaded_plan.goals[area] if loaded_plan else [])
        for action in (loaded_plan.actions[goal.id] if loaded_plan else [])
    }


def _to_action_state(action: Action) -> ActionState:
    texts = action.content
    return ActionState(
        what=texts["what"],
        by=action.by,
        by_whom=texts["by_whom"],
        due_on=action.due_on,
        status=action.status,
        done_on=action.done_on,
    )


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


def _compare_texts(before: LoadedCarePlan | None, after: LoadedCarePlan) -> Iterator[TextChange]:
    texts_before, texts_after = _load_texts(before) if before else {}, _load_texts(after)
    for field, text in texts_after.items():
        if texts_before.get(field) != text:
            yield TextChange(field=field, before=texts_before.get(field), after=text)


def _load_texts(loaded_plan: LoadedCarePlan) -> dict[str, object]:
    plan = loaded_plan.plan
    return {**plan.content, "needs_social_work": plan.needs_social_work}
