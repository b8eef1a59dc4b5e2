"""Endpoints of follow-ups after a case is closed."""

from typing import Annotated
from uuid import UUID

from fastapi import Query

from app.http.permissions import FollowUpReader, FollowUpRecorder
from app.http.route import Router
from app.http.session import ExpectedVersion, Reader, Session
from app.schemas.exit_plans import FollowUp, FollowUpCreate, FollowUpList, FollowUpUpdate
from app.schemas.wire import PageQuery
from app.services.exit import follow_ups

router = Router(tags=["exit"])


@router.post("/cases/{case_id}/follow-ups", status_code=201)
async def create_case_follow_up(
    caller: FollowUpRecorder,
    session: Session,
    case_id: UUID,
    payload: FollowUpCreate,
) -> FollowUp:
    """Record a follow-up of a closed case.

    With `months`, records that planned follow-up; 409 if there is none. Without `months`, records the nearest one
    within 45 days, or else creates an additional one.
    """
    return await follow_ups.create_case_follow_up(session, caller, case_id, payload)


@router.get("/cases/{case_id}/follow-ups")
async def list_case_follow_ups(
    caller: FollowUpReader,
    reader: Reader,
    case_id: UUID,
    page: Annotated[PageQuery, Query()],
) -> FollowUpList:
    """List the follow-ups of a case, newest first.

    The list is sorted by time of creation. Planned follow-ups are created when the case is closed, additional
    follow-ups when they are recorded.
    """
    return await follow_ups.list_case_follow_ups(reader, caller, case_id, page)


@router.get("/follow-ups/{follow_up_id}")
async def get_follow_up(
    _caller: FollowUpReader,
    reader: Reader,
    follow_up_id: UUID,
) -> FollowUp:
    """Get a follow-up.

    `is_overdue` is true if the follow-up was not held and its due day is past.
    """
    return await follow_ups.get_follow_up(reader, follow_up_id)


@router.patch("/follow-ups/{follow_up_id}")
async def update_follow_up(
    caller: FollowUpRecorder,
    session: Session,
    follow_up_id: UUID,
    expected_version: ExpectedVersion,
    payload: FollowUpUpdate,
) -> FollowUp:
    """Record a due or missed follow-up.

    `wellbeing` `not_reached` records the follow-up as missed, every other result as held. A held follow-up cannot be
    changed.
    """
    return await follow_ups.update_follow_up(session, caller, follow_up_id, expected_version, payload)
