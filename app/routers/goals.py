"""Goals and actions of a care plan."""

from typing import Annotated
from uuid import UUID

from fastapi import Path

from app.http.permissions import CarePlanEditor, CarePlanReader
from app.http.route import Router
from app.http.session import ExpectedVersion, Reader, Session
from app.schemas.care_plans import Action, ActionCreate, ActionUpdate, Goal, GoalUpdate
from app.services.care_plans import actions, goals, responses

router = Router(tags=["care-plans"])

GoalId = Annotated[UUID, Path(description="Id of the goal.")]
ActionId = Annotated[UUID, Path(description="Id of the action.")]


@router.get("/goals/{goal_id}")
async def get_goal(
    _caller: CarePlanReader,
    reader: Reader,
    goal_id: GoalId,
) -> Goal:
    """Get a goal of a care plan.

    The response contains the actions of the goal in order of creation.
    """
    return await responses.get_goal(reader, goal_id)


@router.patch("/goals/{goal_id}")
async def update_goal(
    caller: CarePlanEditor,
    session: Session,
    goal_id: GoalId,
    expected_version: ExpectedVersion,
    payload: GoalUpdate,
) -> Goal:
    """Update a goal of a care plan.

    The text can be changed only while the plan is a draft or returned. The status can also be changed in the approved
    plan; a draft of the next edition is then updated too.
    """
    return await goals.update_goal(session, caller, goal_id, expected_version, payload)


@router.post("/goals/{goal_id}/actions", status_code=201)
async def create_goal_action(
    _caller: CarePlanEditor,
    session: Session,
    goal_id: GoalId,
    payload: ActionCreate,
) -> Action:
    """Create an action of a goal in a draft care plan.

    An action has a description, a responsible person and a due date. A goal has at most 20 actions.
    """
    return await actions.create_goal_action(session, goal_id, payload)


@router.get("/actions/{action_id}")
async def get_action(
    _caller: CarePlanReader,
    reader: Reader,
    action_id: ActionId,
) -> Action:
    """Get an action of a care plan.

    The response contains the progress of the action: status, date and note.
    """
    return await responses.get_action(reader, action_id)


@router.patch("/actions/{action_id}")
async def update_action(
    caller: CarePlanEditor,
    session: Session,
    action_id: ActionId,
    expected_version: ExpectedVersion,
    payload: ActionUpdate,
) -> Action:
    """Update an action of a care plan.

    The text can be changed only while the plan is a draft or returned. Status, date and note can also be changed in the
    approved plan; a draft of the next edition is then updated too.
    """
    return await actions.update_action(session, caller, action_id, expected_version, payload)
