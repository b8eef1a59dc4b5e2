"""Record, correct and mark supervision meetings.

The supervisor who held a meeting writes it. Its worker, the supervisors of the team and programme managers can read it,
but only the supervisor and the worker of the meeting can read its notes.
"""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.caller import Caller
from app.access.configuration_changes import HIDDEN
from app.access.permissions import Role
from app.access.reader import open_response_reader
from app.access.session_records import record_change
from app.errors import Fault, InvalidInput
from app.kit.records import apply_patch, get_version_for_update
from app.kit.state_machine import raise_if_unmet
from app.models import Case, SupervisionMeeting, SupervisionNotes, TeamMember
from app.models.record import new_id, utc_now
from app.schemas.corrections import ErrorMarkCreate
from app.schemas.supervision_meetings import SupervisionMeeting as SupervisionMeetingSchema
from app.schemas.supervision_meetings import (
    SupervisionMeetingContent,
    SupervisionMeetingCreate,
    SupervisionMeetingUpdate,
)
from app.services.supervision.meeting_actions import add_action, check_held_by
from app.services.supervision.meeting_responses import get_supervision_meeting


async def create_supervision_meeting(
    session: AsyncSession, caller: Caller, payload: SupervisionMeetingCreate
) -> SupervisionMeetingSchema:
    """Record a meeting that the caller held with a worker.

    Raises:
        InvalidInput: the caller does not supervise the team, the worker is not a member of it, or cannot be the caller; a
            case does not exist or is hidden; or the next meeting is before this one.
        AlreadyExists: the id is taken.
    """
    await _validate_participants(session, caller, payload)
    _validate_next_meeting(payload)
    meeting = SupervisionMeeting(
        id=payload.id or new_id(),
        worker_id=payload.worker_id,
        supervisor_id=caller.id,
        team_id=payload.team_id,
        held_on=payload.held_on,
        next_on=payload.next_on,
        case_ids=[case.id for case in await _load_cases(session, payload.case_numbers)],
    )
    session.add(meeting)
    await session.flush()  # the notes and the actions refer to the meeting
    notes = SupervisionNotes(id=meeting.id)
    notes.text = payload.notes
    session.add(notes)
    for index, action in enumerate(payload.actions):
        add_action(session, meeting, action, f"/actions/{index}")
    return await get_supervision_meeting(await open_response_reader(session), meeting.id)


async def update_supervision_meeting(
    session: AsyncSession,
    caller: Caller,
    meeting_id: UUID,
    expected_version: int,
    patch: SupervisionMeetingUpdate,
) -> SupervisionMeetingSchema:
    """Correct a meeting. `case_numbers` replaces the discussed cases that the caller can see; hidden cases stay.

    Raises:
        NotFound: the meeting does not exist, or the caller cannot see it.
        InvalidInput: the result of the patch is not valid.
        GateRefused: another person held the meeting, or the meeting was entered in error.
        StaleVersion: the meeting was changed since the caller read it.
    """
    meeting = await get_version_for_update(session, SupervisionMeeting, meeting_id, expected_version)
    raise_if_unmet(check_held_by(meeting, caller))
    notes = await session.get_one(SupervisionNotes, meeting_id)
    cases = list(await session.scalars(select(Case).where(col(Case.id).in_(meeting.case_ids))))
    document = {
        **meeting.model_dump(mode="json", include={"held_on", "next_on"}),
        "case_numbers": [case.number for case in cases],
        "notes": notes.text,
    }
    content = apply_patch(SupervisionMeetingContent, document, patch)
    _validate_next_meeting(content)
    meeting.held_on, meeting.next_on, meeting.updated_at = content.held_on, content.next_on, utc_now()
    hidden_ids = set(meeting.case_ids) - {case.id for case in cases}
    case_ids = {*hidden_ids, *(case.id for case in await _load_cases(session, content.case_numbers))}
    if case_ids != set(meeting.case_ids):
        meeting.case_ids = sorted(case_ids)
    if content.notes != notes.text:
        notes.text = content.notes
        record_change(session, "supervision_meeting", meeting.id, {"notes": (HIDDEN, HIDDEN)})
    return await get_supervision_meeting(await open_response_reader(session), meeting.id)


async def mark_supervision_meeting(
    session: AsyncSession, caller: Caller, meeting_id: UUID, expected_version: int, payload: ErrorMarkCreate
) -> SupervisionMeetingSchema:
    """Mark a meeting as entered in error. Its actions leave the agenda.

    Raises:
        GateRefused: another person held the meeting, and the caller is no programme manager; or it is marked already.
        StaleVersion: the meeting was changed since the caller read it.
    """
    meeting = await get_version_for_update(session, SupervisionMeeting, meeting_id, expected_version)
    if not caller.has_role(Role.programme_manager):
        raise_if_unmet(check_held_by(meeting, caller))
    meeting.entered_in_error_at, meeting.entered_in_error_by_id = utc_now(), caller.id
    meeting.entered_in_error_reason = payload.reason
    meeting.updated_at = utc_now()
    return await get_supervision_meeting(await open_response_reader(session), meeting.id)


async def _validate_participants(
    session: AsyncSession, caller: Caller, payload: SupervisionMeetingCreate
) -> None:
    """Check the team and the worker of a new meeting.

    Raises:
        InvalidInput: the caller may not hold this meeting.
    """
    faults = []
    if not caller.supervises_team(payload.team_id):
        faults.append(Fault("/team_id", "not_your_team", "You do not supervise this team."))
    elif await session.get(TeamMember, (payload.team_id, payload.worker_id)) is None:
        faults.append(Fault("/worker_id", "not_in_team", "Must be a member of the team."))
    if payload.worker_id == caller.id:
        faults.append(
            Fault("/worker_id", "own_work", "The worker must be another person than the supervisor.")
        )
    if faults:
        raise InvalidInput(faults)


def _validate_next_meeting(content: SupervisionMeetingContent) -> None:
    """Check that the next meeting is not before this one.

    Raises:
        InvalidInput: it is.
    """
    if content.next_on is not None and content.next_on < content.held_on:
        earliest = content.held_on.isoformat()
        detail = f"Must be {earliest} or later."
        raise InvalidInput([Fault("/next_on", "date_too_early", detail, {"earliest": earliest})])


async def _load_cases(session: AsyncSession, numbers: list[str]) -> list[Case]:
    """Return the cases with these numbers. The access log contains each of these cases.

    Raises:
        InvalidInput: a case does not exist, or the caller cannot see it.
    """
    cases = {
        case.number: case for case in await session.scalars(select(Case).where(col(Case.number).in_(numbers)))
    }
    faults = [
        Fault(
            f"/case_numbers/{index}",
            "reference_unknown",
            "There is no case with this number that you can see.",
        )
        for index, number in enumerate(numbers)
        if number not in cases
    ]
    if faults:
        raise InvalidInput(faults)
    return list(cases.values())
