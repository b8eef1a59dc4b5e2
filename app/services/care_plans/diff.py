"""What an edition of a care plan changes against the one before it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.access.vault import unseal
from app.kit.records import find
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
from app.services.care_plans.load import AREAS, TEXTS, WholePlan, whole

S = TypeVar("S", GoalState, ActionState)


@dataclass(frozen=True, slots=True)
class Part(Generic[S]):
    """A goal or an action as one edition has it; across editions its origin tells what it is."""

    area: str
    goal_origin_id: UUID
    state: S


async def changes(session: AsyncSession, plan_id: UUID) -> CarePlanChanges:
    """Compare an edition with the one before it; against the first, everything was added."""
    plan = await find(session, CarePlan, plan_id)
    after, before = await whole(session, plan), None
    if plan.previous_id:
        before = await whole(session, await find(session, CarePlan, plan.previous_id))
    return CarePlanChanges(
        **plan.model_dump(include={"id", "child_id", "case_id", "edition", "previous_id"}),
        areas=list(_areas(before, after)),
        goals=[
            GoalChange(change=change, area=part.area, origin_id=origin, before=was, after=now_)
            for change, origin, part, was, now_ in _compared(_goals(before), _goals(after))
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
            for change, origin, part, was, now_ in _compared(_actions(before), _actions(after))
        ],
        texts=list(_texts(before, after)),
    )


def _areas(before: WholePlan | None, after: WholePlan) -> Iterator[AreaChange]:
    for area in AREAS:
        was, now_ = _area(before, area) if before else None, _area(after, area)
        if was != now_:
            yield AreaChange(area=area, before=was, after=now_)


def _area(found: WholePlan, area: str) -> AreaState:
    row = found.areas[area]
    return AreaState(rating=row.rating, status=row.status, reason=unseal(row)["reason"])


def _goals(found: WholePlan | None) -> dict[UUID, Part[GoalState]]:
    return {
        goal.origin_id: Part(
            goal.area, goal.origin_id, GoalState(status=goal.status, **unseal(goal))
        )
        for area in AREAS
        for goal in (found.goals[area] if found else [])
    }  # fmt: skip


def _actions(found: WholePlan | None) -> dict[UUID, Part[ActionState]]:
    plain = {"by", "due_on", "status", "done_on"}
    return {
        action.origin_id: Part(
            goal.area,
            goal.origin_id,
            ActionState(
                **action.model_dump(include=plain),
                **{name: words for name, words in unseal(action).items() if name != "note"},
            ),
        )
        for area in AREAS
        for goal in (found.goals[area] if found else [])
        for action in (found.actions[goal.id] if found else [])
    }


def _compared(
    before: dict[UUID, Part[S]], after: dict[UUID, Part[S]]
) -> Iterator[tuple[str, UUID, Part[S], S | None, S | None]]:
    for origin, part in {**before, **after}.items():
        was = before[origin].state if origin in before else None
        now_ = after[origin].state if origin in after else None
        if change := _change(was, now_):
            yield change, origin, part, was, now_


def _change(was: S | None, now_: S | None) -> str | None:
    """Tell what became of a part: what is open is carried on, so what was not carried on had ended, or its goal had."""
    if was is None:
        return "added" if now_ and now_.status != "dropped" else None
    if now_ is None:
        return "dropped" if was.status == "open" else was.status
    if now_.status != "open":
        return now_.status
    return "changed" if was != now_ else None


def _texts(before: WholePlan | None, after: WholePlan) -> Iterator[TextChange]:
    was, now_ = _told(before) if before else {}, _told(after)
    for field, text in now_.items():
        if was.get(field) != text:
            yield TextChange(field=field, before=was.get(field), after=text)


def _told(found: WholePlan) -> dict[str, str | bool | None]:
    texts = unseal(found.plan)
    return {**{name: texts[name] for name in TEXTS}, "needs_social_work": found.plan.needs_social_work}
