"""Submitting a care plan and deciding on it; approving the child's makes the case active and schedules its review."""

from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.caller import Caller
from app.errors import Fault
from app.kit import approval as decisions
from app.kit.records import get_case_for_update, get_version_for_update
from app.models import Assessment, CarePlan, Case
from app.models.record import utc_now
from app.schemas.care_plans import CarePlan as CarePlanSchema
from app.services.care_plans import review_schedule as reviews_schedule
from app.services.care_plans.load import LoadedCarePlan, care_plan_to_schema, load_care_plan
from app.services.care_plans.source_assessment import check_assessment_is_newest
from app.services.care_plans.states import APPROVE, RETURN, SUBMIT, SUPERSEDE
from app.services.care_plans.submission_checks import check_care_plan_complete
from app.services.cases import history as case_history
from app.services.cases.states import ACTIVATE, check_case_open
from app.services.cases.write_access import check_case_writable


async def submit_care_plan(
    session: AsyncSession, caller: Caller, plan_id: UUID, expected_version: int
) -> CarePlanSchema:
    """Hand a plan in for a decision.

    Raises:
        GateRefused: something of it is missing; everything that is, one by one.
    """
    case, found = await _get_for_update(session, plan_id, expected_version)
    decisions.submit_record(
        found.plan,
        caller,
        SUBMIT,
        [*await check_case_writable(session, case), *await _check_submission(session, found)],
    )
    _record_history(session, case, caller, found.plan, "submitted")
    return await _flush_to_schema(session, found)


async def approve_care_plan(
    session: AsyncSession, caller: Caller, plan_id: UUID, expected_version: int, comment: str | None
) -> CarePlanSchema:
    """Approve a plan: it comes into force, and the edition before it goes out.

    The child's makes the case active; its first review is due three calendar months later.

    Raises:
        GateRefused: it waits for no decision, or not for this actor's; or is whole no longer.
    """
    case, found = await _get_for_update(session, plan_id, expected_version)
    unmet = [*check_case_open(case), *await _check_submission(session, found)]
    decisions.record_decision(found.plan, caller, case, APPROVE, comment, unmet)
    await _supersede_previous_version(session, found.plan)
    _record_history(session, case, caller, found.plan, "approved")
    if found.plan.subject == "child":
        await _activate_case(session, caller, case, found.plan)
    return await _flush_to_schema(session, found)


async def return_care_plan(
    session: AsyncSession, caller: Caller, plan_id: UUID, expected_version: int, comment: str
) -> CarePlanSchema:
    """Return a plan with what is still to be done; it may be written in again.

    Raises:
        GateRefused: it waits for no decision, or not for this actor's.
    """
    case, found = await _get_for_update(session, plan_id, expected_version)
    decisions.record_decision(found.plan, caller, case, RETURN, comment, check_case_open(case))
    _record_history(session, case, caller, found.plan, "returned")
    return await _flush_to_schema(session, found)


async def _get_for_update(
    session: AsyncSession, plan_id: UUID, expected_version: int
) -> tuple[Case, LoadedCarePlan]:
    case = await get_case_for_update(session, CarePlan, plan_id)
    return case, await load_care_plan(
        session, await get_version_for_update(session, CarePlan, plan_id, expected_version)
    )


async def _check_submission(session: AsyncSession, found: LoadedCarePlan) -> list[Fault]:
    query = select(col(Assessment.risk_level)).where(col(Assessment.id) == found.plan.assessment_id)
    outdated = await check_assessment_is_newest(session, found.plan.assessment_id)
    return [*outdated, *check_care_plan_complete(found, await session.scalar(query))]


async def _supersede_previous_version(session: AsyncSession, plan: CarePlan) -> None:
    """Put the edition before out of force, at once: at no moment are there two in force."""
    before = col(CarePlan.id) == plan.previous_id, col(CarePlan.status).in_(SUPERSEDE.sources)
    out = {"status": SUPERSEDE.target, "version": col(CarePlan.version) + 1, "updated_at": utc_now()}
    await session.execute(update(CarePlan).where(*before).values(out))


async def _activate_case(session: AsyncSession, caller: Caller, case: Case, plan: CarePlan) -> None:
    if case.status in ACTIVATE.sources:
        case.status = ACTIVATE.target
        case.updated_at, case.version = utc_now(), case.version + 1
        case_history.record_case_history(session, case, "case_activated", caller, case)
    await reviews_schedule.schedule_first_review(session, caller, case, plan)


def _record_history(session: AsyncSession, case: Case, caller: Caller, plan: CarePlan, how: str) -> None:
    detail = {"subject": plan.subject, "edition": str(plan.edition)}
    case_history.record_case_history(session, case, f"care_plan_{how}", caller, plan, detail)


async def _flush_to_schema(session: AsyncSession, found: LoadedCarePlan) -> CarePlanSchema:
    found.plan.updated_at = utc_now()
    await session.flush()  # the answer shows what was stored
    return care_plan_to_schema(found)
