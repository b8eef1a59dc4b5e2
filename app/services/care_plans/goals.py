"""Goals of a care plan.

The text of a goal can be changed only while the plan is a draft or returned. Its status can also be changed in the
approved plan; a draft of the next edition is then updated too.
"""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.caller import Caller
from app.access.reader import open_response_reader
from app.errors import Fault
from app.kit.approval import check_editable
from app.kit.records import apply_patch, get_case_for_update, get_record, get_version_for_update
from app.kit.state_machine import raise_if_unmet
from app.models import CarePlan, Goal, PlanArea
from app.models.care_plans import StoredGoalTexts
from app.models.encrypted_field import dump_content
from app.models.record import new_id, utc_now
from app.schemas.care_plans import Goal as GoalSchema
from app.schemas.care_plans import GoalBase, GoalContent, GoalCreate, GoalUpdate
from app.services.care_plans.actions import build_action
from app.services.care_plans.plan_parts import (
    check_item_limit,
    increment_versions,
    list_draft_copies,
    raise_if_frozen,
)
from app.services.care_plans.responses import get_goal
from app.services.cases.history import record_case_history
from app.services.cases.write_access import check_case_writable
from app.services.persons.life_dates import validate_after_birth


async def create_care_plan_goal(
    session: AsyncSession, plan_id: UUID, area: str, payload: GoalCreate
) -> GoalSchema:
    """Create a goal in an area, with the actions of the payload, and set the status of the area to `goals`.

    Raises:
        GateRefused: the plan is frozen, or the area has the status 'no need' or the maximum number of goals.
        InvalidInput: an action is due before the birth of the child.
    """
    case = await get_case_for_update(session, CarePlan, plan_id)
    plan = await get_record(session, CarePlan, plan_id)
    query = select(PlanArea).where(col(PlanArea.plan_id) == plan.id, col(PlanArea.area) == area)
    plan_area = (await session.scalars(query)).one()
    limit = await check_item_limit(session, Goal, col(Goal.plan_id) == plan.id, col(Goal.area) == area)
    raise_if_unmet(
        [
            *await check_case_writable(session, case),
            *check_editable(plan),
            *_check_area_accepts_goals(plan_area),
            *limit,
        ]
    )
    due_days = {f"/actions/{index}/due_on": action.due_on for index, action in enumerate(payload.actions)}
    await validate_after_birth(session, case.child_id, due_days)
    goal = _build_goal(plan, area, payload)
    session.add(goal)
    plan_area.status, plan_area.version = "goals", plan_area.version + 1
    increment_versions(plan)
    await session.flush()  # the actions have a foreign key to the goal
    session.add_all(build_action(plan, goal, action) for action in payload.actions)
    return await get_goal(await open_response_reader(session), goal.id)


def _build_goal(plan: CarePlan, area: str, payload: GoalCreate) -> Goal:
    goal_id = payload.id or new_id()
    goal = Goal(
        id=goal_id,
        child_id=plan.child_id,
        case_id=plan.case_id,
        plan_id=plan.id,
        area=area,
        origin_id=goal_id,
    )
    goal.content = dump_content(StoredGoalTexts, payload)
    return goal


async def update_goal(
    session: AsyncSession, caller: Caller, goal_id: UUID, expected_version: int, patch: GoalUpdate
) -> GoalSchema:
    """Update the text of a goal, or record that it was achieved or dropped.

    Raises:
        GateRefused: the plan is frozen. In an approved plan only the status can change.
    """
    case = await get_case_for_update(session, Goal, goal_id)
    goal = await get_version_for_update(session, Goal, goal_id, expected_version)
    plan = await get_record(session, CarePlan, goal.plan_id)
    before = {**goal.content, "status": goal.status}
    content = apply_patch(GoalContent, before, patch)
    await raise_if_frozen(session, case, plan, GoalBase, before, content.model_dump(mode="json"))
    copies = await list_draft_copies(session, plan, goal)
    for goal_or_copy in (goal, *copies):
        goal_or_copy.status = content.status
    texts = dump_content(StoredGoalTexts, content)
    if texts != goal.content:  # the ciphertext is frozen after the submission of the plan
        goal.content = texts
    if goal.status == "achieved" != before["status"]:
        record_case_history(session, case, "goal_achieved", caller, goal, {"area": goal.area})
    goal.updated_at = utc_now()
    increment_versions(plan)
    return await get_goal(await open_response_reader(session), goal_id)


def _check_area_accepts_goals(plan_area: PlanArea) -> list[Fault]:
    if plan_area.status != "no_need":
        return []
    detail = "The status of the area is `no_need`. Set it to `goals` first."
    return [Fault("/status", "no_need", detail)]
