"""A care plan with everything in it: loaded in four statements, however much that is."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.vault import decrypt
from app.kit.approval import get_decision_comment
from app.models import Action, CarePlan, Goal, PlanArea
from app.schemas.care_plans import (
    Action as ActionSchema,
)
from app.schemas.care_plans import (
    CarePlan as CarePlanSchema,
)
from app.schemas.care_plans import (
    CarePlanArea,
    CarePlanAreas,
    CarePlanSummary,
)
from app.schemas.care_plans import (
    Goal as GoalSchema,
)

PlanPart = TypeVar("PlanPart", PlanArea, Goal, Action)

AREAS = tuple(CarePlanAreas.model_fields)
WEAK_RATINGS = frozenset({1, 2})
"""Ratings, of 4, with which an area needs a goal."""
TEXT_FIELDS = ("safety_plan", "child_view", "supporter_view", "knowledge_gaps", "capacity_gaps")


@dataclass(frozen=True, slots=True)
class LoadedCarePlan:
    """One edition of a plan."""

    plan: CarePlan
    areas: dict[str, PlanArea]
    goals: dict[str, list[Goal]]
    """By area, in the order in which they were written."""
    actions: dict[UUID, list[Action]]
    """By goal, likewise."""


async def load_care_plan(session: AsyncSession, plan: CarePlan) -> LoadedCarePlan:
    """Load everything in a plan."""
    goals: dict[str, list[Goal]] = defaultdict(list)
    for goal in await _load_parts(session, Goal, plan):
        goals[goal.area].append(goal)
    actions: dict[UUID, list[Action]] = defaultdict(list)
    for action in await _load_parts(session, Action, plan):
        actions[action.goal_id].append(action)
    return LoadedCarePlan(
        plan, {row.area: row for row in await _load_parts(session, PlanArea, plan)}, goals, actions
    )


async def _load_parts(session: AsyncSession, kind: type[PlanPart], plan: CarePlan) -> Sequence[PlanPart]:
    query = select(kind).where(col(kind.plan_id) == plan.id)
    query = query.order_by(col(kind.created_at), col(kind.id)).execution_options(populate_existing=True)
    return (await session.scalars(query)).all()


async def load_care_plan_schema(session: AsyncSession, plan: CarePlan) -> CarePlanSchema:
    """Return a plan with everything in it, as it is shown."""
    return care_plan_to_schema(await load_care_plan(session, plan))


def care_plan_to_schema(found: LoadedCarePlan) -> CarePlanSchema:
    """Return a plan as it is shown."""
    texts = decrypt(found.plan)
    return CarePlanSchema(
        **care_plan_to_summary(found.plan).model_dump(),
        **{name: texts.get(name) for name in TEXT_FIELDS},
        needs_social_work=found.plan.needs_social_work,
        areas=CarePlanAreas(**{area: _area_to_schema(found, area) for area in AREAS}),
    )


def care_plan_to_summary(plan: CarePlan) -> CarePlanSummary:
    """Return a plan as a list shows it."""
    plain: dict[str, Any] = plan.model_dump(include=set(CarePlanSummary.model_fields))
    return CarePlanSummary(**plain, decision_comment=get_decision_comment(plan))


def _area_to_schema(found: LoadedCarePlan, area: str) -> CarePlanArea:
    row = found.areas[area]
    words = decrypt(row)
    return CarePlanArea(
        **{name: words.get(name) for name in ("need", "strengths", "risk", "reason")},
        rating=row.rating,
        status=row.status,
        goals=[goal_to_schema(goal, found.actions[goal.id]) for goal in found.goals[area]],
    )


def goal_to_schema(goal: Goal, actions: Sequence[Action]) -> GoalSchema:
    """Return a goal as it is shown, with its actions."""
    plain: dict[str, Any] = goal.model_dump(include=set(GoalSchema.model_fields))
    return GoalSchema(**plain, **decrypt(goal), actions=[action_to_schema(action) for action in actions])


def action_to_schema(action: Action) -> ActionSchema:
    """Return an action as it is shown."""
    plain: dict[str, Any] = action.model_dump(include=set(ActionSchema.model_fields))
    return ActionSchema(**plain, **decrypt(action))
