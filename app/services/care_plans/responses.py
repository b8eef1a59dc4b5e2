"""Read care plans, goals and actions for responses.

The number of queries does not depend on the number and the size of the plans.
"""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Uuid, any_, bindparam, select
from sqlmodel import col

from app.access.reader import ReadQuery, RecordReader, ShownRecord
from app.errors import NotFound
from app.kit.reference_names import staff_names, to_staff_refs
from app.models import Action, CarePlan, Goal, PlanArea
from app.schemas.care_plans import Action as ActionSchema
from app.schemas.care_plans import CarePlan as CarePlanSchema
from app.schemas.care_plans import CarePlanAreas
from app.schemas.care_plans import Goal as GoalSchema
from app.services.cases.people import select_person, to_person_ref

PLAN_FIELDS = [name for name in CarePlanSchema.model_fields if name in CarePlan.model_fields]
STAFF_FIELDS = ("author", "submitted_by", "decided_by")
GOAL_FIELDS = [name for name in GoalSchema.model_fields if name in Goal.model_fields]
ACTION_FIELDS = [name for name in ActionSchema.model_fields if name in Action.model_fields]
PLAN_IDS = bindparam("plan_ids", type_=ARRAY(Uuid))

CARE_PLANS_QUERY = ReadQuery(
    select(
        *(getattr(CarePlan, name) for name in PLAN_FIELDS),
        *staff_names(CarePlan, *STAFF_FIELDS),
        select_person(col(CarePlan.person_id)),
        col(CarePlan.content_encrypted),
        col(CarePlan.decision_comment_encrypted),
    )
    .where(col(CarePlan.id) == any_(PLAN_IDS))
    .order_by(col(CarePlan.created_at).desc(), col(CarePlan.id).desc()),
    shows=ShownRecord("care_plan"),
)
AREAS_QUERY = ReadQuery(
    select(
        col(PlanArea.id),
        col(PlanArea.child_id),
        col(PlanArea.case_id),
        col(PlanArea.plan_id),
        col(PlanArea.area),
        col(PlanArea.rating),
        col(PlanArea.status),
        col(PlanArea.content_encrypted),
    ).where(col(PlanArea.plan_id) == any_(PLAN_IDS)),
    shows=ShownRecord("plan_area"),
)
SELECT_GOALS = select(*(getattr(Goal, name) for name in GOAL_FIELDS), col(Goal.content_encrypted))
GOAL_QUERY = ReadQuery(SELECT_GOALS.where(col(Goal.id) == bindparam("goal_id")), shows=ShownRecord("goal"))
GOALS_OF_PLANS_QUERY = ReadQuery(
    SELECT_GOALS.where(col(Goal.plan_id) == any_(PLAN_IDS)).order_by(col(Goal.created_at), col(Goal.id)),
    shows=ShownRecord("goal"),
)
SELECT_ACTIONS = select(
    *(getattr(Action, name) for name in ACTION_FIELDS),
    col(Action.content_encrypted),
    col(Action.note_encrypted),
).order_by(col(Action.created_at), col(Action.id))
ACTION_QUERY = ReadQuery(
    SELECT_ACTIONS.where(col(Action.id) == bindparam("action_id")), shows=ShownRecord("action")
)
ACTIONS_OF_GOAL_QUERY = ReadQuery(
    SELECT_ACTIONS.where(col(Action.goal_id) == bindparam("goal_id")), shows=ShownRecord("action")
)
ACTIONS_OF_PLANS_QUERY = ReadQuery(
    SELECT_ACTIONS.where(col(Action.plan_id) == any_(PLAN_IDS)), shows=ShownRecord("action")
)


async def get_care_plan(reader: RecordReader, plan_id: UUID | str) -> CarePlanSchema:
    """Return one care plan with its areas, goals and actions.

    Raises:
        NotFound: the plan does not exist, or the caller cannot see it.
    """
    plans = await get_care_plans(reader, [plan_id])
    if not plans:
        raise NotFound
    return plans[0]


async def get_care_plans(reader: RecordReader, plan_ids: Sequence[UUID | str]) -> list[CarePlanSchema]:
    """Return care plans with their areas, goals and actions, newest first.

    Plans that the caller cannot see are omitted.
    """
    rows = await reader.fetch(CARE_PLANS_QUERY, plan_ids=plan_ids)
    areas = await _get_areas(reader, plan_ids) if rows else {}
    return [
        CarePlanSchema(
            **dict(zip(PLAN_FIELDS, row, strict=False)),
            **to_staff_refs(row, *STAFF_FIELDS),
            person=to_person_ref(row),
            **CarePlan.content.decrypt(row.id, row.content_encrypted),
            decision_comment=CarePlan.decision_comment.decrypt(row.id, row.decision_comment_encrypted),
            areas=CarePlanAreas.model_validate(areas[row.id]),
        )
        for row in rows
    ]


async def _get_areas(reader: RecordReader, plan_ids: Sequence[UUID | str]) -> dict[str, dict[str, Any]]:
    """Return the areas of each plan by name, with their goals and actions."""
    actions: dict[str, list[Any]] = defaultdict(list)
    for action in await reader.fetch(ACTIONS_OF_PLANS_QUERY, plan_ids=plan_ids):
        actions[action.goal_id].append(action)
    goals: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    for goal in await reader.fetch(GOALS_OF_PLANS_QUERY, plan_ids=plan_ids):
        goals[goal.plan_id, goal.area].append(_goal_to_dict(goal, actions[goal.id]))
    areas: dict[str, dict[str, Any]] = defaultdict(dict)
    for row in await reader.fetch(AREAS_QUERY, plan_ids=plan_ids):
        areas[row.plan_id][row.area] = {
            "rating": row.rating,
            "status": row.status,
            **PlanArea.content.decrypt(row.id, row.content_encrypted),
            "goals": goals[row.plan_id, row.area],
        }
    return areas


async def get_goal(reader: RecordReader, goal_id: UUID) -> GoalSchema:
    """Return one goal with its actions.

    Raises:
        NotFound: the goal does not exist, or the caller cannot see it.
    """
    goal = await reader.fetch_required(GOAL_QUERY, goal_id=goal_id)
    actions = await reader.fetch(ACTIONS_OF_GOAL_QUERY, goal_id=goal_id)
    return GoalSchema(**_goal_to_dict(goal, actions))


async def get_action(reader: RecordReader, action_id: UUID) -> ActionSchema:
    """Return one action.

    Raises:
        NotFound: the action does not exist, or the caller cannot see it.
    """
    return ActionSchema(**_action_to_dict(await reader.fetch_required(ACTION_QUERY, action_id=action_id)))


def _goal_to_dict(row: Any, actions: list[Any]) -> dict[str, Any]:
    return {
        **dict(zip(GOAL_FIELDS, row, strict=False)),
        **Goal.content.decrypt(row.id, row.content_encrypted),
        "actions": [_action_to_dict(action) for action in actions],
    }


def _action_to_dict(row: Any) -> dict[str, Any]:
    return {
        **dict(zip(ACTION_FIELDS, row, strict=False)),
        **Action.content.decrypt(row.id, row.content_encrypted),
        "note": Action.note.decrypt(row.id, row.note_encrypted),
    }
