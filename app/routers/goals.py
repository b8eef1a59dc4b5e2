"""Goals of a care plan."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends

from app.access.actor import Actor
from app.access.permissions import Permission
from app.http.authorization import Requires
from app.http.route import Router
from app.http.session import Seen, Session
from app.schemas.care_plans import ActionIn, ActionOut, GoalOut, GoalPatch
from app.services.care_plans import areas as care_plans_areas

router = Router(prefix="/goals", tags=["care-plans"])


@router.get("/{goal_id}")
async def read(
    _actor: Annotated[Actor, Depends(Requires(Permission.care_plan_read))],
    session: Session,
    goal_id: UUID,
) -> GoalOut:
    """Read a goal with its actions."""
    return await care_plans_areas.read_goal(session, goal_id)


@router.patch("/{goal_id}")
async def change(
    actor: Annotated[Actor, Depends(Requires(Permission.care_plan_write))],
    session: Session,
    goal_id: UUID,
    seen: Seen,
    body: GoalPatch,
) -> GoalOut:
    """Write a goal of a draft otherwise, or tell that it was achieved or dropped."""
    return await care_plans_areas.change_goal(session, actor, goal_id, seen, body)


@router.post("/{goal_id}/actions", status_code=201)
async def add_action(
    _actor: Annotated[Actor, Depends(Requires(Permission.care_plan_write))],
    session: Session,
    goal_id: UUID,
    body: ActionIn,
) -> ActionOut:
    """Add a step towards a goal of a draft: what, by whom, by when."""
    return await care_plans_areas.add_action(session, goal_id, body)
