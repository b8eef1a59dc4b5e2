"""Submit, approve and return assessments."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.access.caller import Caller
from app.access.reader import open_response_reader
from app.kit import approval
from app.kit.records import get_case_for_update, get_version_for_update
from app.models import Assessment, Case
from app.models.record import utc_now
from app.schemas.assessments import Assessment as AssessmentSchema
from app.schemas.assessments import AssessmentContent
from app.services.assessments.load import get_assessment, load_assessment_document
from app.services.assessments.risk_level import get_child_risk_level
from app.services.assessments.states import APPROVE, RETURN, SUBMIT
from app.services.assessments.submission_checks import check_assessment_complete
from app.services.cases.history import record_case_history
from app.services.cases.states import START_PLANNING, check_case_open
from app.services.cases.write_access import check_case_writable


async def submit_assessment(
    session: AsyncSession, caller: Caller, assessment_id: UUID, expected_version: int
) -> AssessmentSchema:
    """Submit an assessment for approval. It is frozen from then on.

    Raises:
        GateRefused: the assessment is not a draft or returned, or content is missing. The error lists every missing
            part.
    """
    case, assessment = await _get_for_update(session, assessment_id, expected_version)
    content = AssessmentContent.model_validate(load_assessment_document(assessment))
    unmet = [
        *await check_case_writable(session, case),
        *check_assessment_complete(content, assessment.content["instruments"]),
    ]
    approval.submit_record(assessment, caller, SUBMIT, unmet)
    return await _record_transition(session, case, caller, assessment, "submitted")


async def approve_assessment(
    session: AsyncSession, caller: Caller, assessment_id: UUID, expected_version: int, comment: str | None
) -> AssessmentSchema:
    """Approve an assessment.

    An assessment of the child sets the risk level of the case. The first one also moves the case to `planning`.

    Raises:
        GateRefused: the assessment is not submitted, or the caller does not supervise the case's team or contributed to
            the assessment.
    """
    case, assessment = await _get_for_update(session, assessment_id, expected_version)
    await approval.record_decision(session, assessment, caller, case, APPROVE, comment, check_case_open(case))
    if assessment.subject == "child":
        await _update_case(session, case)
    return await _record_transition(session, case, caller, assessment, "approved")


async def _update_case(session: AsyncSession, case: Case) -> None:
    """Set the status and the risk level of a case after the approval of an assessment of the child."""
    await session.flush()  # the query of the risk level reads the approval
    risk_level = await get_child_risk_level(session, case.id)
    status = START_PLANNING.target if case.status in START_PLANNING.sources else case.status
    if (status, risk_level) != (case.status, case.risk_level):
        case.status, case.risk_level = status, risk_level
        case.updated_at, case.version = utc_now(), case.version + 1


async def return_assessment(
    session: AsyncSession, caller: Caller, assessment_id: UUID, expected_version: int, comment: str
) -> AssessmentSchema:
    """Return an assessment to its author with a comment. The author can edit it again.

    Raises:
        GateRefused: the assessment is not submitted, or the caller does not supervise the case's team or contributed to
            the assessment.
    """
    case, assessment = await _get_for_update(session, assessment_id, expected_version)
    await approval.record_decision(session, assessment, caller, case, RETURN, comment, check_case_open(case))
    return await _record_transition(session, case, caller, assessment, "returned")


async def _get_for_update(
    session: AsyncSession, assessment_id: UUID, expected_version: int
) -> tuple[Case, Assessment]:
    """Lock and return the case and the assessment. The assessment must have the expected version."""
    case = await get_case_for_update(session, Assessment, assessment_id)
    return case, await get_version_for_update(session, Assessment, assessment_id, expected_version)


async def _record_transition(
    session: AsyncSession, case: Case, caller: Caller, assessment: Assessment, event: str
) -> AssessmentSchema:
    assessment.updated_at = utc_now()
    record_assessment_history(session, case, caller, assessment, event)
    return await get_assessment(await open_response_reader(session), assessment.id)


def record_assessment_history(
    session: AsyncSession, case: Case, caller: Caller, assessment: Assessment, event: str
) -> None:
    """Add an event of the assessment to the history of its case: started, submitted, approved or returned."""
    detail = {"subject": assessment.subject, "kind": assessment.kind}
    record_case_history(session, case, f"assessment_{event}", caller, assessment, detail)
