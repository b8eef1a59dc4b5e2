"""Assessments of the child, the supporter and the family."""

from typing import Annotated
from uuid import UUID

from fastapi import Path, Query

from app.http.permissions import AssessmentApprover, AssessmentEditor, AssessmentReader, AssessmentSubmitter
from app.http.route import Router
from app.http.session import ExpectedVersion, Reader, Session
from app.schemas.assessments import (
    Assessment,
    AssessmentCreate,
    AssessmentFilters,
    AssessmentList,
    AssessmentUpdate,
)
from app.schemas.assessments_changes import AssessmentChanges
from app.schemas.decisions import AssessmentApproval, AssessmentReturn
from app.services.assessments import approve, assessments, diff, load

router = Router(tags=["assessments"])

CaseId = Annotated[UUID, Path(description="Id of the case.")]
AssessmentId = Annotated[UUID, Path(description="Id of the assessment.")]


@router.post("/cases/{case_id}/assessments", status_code=201)
async def create_case_assessment(
    caller: AssessmentEditor,
    session: Session,
    case_id: CaseId,
    payload: AssessmentCreate,
) -> Assessment:
    """Create a draft assessment of the child, a supporter or a family.

    Only one assessment of a subject can be in progress. The kind is `initial` until an assessment of the subject is
    approved, and `reassessment` afterwards. A reassessment refers to the previous approved assessment of the subject.
    """
    return await assessments.create_case_assessment(session, caller, case_id, payload)


@router.get("/cases/{case_id}/assessments")
async def list_case_assessments(
    caller: AssessmentReader,
    reader: Reader,
    case_id: CaseId,
    filters: Annotated[AssessmentFilters, Query()],
) -> AssessmentList:
    """List the assessments of a case, newest first.

    The entries contain the ratings and the risk level, but no texts.
    """
    return await assessments.list_case_assessments(reader, caller, case_id, filters)


@router.get("/assessments/{assessment_id}")
async def get_assessment(
    _caller: AssessmentReader,
    reader: Reader,
    assessment_id: AssessmentId,
) -> Assessment:
    """Get an assessment.

    The response contains the sections, the areas, the child's wishes and the scored questionnaires.
    """
    return await load.get_assessment(reader, assessment_id)


@router.patch("/assessments/{assessment_id}")
async def update_assessment(
    _caller: AssessmentEditor,
    session: Session,
    assessment_id: AssessmentId,
    expected_version: ExpectedVersion,
    payload: AssessmentUpdate,
) -> Assessment:
    """Update the content of a draft or returned assessment.

    Omitted fields keep their value. The server computes the scores of the questionnaires from the answers.
    """
    return await assessments.update_assessment(session, assessment_id, expected_version, payload)


@router.post("/assessments/{assessment_id}/submit")
async def submit_assessment(
    caller: AssessmentSubmitter,
    session: Session,
    assessment_id: AssessmentId,
    expected_version: ExpectedVersion,
) -> Assessment:
    """Submit an assessment for approval.

    The assessment must be complete: sections, ratings and texts of all areas, the child's wishes, the risk level and the
    answers to each questionnaire. A submitted assessment is frozen until a supervisor returns it.
    """
    return await approve.submit_assessment(session, caller, assessment_id, expected_version)


@router.post("/assessments/{assessment_id}/approve")
async def approve_assessment(
    caller: AssessmentApprover,
    session: Session,
    assessment_id: AssessmentId,
    expected_version: ExpectedVersion,
    payload: AssessmentApproval | None = None,
) -> Assessment:
    """Approve a submitted assessment.

    The caller must supervise the case's team and must not have written or submitted the assessment. The first approved
    assessment of the child moves the case to `planning`.
    """
    return await approve.approve_assessment(
        session, caller, assessment_id, expected_version, payload.comment if payload else None
    )


@router.post("/assessments/{assessment_id}/return")
async def return_assessment(
    caller: AssessmentApprover,
    session: Session,
    assessment_id: AssessmentId,
    expected_version: ExpectedVersion,
    payload: AssessmentReturn,
) -> Assessment:
    """Return a submitted assessment to its author.

    The comment describes the required changes. The author can edit the assessment and submit it again.
    """
    return await approve.return_assessment(session, caller, assessment_id, expected_version, payload.comment)


@router.get("/assessments/{assessment_id}/changes")
async def get_assessment_changes(
    _caller: AssessmentReader,
    reader: Reader,
    assessment_id: AssessmentId,
) -> AssessmentChanges:
    """Compare an assessment with the previous one.

    The previous assessment is the approved assessment of the same subject before this one. The comparison covers the
    ratings, the risk level and the scores of questionnaires. `change` is null if the scores belong to different
    editions of the questionnaire.
    """
    return await diff.get_assessment_changes(reader, assessment_id)
