"""What a care plan rests on: the newest approved assessment of whom it is about."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.errors import Fault, InvalidInput
from app.models import Assessment, CarePlan
from app.services.assessments.states import APPROVE

ASSESSMENT_POINTER = "/assessment_id"


async def get_source_assessment(session: AsyncSession, assessment_id: UUID) -> Assessment:
    """Return the assessment that a plan names.

    Raises:
        InvalidInput: there is none, or not for this actor.
    """
    found = await session.scalar(select(Assessment).where(col(Assessment.id) == assessment_id))
    if found is None:
        raise InvalidInput([Fault(ASSESSMENT_POINTER, "reference_unknown", "It names nothing.")])
    return found


async def get_newest_approved_assessment(session: AsyncSession, plan: CarePlan) -> Assessment:
    """Return the newest approved assessment of whom a plan is about."""
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
    """Return what speaks against a plan resting on an assessment."""
    unmet = await check_assessment_is_newest(session, assessment.id)
    if assessment.status != APPROVE.target:
        detail = f"A plan rests on an approved assessment; this one is {assessment.status}."
        unmet.append(Fault(ASSESSMENT_POINTER, "assessment_not_approved", detail))
    if (assessment.case_id, assessment.subject, assessment.person_id) != (case_id, subject, person_id):
        detail = "The assessment is of another case, subject or person than the plan."
        unmet.append(Fault(ASSESSMENT_POINTER, "assessment_of_another", detail))
    return unmet


async def check_assessment_is_newest(session: AsyncSession, assessment_id: UUID) -> list[Fault]:
    """Return the unmet condition that an assessment was followed by another approved one, or none."""
    follows = col(Assessment.previous_id) == assessment_id, col(Assessment.status) == APPROVE.target
    if await session.scalar(select(col(Assessment.id)).where(*follows)) is None:
        return []
    detail = "A newer assessment is approved: rest the plan on that one."
    return [Fault(ASSESSMENT_POINTER, "assessment_superseded", detail)]
