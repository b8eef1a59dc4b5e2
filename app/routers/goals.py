"""Goals of a care plan."""

from uuid import UUID

from app.http.permissions import CarePlanEditor, CarePlanReader
from app.http.route import Router
from app.http.session import ExpectedVersion, Session
from app.schemas.care_plans import Action, ActionCreate, Goal, GoalUpdate
from app.services.care_plans import actions, goals

router = Router(prefix="/goals", tags=["care-plans"])


@router.get("/{goal_id}")
async def get_goal(
    _caller: CarePlanReader,
    session: Session,
    goal_id: UUID,
) -> Goal:
    """Read a goal with its actions."""
    return await goals.get_goal(session, goal_id)


@router.patch("/{goal_id}")
async def update_goal(
    caller: CarePlanEditor,
    session: Session,
    goal_id: UUID,
    expected_version: ExpectedVersion,
    payload: GoalUpdate,
) -> Goal:
    """Write a goal of a draft otherwise, or tell that it was achieved or dropped."""
    return await goals.update_goal(session, caller, goal_id, expected_version, payload)


@router.post("/{goal_id}/actions", status_code=201)
async def create_goal_action(
    _caller: CarePlanEditor,
    session: Session,
    goal_id: UUID,
    payload: ActionCreate,
) -> Action:
    """Add a step towards a goal of a draft: what, by whom, by when."""
    return await actions.create_goal_action(session, goal_id, payload)
