"""Endpoints of the feedback of children and caregivers."""

from typing import Annotated
from uuid import UUID

from fastapi import Query

from app.http.permissions import FeedbackErrorMarker, FeedbackReader, FeedbackRecorder
from app.http.route import Router
from app.http.session import ExpectedVersion, Reader, Session
from app.schemas.corrections import ErrorMarkCreate
from app.schemas.feedback import Feedback, FeedbackCreate, FeedbackFilters, FeedbackList
from app.services import corrections
from app.services.reviews import feedback

router = Router(tags=["feedback"])


@router.post("/cases/{case_id}/feedback", status_code=201)
async def create_case_feedback(
    caller: FeedbackRecorder,
    session: Session,
    case_id: UUID,
    payload: FeedbackCreate,
) -> Feedback:
    """Record the feedback of the child or the caregiver.

    It is given at a review or at the end of support, and cannot be changed. The timeline of the case shows that feedback
    was given, without the rating and the comment.
    """
    return await feedback.create_case_feedback(session, caller, case_id, payload)


@router.get("/cases/{case_id}/feedback")
async def list_case_feedback(
    caller: FeedbackReader,
    reader: Reader,
    case_id: UUID,
    filters: Annotated[FeedbackFilters, Query()],
) -> FeedbackList:
    """List the feedback of a case, newest first.

    Supervisors of the team and programme managers see all feedback. Other staff of the case see the feedback that
    they recorded.
    """
    return await feedback.list_case_feedback(reader, caller, case_id, filters)


@router.get("/feedback/{feedback_id}")
async def get_feedback(
    _caller: FeedbackReader,
    reader: Reader,
    feedback_id: UUID,
) -> Feedback:
    """Get the feedback of a child or a caregiver.

    Only its author, supervisors of the team and programme managers can read it.
    """
    return await feedback.get_feedback(reader, feedback_id)


@router.post("/feedback/{feedback_id}/enter-in-error")
async def enter_feedback_in_error(
    caller: FeedbackErrorMarker,
    session: Session,
    feedback_id: UUID,
    expected_version: ExpectedVersion,
    payload: ErrorMarkCreate,
) -> Feedback:
    """Mark feedback as entered in error.

    The record stays readable with the mark, and no report counts it. A supervisor of the team or a programme manager can
    do this, but not the lead worker or a co-worker of the case, whom the feedback can be about.
    """
    return await corrections.mark_feedback(session, caller, feedback_id, expected_version, payload)
