"""Actions of a care plan: the steps towards its goals."""

from uuid import UUID

from app.http.permissions import CarePlanEditor, CarePlanReader
from app.http.route import Router
from app.http.session import ExpectedVersion, Session
from app.schemas.care_plans import Action, ActionUpdate
from app.services.care_plans import actions

router = Router(prefix="/actions", tags=["care-plans"])


@router.get("/{action_id}")
async def get_action(
    _caller: CarePlanReader,
    session: Session,
    action_id: UUID,
) -> Action:
    """Read an action."""
    return await actions.get_action(session, action_id)


@router.patch("/{action_id}")
async def update_action(
    caller: CarePlanEditor,
    session: Session,
    action_id: UUID,
    expected_version: ExpectedVersion,
    payload: ActionUpdate,
) -> Action:
    """Write an action of a draft otherwise, or tell how it went: done or dropped, when, and a note."""
    return await actions.update_action(session, caller, action_id, expected_version, payload)
