"""Assessments of the child, the supporter and the family."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query

from app.access.actor import Actor
from app.access.permissions import Permission
from app.http.authorization import Requires
from app.http.route import Router
from app.http.session import Seen, Session
from app.schemas.assessments import (
    AssessmentChanges,
    AssessmentFilters,
    AssessmentIn,
    AssessmentItem,
    AssessmentOut,
    AssessmentPatch,
)
from app.schemas.decisions import Approval, Returning
from app.schemas.wire import Page
from app.services.assessments import assessments
from app.services.assessments import diff as assessments_changes

router = Router(tags=["assessments"])


@router.post("/cases/{case_id}/assessments", status_code=201)
async def begin(
    actor: Annotated[Actor, Depends(Requires(Permission.assessment_write))],
    session: Session,
    case_id: UUID,
    body: AssessmentIn,
) -> AssessmentOut:
    """Begin an assessment of the child, a supporter or a family."""
    return await assessments.begin(session, actor, case_id, body)


@router.get("/cases/{case_id}/assessments")
async def listed(
    actor: Annotated[Actor, Depends(Requires(Permission.assessment_read))],
    session: Session,
    case_id: UUID,
    filters: Annotated[AssessmentFilters, Query()],
) -> Page[AssessmentItem]:
    """List a case's assessments, newest first."""
    return await assessments.listed(session, actor, case_id, filters)


@router.get("/assessments/{assessment_id}")
async def read(
    _actor: Annotated[Actor, Depends(Requires(Permission.assessment_read))],
    session: Session,
    assessment_id: UUID,
) -> AssessmentOut:
    """Read one assessment."""
    return await assessments.read(session, assessment_id)


@router.patch("/assessments/{assessment_id}")
async def change(
    _actor: Annotated[Actor, Depends(Requires(Permission.assessment_write))],
    session: Session,
    assessment_id: UUID,
    seen: Seen,
    body: AssessmentPatch,
) -> AssessmentOut:
    """Write a piece of a draft; what you do not send stays as it is."""
    return await assessments.change(session, assessment_id, seen, body)


@router.post("/assessments/{assessment_id}/submit")
async def submit(
    actor: Annotated[Actor, Depends(Requires(Permission.assessment_submit))],
    session: Session,
    assessment_id: UUID,
    seen: Seen,
) -> AssessmentOut:
    """Hand it in for a decision: from then on it is frozen."""
    return await assessments.submit(session, actor, assessment_id, seen)


@router.post("/assessments/{assessment_id}/approve")
async def approve(
    actor: Annotated[Actor, Depends(Requires(Permission.assessment_decide))],
    session: Session,
    assessment_id: UUID,
    seen: Seen,
    body: Approval | None = None,
) -> AssessmentOut:
    """Approve it; the child's first one moves the case on to planning."""
    return await assessments.approve(session, actor, assessment_id, seen, body.comment if body else None)


@router.post("/assessments/{assessment_id}/return")
async def send_back(
    actor: Annotated[Actor, Depends(Requires(Permission.assessment_decide))],
    session: Session,
    assessment_id: UUID,
    seen: Seen,
    body: Returning,
) -> AssessmentOut:
    """Return it with what is still to be done."""
    return await assessments.send_back(session, actor, assessment_id, seen, body.comment)


@router.get("/assessments/{assessment_id}/changes")
async def changes(
    _actor: Annotated[Actor, Depends(Requires(Permission.assessment_read))],
    session: Session,
    assessment_id: UUID,
) -> AssessmentChanges:
    """Read what changed since the approved assessment of the same subject before."""
    return await assessments_changes.changes(session, assessment_id)
