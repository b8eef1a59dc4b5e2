"""The approved assessment that a care plan is based on."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.errors import Fault, InvalidInput
from app.models import Assessment, CarePlan
from app.services.assessments.states import APPROVE

ASSESSMENT_POINTER = "/assessment_id"


async def get_source_assessment(session: AsyncSession, assessment_id: UUID) -> Assessment:
    """Return the assessment that a request names as the base of a care plan.

    Raises:
        InvalidInput: the assessment does not exist, or the caller cannot see it.
    """
    assessment = await session.scalar(select(Assessment).where(col(Assessment.id) == assessment_id))
    if assessment is None:
        detail = "The assessment does not exist."
        raise InvalidInput([Fault(ASSESSMENT_POINTER, "reference_unknown", detail)])
    return assessment


async def get_newest_approved_assessment(session: AsyncSession, plan: CarePlan) -> Assessment:
    """Return the newest approved assessment of the plan's subject."""
    query = select(Assessment).where(
        col(Assessment.case_id) == plan.case_id,
        col(Assessment.subject) == plan.subject,
        col(Assessment.person_id).is_not_distinct_from(plan.person_id),
        col(Assessment.status) == APPROVE.target,
    )
    return (await session.scalars(query.order_by(col(Assessment.decided_at).desc()).limit(1))).one()


async def check_source_assessment(
    session: AsyncSession, assessment: Assessment, case_id: UUID, subject: str, person_id: UUID | None
) -> list[Fault]:
    """Return the unmet conditions for basing a care plan on an assessment."""
    unmet = await check_assessment_is_newest(session, assessment.id)
    if assessment.status != APPROVE.target:
        detail = f"The assessment must be approved. Its status is {assessment.status}."
        unmet.append(Fault(ASSESSMENT_POINTER, "assessment_not_approved", detail))
    if (assessment.case_id, assessment.subject, assessment.person_id) != (case_id, subject, person_id):
        detail = "The assessment must be of the same case, subject and person as the plan."
        unmet.append(Fault(ASSESSMENT_POINTER, "assessment_of_another", detail))
    return unmet


async def check_assessment_is_newest(session: AsyncSession, assessment_id: UUID) -> list[Fault]:
    """Return an unmet condition if a newer assessment of the subject is approved."""
    query = select(col(Assessment.id)).where(
        col(Assessment.previous_id) == assessment_id, col(Assessment.status) == APPROVE.target
    )
    if await session.scalar(query) is None:
        return []
    detail = "A newer assessment of the subject is approved. Set `assessment_id` to that assessment."
    return [Fault(ASSESSMENT_POINTER, "assessment_superseded", detail)]
