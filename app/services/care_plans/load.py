"""Load the records of a care plan, its areas, goals and actions, to change or copy them."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.models import Action, CarePlan, Goal, PlanArea
from app.schemas.care_plans import CarePlanAreas

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
