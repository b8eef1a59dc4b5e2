"""A care plan with everything in it: loaded in four statements, however much that is."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.vault import unseal
from app.kit.approval import comment_of
from app.models import Action, CarePlan, Goal, PlanArea
from app.schemas.care_plans import (
    ActionOut,
    CarePlanItem,
    CarePlanOut,
    GoalOut,
    PlanAreaOut,
    PlanAreas,
)

P = TypeVar("P", PlanArea, Goal, Action)

AREAS = tuple(PlanAreas.model_fields)
WEAK = frozenset({1, 2})
"""Ratings, of 4, with which an area needs a goal."""
TEXTS = ("safety_plan", "child_view", "supporter_view", "knowledge_gaps", "capacity_gaps")


@dataclass(frozen=True, slots=True)
class WholePlan:
    """One edition of a plan."""

    plan: CarePlan
    areas: dict[str, PlanArea]
    goals: dict[str, list[Goal]]
    """By area, in the order in which they were written."""
    actions: dict[UUID, list[Action]]
    """By goal, likewise."""


async def whole(session: AsyncSession, plan: CarePlan) -> WholePlan:
    """Load everything in a plan."""
    goals: dict[str, list[Goal]] = defaultdict(list)
    for goal in await _parts(session, Goal, plan):
        goals[goal.area].append(goal)
    actions: dict[UUID, list[Action]] = defaultdict(list)
    for action in await _parts(session, Action, plan):
        actions[action.goal_id].append(action)
    return WholePlan(plan, {row.area: row for row in await _parts(session, PlanArea, plan)}, goals, actions)


async def _parts(session: AsyncSession, kind: type[P], plan: CarePlan) -> Sequence[P]:
    query = select(kind).where(col(kind.plan_id) == plan.id)
    query = query.order_by(col(kind.created_at), col(kind.id)).execution_options(populate_existing=True)
    return (await session.scalars(query)).all()


async def loaded(session: AsyncSession, plan: CarePlan) -> CarePlanOut:
    """Return a plan with everything in it, as it is shown."""
    return shown(await whole(session, plan))


def shown(found: WholePlan) -> CarePlanOut:
    """Return a plan as it is shown."""
    texts = unseal(found.plan)
    return CarePlanOut(
        **item(found.plan).model_dump(),
        **{name: texts.get(name) for name in TEXTS},
        needs_social_work=found.plan.needs_social_work,
        areas=PlanAreas(**{area: _area(found, area) for area in AREAS}),
    )


def item(plan: CarePlan) -> CarePlanItem:
    """Return a plan as a list shows it."""
    plain: dict[str, Any] = plan.model_dump(include=set(CarePlanItem.model_fields))
    return CarePlanItem(**plain, decision_comment=comment_of(plan))


def _area(found: WholePlan, area: str) -> PlanAreaOut:
    row = found.areas[area]
    words = unseal(row)
    return PlanAreaOut(
        **{name: words.get(name) for name in ("need", "strengths", "risk", "reason")},
        rating=row.rating,
        status=row.status,
        goals=[shown_goal(goal, found.actions[goal.id]) for goal in found.goals[area]],
    )


def shown_goal(goal: Goal, actions: Sequence[Action]) -> GoalOut:
    """Return a goal as it is shown, with its actions."""
    plain: dict[str, Any] = goal.model_dump(include=set(GoalOut.model_fields))
    return GoalOut(**plain, **unseal(goal), actions=[shown_action(action) for action in actions])


def shown_action(action: Action) -> ActionOut:
    """Return an action as it is shown."""
    plain: dict[str, Any] = action.model_dump(include=set(ActionOut.model_fields))
    return ActionOut(**plain, **unseal(action))
