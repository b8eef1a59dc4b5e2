"""What an edition of a care plan changes against the one before it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.access.vault import decrypt
from app.kit.records import get_record
from app.models import CarePlan
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
from app.services.care_plans.load import AREAS, TEXT_FIELDS, LoadedCarePlan, load_care_plan

PartState = TypeVar("PartState", GoalState, ActionState)


@dataclass(frozen=True, slots=True)
class VersionedPart(Generic[PartState]):
    """A goal or an action as one edition has it; across editions its origin tells what it is."""

    area: str
    goal_origin_id: UUID
    state: PartState


async def get_care_plan_changes(session: AsyncSession, plan_id: UUID) -> CarePlanChanges:
    """Compare an edition with the one before it; against the first, everything was added."""
    plan = await get_record(session, CarePlan, plan_id)
    after, before = await load_care_plan(session, plan), None
    if plan.previous_id:
        before = await load_care_plan(session, await get_record(session, CarePlan, plan.previous_id))
    return CarePlanChanges(
        **plan.model_dump(include={"id", "child_id", "case_id", "edition", "previous_id"}),
        areas=list(_compare_areas(before, after)),
        goals=[
            GoalChange(change=change, area=part.area, origin_id=origin, before=was, after=now_)
            for change, origin, part, was, now_ in _pair_parts(_index_goals(before), _index_goals(after))
        ],
        actions=[
            ActionChange(
                change=change,
                area=part.area,
                origin_id=origin,
                goal_origin_id=part.goal_origin_id,
                before=was,
                after=now_,
            )
            for change, origin, part, was, now_ in _pair_parts(_index_actions(before), _index_actions(after))
        ],
        texts=list(_compare_texts(before, after)),
    )


def _compare_areas(before: LoadedCarePlan | None, after: LoadedCarePlan) -> Iterator[AreaChange]:
    for area in AREAS:
        was, now_ = _load_area_state(before, area) if before else None, _load_area_state(after, area)
        if was != now_:
            yield AreaChange(area=area, before=was, after=now_)


def _load_area_state(found: LoadedCarePlan, area: str) -> AreaState:
    row = found.areas[area]
    return AreaState(rating=row.rating, status=row.status, reason=decrypt(row)["reason"])


def _index_goals(found: LoadedCarePlan | None) -> dict[UUID, VersionedPart[GoalState]]:
    return {
        goal.origin_id: VersionedPart(
            goal.area, goal.origin_id, GoalState(status=goal.status, **decrypt(goal))
        )
        for area in AREAS
        for goal in (found.goals[area] if found else [])
    }  # fmt: skip


def _index_actions(found: LoadedCarePlan | None) -> dict[UUID, VersionedPart[ActionState]]:
    plain = {"by", "due_on", "status", "done_on"}
    return {
        action.origin_id: VersionedPart(
            goal.area,
            goal.origin_id,
            ActionState(
                **action.model_dump(include=plain),
                **{name: words for name, words in decrypt(action).items() if name != "note"},
            ),
        )
        for area in AREAS
        for goal in (found.goals[area] if found else [])
        for action in (found.actions[goal.id] if found else [])
    }


def _pair_parts(
    before: dict[UUID, VersionedPart[PartState]], after: dict[UUID, VersionedPart[PartState]]
) -> Iterator[tuple[str, UUID, VersionedPart[PartState], PartState | None, PartState | None]]:
    for origin, part in {**before, **after}.items():
        was = before[origin].state if origin in before else None
        now_ = after[origin].state if origin in after else None
        if change := _classify_change(was, now_):
            yield change, origin, part, was, now_


def _classify_change(was: PartState | None, now_: PartState | None) -> str | None:
    """Tell what became of a part: what is open is carried on, so what was not carried on had ended, or its goal had."""
    if was is None:
        return "added" if now_ and now_.status != "dropped" else None
    if now_ is None:
        return "dropped" if was.status == "open" else was.status
    if now_.status != "open":
        return now_.status
    return "changed" if was != now_ else None


def _compare_texts(before: LoadedCarePlan | None, after: LoadedCarePlan) -> Iterator[TextChange]:
    was, now_ = _load_texts(before) if before else {}, _load_texts(after)
    for field, text in now_.items():
        if was.get(field) != text:
            yield TextChange(field=field, before=was.get(field), after=text)


def _load_texts(found: LoadedCarePlan) -> dict[str, str | bool | None]:
    texts = decrypt(found.plan)
    return {**{name: texts[name] for name in TEXT_FIELDS}, "needs_social_work": found.plan.needs_social_work}
