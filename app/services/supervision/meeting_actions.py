"""Add and update the actions that are agreed in a supervision meeting."""

from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.caller import Caller
from app.access.reader import open_response_reader
from app.errors import Fault, InvalidInput
from app.kit.entered_in_error import check_not_entered_in_error
from app.kit.records import apply_patch, get_for_share, get_for_update, get_version_for_update
from app.kit.state_machine import raise_if_unmet
from app.models import SupervisionAction, SupervisionMeeting
from app.models.record import new_id
from app.schemas.supervision_meetings import SupervisionAction as SupervisionActionSchema
from app.schemas.supervision_meetings import (
    SupervisionActionCreate,
    SupervisionActionSettings,
    SupervisionActionUpdate,
)
from app.services.supervision.meeting_responses import get_supervision_action

MAX_ACTIONS = 50
"""Maximum number of actions of a meeting."""


def add_action(
    session: AsyncSession, meeting: SupervisionMeeting, payload: SupervisionActionCreate, pointer: str = ""
) -> SupervisionAction:
    """Add an agreed action to a meeting and return it. `pointer` is the position of the action in the request.

    Raises:
        InvalidInput: the owner is neither the worker nor the supervisor of the meeting.
    """
    owner_id = payload.owner_id or meeting.worker_id
    if owner_id not in {meeting.worker_id, meeting.supervisor_id}:
        detail = "Must be the worker or the supervisor of the meeting."
        raise InvalidInput([Fault(f"{pointer}/owner_id", "reference_unknown", detail)])
    action = SupervisionAction(
        id=payload.id or new_id(), meeting_id=meeting.id, owner_id=owner_id, due_on=payload.due_on
    )
    action.what = payload.what
    session.add(action)
    return action


async def create_supervision_action(
    session: AsyncSession, caller: Caller, meeting_id: UUID, payload: SupervisionActionCreate
) -> SupervisionActionSchema:
    """Add an agreed action to a meeting that the caller held.

    Raises:
        NotFound: the meeting does not exist, or the caller cannot see it.
        InvalidInput: the owner is neither the worker nor the supervisor of the meeting.
        GateRefused: another person held the meeting, it was entered in error, or has the maximum number of actions.
        AlreadyExists: the id is taken.
    """
    meeting = await get_for_update(session, SupervisionMeeting, meeting_id)
    raise_if_unmet(
        [
            *check_held_by(meeting, caller),
            *check_not_entered_in_error(meeting),
            *await _check_action_limit(session, meeting),
        ]
    )
    action = add_action(session, meeting, payload)
    return await get_supervision_action(await open_response_reader(session), action.id)


async def update_supervision_action(
    session: AsyncSession, action_id: UUID, expected_version: int, patch: SupervisionActionUpdate
) -> SupervisionActionSchema:
    """Move the due date of an action, complete or reopen it.

    Raises:
        NotFound: the action does not exist, or the caller cannot see its meeting.
        GateRefused: the meeting was entered in error.
        StaleVersion: the action was changed since the caller read it.
    """
    meeting_id = select(col(SupervisionAction.meeting_id)).where(col(SupervisionAction.id) == action_id)
    meeting = await get_for_share(session, SupervisionMeeting, meeting_id.scalar_subquery())
    raise_if_unmet(check_not_entered_in_error(meeting))
    action = await get_version_for_update(session, SupervisionAction, action_id, expected_version)
    document = action.model_dump(mode="json", include=set(SupervisionActionSettings.model_fields))
    settings = apply_patch(SupervisionActionSettings, document, patch)
    action.due_on, action.done_on = settings.due_on, settings.done_on
    return await get_supervision_action(await open_response_reader(session), action.id)


def check_held_by(meeting: SupervisionMeeting, caller: Caller) -> list[Fault]:
    """Return a fault if another person than the caller held a meeting."""
    if meeting.supervisor_id == caller.id:
        return []
    return [Fault(None, "not_yours", "Only the supervisor who held the meeting can do this.")]


async def _check_action_limit(session: AsyncSession, meeting: SupervisionMeeting) -> list[Fault]:
    query = select(func.count()).where(col(SupervisionAction.meeting_id) == meeting.id)
    if (await session.scalar(query) or 0) < MAX_ACTIONS:
        return []
    return [Fault(None, "too_many", f"A meeting has at most {MAX_ACTIONS} actions.")]
