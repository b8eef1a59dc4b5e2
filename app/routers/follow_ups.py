"""Follow-ups: how the child is after the exit."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query

from app.access.actor import Actor
from app.access.permissions import Permission
from app.http.authorization import Requires
from app.http.route import Router
from app.http.session import Seen, Session
from app.schemas.exit_plans import FollowUpIn, FollowUpOut, FollowUpPatch
from app.schemas.wire import Page, PageQuery
from app.services.exit import follow_ups

router = Router(tags=["exit"])


@router.post("/cases/{case_id}/follow-ups", status_code=201)
async def add(
    actor: Annotated[Actor, Depends(Requires(Permission.follow_up_record))],
    session: Session,
    case_id: UUID,
    body: FollowUpIn,
) -> FollowUpOut:
    """Record how the child is: at a planned follow-up, or at another look."""
    return await follow_ups.add(session, actor, case_id, body)


@router.get("/cases/{case_id}/follow-ups")
async def listed(
    actor: Annotated[Actor, Depends(Requires(Permission.follow_up_read))],
    session: Session,
    case_id: UUID,
    page: Annotated[PageQuery, Query()],
) -> Page[FollowUpOut]:
    """List a case's follow-ups, newest first."""
    return await follow_ups.listed(session, actor, case_id, page)


@router.get("/follow-ups/{follow_up_id}")
async def read(
    actor: Annotated[Actor, Depends(Requires(Permission.follow_up_read))],  # noqa: ARG001 - the door
    session: Session,
    follow_up_id: UUID,
) -> FollowUpOut:
    """Read one follow-up."""
    return await follow_ups.read(session, follow_up_id)


@router.patch("/follow-ups/{follow_up_id}")
async def write(
    actor: Annotated[Actor, Depends(Requires(Permission.follow_up_record))],
    session: Session,
    follow_up_id: UUID,
    seen: Seen,
    body: FollowUpPatch,
) -> FollowUpOut:
    """Record how the child is, though the case is closed."""
    return await follow_ups.write(session, actor, follow_up_id, seen, body)
