"""Assessments of the child, the supporter and the family."""

from typing import Annotated
from uuid import UUID

from fastapi import Query

from app.http.permissions import AssessmentApprover, AssessmentEditor, AssessmentReader, AssessmentSubmitter
from app.http.route import Router
from app.http.session import ExpectedVersion, Session
from app.schemas.assessments import (
    Assessment,
    AssessmentChanges,
    AssessmentCreate,
    AssessmentFilters,
    AssessmentSummary,
    AssessmentUpdate,
)
from app.schemas.decisions import Approval, Return
from app.schemas.wire import Page
from app.services.assessments import assessments
from app.services.assessments import diff as assessments_changes

router = Router(tags=["assessments"])


@router.post("/cases/{case_id}/assessments", status_code=201)
async def create_case_assessment(
    caller: AssessmentEditor,
    session: Session,
    case_id: UUID,
    payload: AssessmentCreate,
) -> Assessment:
    """Begin an assessment of the child, a supporter or a family."""
    return await assessments.create_case_assessment(session, caller, case_id, payload)


@router.get("/cases/{case_id}/assessments")
async def list_case_assessments(
    caller: AssessmentReader,
    session: Session,
    case_id: UUID,
    filters: Annotated[AssessmentFilters, Query()],
) -> Page[AssessmentSummary]:
    """List a case's assessments, newest first."""
    return await assessments.list_case_assessments(session, caller, case_id, filters)


@router.get("/assessments/{assessment_id}")
async def get_assessment(
    _caller: AssessmentReader,
    session: Session,
    assessment_id: UUID,
) -> Assessment:
    """Read one assessment."""
    return await assessments.get_assessment(session, assessment_id)


@router.patch("/assessments/{assessment_id}")
async def update_assessment(
    _caller: AssessmentEditor,
    session: Session,
    assessment_id: UUID,
    expected_version: ExpectedVersion,
    payload: AssessmentUpdate,
) -> Assessment:
    """Write a piece of a draft; what you do not send stays as it is."""
    return await assessments.update_assessment(session, assessment_id, expected_version, payload)


@router.post("/assessments/{assessment_id}/submit")
async def submit_assessment(
    caller: AssessmentSubmitter,
    session: Session,
    assessment_id: UUID,
    expected_version: ExpectedVersion,
) -> Assessment:
    """Hand it in for a decision: from then on it is frozen."""
    return await assessments.submit_assessment(session, caller, assessment_id, expected_version)


@router.post("/assessments/{assessment_id}/approve")
async def approve_assessment(
    caller: AssessmentApprover,
    session: Session,
    assessment_id: UUID,
    expected_version: ExpectedVersion,
    payload: Approval | None = None,
) -> Assessment:
    """Approve it; the child's first one moves the case on to planning."""
    return await assessments.approve_assessment(
        session, caller, assessment_id, expected_version, payload.comment if payload else None
    )


@router.post("/assessments/{assessment_id}/return")
async def return_assessment(
    caller: AssessmentApprover,
    session: Session,
    assessment_id: UUID,
    expected_version: ExpectedVersion,
    payload: Return,
) -> Assessment:
    """Return it with what is still to be done."""
    return await assessments.return_assessment(
        session, caller, assessment_id, expected_version, payload.comment
    )


@router.get("/assessments/{assessment_id}/changes")
async def get_assessment_changes(
    _caller: AssessmentReader,
    session: Session,
    assessment_id: UUID,
) -> AssessmentChanges:
    """Read what changed since the approved assessment of the same subject before."""
    return await assessments_changes.get_assessment_changes(session, assessment_id)
