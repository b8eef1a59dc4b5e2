"""Load a care plan with its areas, goals and actions, and convert it to its response format.

The number of queries does not depend on the size of the plan.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.models import Action, CarePlan, Goal, PlanArea
from app.schemas.care_plans import Action as ActionSchema
from app.schemas.care_plans import CarePlan as CarePlanSchema
from app.schemas.care_plans import CarePlanArea, CarePlanAreas, CarePlanSummary
from app.schemas.care_plans import Goal as GoalSchema

PlanPart = TypeVar("PlanPart", PlanArea, Goal, Action)

AREAS = tuple(CarePlanAreas.model_fields)
WEAK_RATINGS = frozenset({1, 2})
"""Ratings at which an area is weak and requires a goal. The scale is 1 to 4."""


@dataclass(frozen=True, slots=True)
class LoadedCarePlan:
    """One edition of a care plan with its areas, goals and actions."""

    plan: CarePlan
    areas: dict[str, PlanArea]
    goals: dict[str, list[Goal]]
    """Goals by area, in order of creation."""
    actions: dict[UUID, list[Action]]
    """Actions by goal id, in order of creation."""


async def load_care_plan(session: AsyncSession, plan: CarePlan) -> LoadedCarePlan:
    """Load the areas, goals and actions of a care plan with three queries."""
    goals: dict[str, list[Goal]] = defaultdict(list)
    for goal in await _load_parts(session, Goal, plan):
        goals[goal.area].append(goal)
    actions: dict[UUID, list[Action]] = defaultdict(list)
    for action in await _load_parts(session, Action, plan):
        actions[action.goal_id].append(action)
    areas = {plan_area.area: plan_area for plan_area in await _load_parts(session, PlanArea, plan)}
    return LoadedCarePlan(plan, areas, goals, actions)


async def _load_parts(session: AsyncSession, model: type[PlanPart], plan: CarePlan) -> Sequence[PlanPart]:
    query = select(model).where(col(model.plan_id) == plan.id).order_by(col(model.created_at), col(model.id))
    # Refreshes the parts that the session loaded before it waited for the lock on the case: they may be stale.
    return (await session.scalars(query.execution_options(populate_existing=True))).all()


async def load_care_plan_schema(session: AsyncSession, plan: CarePlan) -> CarePlanSchema:
    """Load a care plan and return it in the response format."""
    return care_plan_to_schema(await load_care_plan(session, plan))


def care_plan_to_schema(loaded_plan: LoadedCarePlan) -> CarePlanSchema:
    """Return a care plan in the response format."""
    return CarePlanSchema(
        **care_plan_to_summary(loaded_plan.plan).model_dump(),
        **loaded_plan.plan.content,
        needs_social_work=loaded_plan.plan.needs_social_work,
        areas=CarePlanAreas(**{area: _area_to_schema(loaded_plan, area) for area in AREAS}),
    )


def care_plan_to_summary(plan: CarePlan) -> CarePlanSummary:
    """Return a care plan as an item of a list."""
    columns = plan.model_dump(include=set(CarePlanSummary.model_fields))
    return CarePlanSummary(**columns, decision_comment=plan.decision_comment)


def _area_to_schema(loaded_plan: LoadedCarePlan, area: str) -> CarePlanArea:
    plan_area = loaded_plan.areas[area]
    return CarePlanArea(
        **plan_area.content,
        rating=plan_area.rating,
        status=plan_area.status,
        goals=[goal_to_schema(goal, loaded_plan.actions[goal.id]) for goal in loaded_plan.goals[area]],
    )


def goal_to_schema(goal: Goal, actions: Sequence[Action]) -> GoalSchema:
    """Return a goal with its actions in the response format."""
    columns = goal.model_dump(include=set(GoalSchema.model_fields))
    return GoalSchema(**columns, **goal.content, actions=[action_to_schema(action) for action in actions])


def action_to_schema(action: Action) -> ActionSchema:
    """Return an action in the response format."""
    columns = action.model_dump(include=set(ActionSchema.model_fields))
    return ActionSchema(**columns, **action.content)
