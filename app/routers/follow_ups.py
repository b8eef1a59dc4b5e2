"""Follow-ups: how the child is after the exit."""

from typing import Annotated
from uuid import UUID

from fastapi import Query

from app.http.permissions import FollowUpReader, FollowUpRecorder
from app.http.route import Router
from app.http.session import ExpectedVersion, Session
from app.schemas.exit_plans import FollowUp, FollowUpCreate, FollowUpUpdate
from app.schemas.wire import Page, PageQuery
from app.services.exit import follow_ups

router = Router(tags=["exit"])


@router.post("/cases/{case_id}/follow-ups", status_code=201)
async def create_case_follow_up(
    caller: FollowUpRecorder,
    session: Session,
    case_id: UUID,
    payload: FollowUpCreate,
) -> FollowUp:
    """Record how the child is: at a planned follow-up, or at another look."""
    return await follow_ups.create_case_follow_up(session, caller, case_id, payload)


@router.get("/cases/{case_id}/follow-ups")
async def list_case_follow_ups(
    caller: FollowUpReader,
    session: Session,
    case_id: UUID,
    page: Annotated[PageQuery, Query()],
) -> Page[FollowUp]:
    """List a case's follow-ups, newest first."""
    return await follow_ups.list_case_follow_ups(session, caller, case_id, page)


@router.get("/follow-ups/{follow_up_id}")
async def get_follow_up(
    caller: FollowUpReader,  # noqa: ARG001 - the door
    session: Session,
    follow_up_id: UUID,
) -> FollowUp:
    """Read one follow-up."""
    return await follow_ups.get_follow_up(session, follow_up_id)


@router.patch("/follow-ups/{follow_up_id}")
async def update_follow_up(
    caller: FollowUpRecorder,
    session: Session,
    follow_up_id: UUID,
    expected_version: ExpectedVersion,
    payload: FollowUpUpdate,
) -> FollowUp:
    """Record how the child is, though the case is closed."""
    return await follow_ups.update_follow_up(session, caller, follow_up_id, expected_version, payload)
