"""Endpoints of supervision meetings and of the actions that are agreed in them."""

from typing import Annotated
from uuid import UUID

from fastapi import Query

from app.http.permissions import (
    SupervisionActionEditor,
    SupervisionHolder,
    SupervisionReader,
)
from app.http.route import Router
from app.http.session import ExpectedVersion, Reader, Session
from app.schemas.corrections import ErrorMarkCreate
from app.schemas.supervision_meetings import (
    SupervisionAction,
    SupervisionActionCreate,
    SupervisionActionUpdate,
    SupervisionMeeting,
    SupervisionMeetingCreate,
    SupervisionMeetingFilters,
    SupervisionMeetingList,
    SupervisionMeetingUpdate,
)
from app.services.supervision import meeting_actions, meeting_responses, meetings

router = Router(tags=["supervision"])


@router.post("/supervision-meetings", status_code=201)
async def create_supervision_meeting(
    caller: SupervisionHolder,
    session: Session,
    payload: SupervisionMeetingCreate,
) -> SupervisionMeeting:
    """Record a supervision meeting.

    The caller held the meeting with a member of a supervised team. Each discussed case is logged as an access. Agreed
    actions are on the agenda of their owner.
    """
    return await meetings.create_supervision_meeting(session, caller, payload)


@router.get("/supervision-meetings")
async def list_supervision_meetings(
    caller: SupervisionReader,
    reader: Reader,
    filters: Annotated[SupervisionMeetingFilters, Query()],
) -> SupervisionMeetingList:
    """List supervision meetings, the latest first by default.

    Social workers see their own meetings, supervisors those that they held and those of their teams, programme managers all.
    Only the supervisor and the worker of a meeting see its notes.
    """
    return await meeting_responses.list_supervision_meetings(reader, caller, filters)


@router.get("/supervision-meetings/{supervision_meeting_id}")
async def get_supervision_meeting(
    _caller: SupervisionReader,
    reader: Reader,
    supervision_meeting_id: UUID,
) -> SupervisionMeeting:
    """Get a supervision meeting.

    `cases` contains the discussed cases that the caller can see. A conflict wall or a transfer can hide a case.
    """
    return await meeting_responses.get_supervision_meeting(reader, supervision_meeting_id)


@router.patch("/supervision-meetings/{supervision_meeting_id}")
async def update_supervision_meeting(
    caller: SupervisionHolder,
    session: Session,
    supervision_meeting_id: UUID,
    expected_version: ExpectedVersion,
    payload: SupervisionMeetingUpdate,
) -> SupervisionMeeting:
    """Correct a supervision meeting.

    Only the supervisor who held the meeting can do this. `case_numbers` replaces the discussed cases that the caller can
    see.
    """
    return await meetings.update_supervision_meeting(
        session, caller, supervision_meeting_id, expected_version, payload
    )


@router.post("/supervision-meetings/{supervision_meeting_id}/enter-in-error")
async def enter_supervision_meeting_in_error(
    caller: SupervisionHolder,
    session: Session,
    supervision_meeting_id: UUID,
    expected_version: ExpectedVersion,
    payload: ErrorMarkCreate,
) -> SupervisionMeeting:
    """Mark a supervision meeting as entered in error.

    The record stays readable with the mark, and cannot be changed again. Its actions leave the agenda. The supervisor who
    held the meeting or a programme manager can do this.
    """
    return await meetings.mark_supervision_meeting(
        session, caller, supervision_meeting_id, expected_version, payload
    )


@router.post("/supervision-meetings/{supervision_meeting_id}/actions", status_code=201)
async def create_supervision_action(
    caller: SupervisionHolder,
    session: Session,
    supervision_meeting_id: UUID,
    payload: SupervisionActionCreate,
) -> SupervisionAction:
    """Add an agreed action to a supervision meeting.

    Only the supervisor who held the meeting can do this. A meeting has at most 50 actions.
    """
    return await meeting_actions.create_supervision_action(session, caller, supervision_meeting_id, payload)


@router.get("/supervision-actions/{supervision_action_id}")
async def get_supervision_action(
    _caller: SupervisionReader,
    reader: Reader,
    supervision_action_id: UUID,
) -> SupervisionAction:
    """Get an agreed action of a supervision meeting.

    All who can see the meeting can see its actions.
    """
    return await meeting_responses.get_supervision_action(reader, supervision_action_id)


@router.patch("/supervision-actions/{supervision_action_id}")
async def update_supervision_action(
    _caller: SupervisionActionEditor,
    session: Session,
    supervision_action_id: UUID,
    expected_version: ExpectedVersion,
    payload: SupervisionActionUpdate,
) -> SupervisionAction:
    """Complete an agreed action, or move its due date.

    All who can see the meeting can do this, so that a successor can complete an action. The agreed text does not change.
    """
    return await meeting_actions.update_supervision_action(
        session, supervision_action_id, expected_version, payload
    )
