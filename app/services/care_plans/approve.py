"""Submit, approve and return care plans. Approval of the child's plan activates the case and schedules its review."""

from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.caller import Caller
from app.access.reader import open_response_reader
from app.errors import Fault
from app.kit import approval
from app.kit.records import get_case_for_update, get_version_for_update
from app.models import Assessment, CarePlan, Case
from app.models.record import utc_now
from app.schemas.care_plans import CarePlan as CarePlanSchema
from app.services.care_plans.load import LoadedCarePlan, load_care_plan
from app.services.care_plans.responses import get_care_plan
from app.services.care_plans.review_schedule import schedule_first_review
from app.services.care_plans.source_assessment import check_assessment_is_newest
from app.services.care_plans.states import APPROVE, RETURN, SUBMIT, SUPERSEDE
from app.services.care_plans.submission_checks import check_care_plan_complete
from app.services.cases.history import record_case_history
from app.services.cases.states import ACTIVATE, check_case_open
from app.services.cases.write_access import check_case_writable
from app.services.consents.gate import load_register


async def submit_care_plan(
    session: AsyncSession, caller: Caller, plan_id: UUID, expected_version: int
) -> CarePlanSchema:
    """Submit a care plan for approval. It is frozen from then on.

    Raises:
        GateRefused: the plan is not a draft or returned, or content is missing. The error lists every missing part.
    """
    case, loaded_plan = await _get_for_update(session, plan_id, expected_version)
    unmet = [*await check_case_writable(session, case), *await _check_submission(session, loaded_plan)]
    approval.submit_record(loaded_plan.plan, caller, SUBMIT, unmet)
    _record_history(session, case, caller, loaded_plan.plan, "submitted")
    return await _flush_to_schema(session, loaded_plan)


async def approve_care_plan(
    session: AsyncSession, caller: Caller, plan_id: UUID, expected_version: int, comment: str | None
) -> CarePlanSchema:
    """Approve a care plan. The plan becomes the current edition and supersedes the previous one.

    Approval of the child's plan also activates the case. The first review is due three calendar months later.

    Raises:
        GateRefused: the plan is not submitted or is incomplete, the caller does not supervise the case's team or
            contributed to the plan, or the approval would start services without consent.
    """
    case, loaded_plan = await _get_for_update(session, plan_id, expected_version)
    unmet = [
        *check_case_open(case),
        *await _check_submission(session, loaded_plan),
        *await _check_services_consent(session, case, loaded_plan.plan),
    ]
    await approval.record_decision(session, loaded_plan.plan, caller, case, APPROVE, comment, unmet)
    await _supersede_previous_edition(session, loaded_plan.plan)
    _record_history(session, case, caller, loaded_plan.plan, "approved")
    if loaded_plan.plan.subject == "child":
        await _activate_case(session, caller, case, loaded_plan.plan)
    return await _flush_to_schema(session, loaded_plan)


async def return_care_plan(
    session: AsyncSession, caller: Caller, plan_id: UUID, expected_version: int, comment: str
) -> CarePlanSchema:
    """Return a care plan to its author with a comment. The author can edit it again.

    Raises:
        GateRefused: the plan is not submitted, or the caller does not supervise the case's team or contributed to the
            plan.
    """
    case, loaded_plan = await _get_for_update(session, plan_id, expected_version)
    await approval.record_decision(
        session, loaded_plan.plan, caller, case, RETURN, comment, check_case_open(case)
    )
    _record_history(session, case, caller, loaded_plan.plan, "returned")
    return await _flush_to_schema(session, loaded_plan)


async def _get_for_update(
    session: AsyncSession, plan_id: UUID, expected_version: int
) -> tuple[Case, LoadedCarePlan]:
    case = await get_case_for_update(session, CarePlan, plan_id)
    plan = await get_version_for_update(session, CarePlan, plan_id, expected_version)
    return case, await load_care_plan(session, plan)


async def _check_submission(session: AsyncSession, loaded_plan: LoadedCarePlan) -> list[Fault]:
    assessment_id = loaded_plan.plan.assessment_id
    superseded = await check_assessment_is_newest(session, assessment_id)
    query = select(col(Assessment.risk_level)).where(col(Assessment.id) == assessment_id)
    return [*superseded, *check_care_plan_complete(loaded_plan, await session.scalar(query))]


async def _check_services_consent(session: AsyncSession, case: Case, plan: CarePlan) -> list[Fault]:
    """Return faults unless the consent register permits the services that the approval of the child's plan starts."""
    if plan.subject != "child" or case.status not in ACTIVATE.sources:
        return []
    register = await load_register(session, case.child_id, case.id)
    return list(register.check_with_basis("services"))


async def _supersede_previous_edition(session: AsyncSession, plan: CarePlan) -> None:
    """Supersede the previous edition.

    It must be flushed before the approval, because the database allows one approved edition.
    """
    query = update(CarePlan).where(
        col(CarePlan.id) == plan.previous_id, col(CarePlan.status).in_(SUPERSEDE.sources)
    )
    values = {"status": SUPERSEDE.target, "version": col(CarePlan.version) + 1, "updated_at": utc_now()}
    await session.execute(query.values(values))


async def _activate_case(session: AsyncSession, caller: Caller, case: Case, plan: CarePlan) -> None:
    if case.status in ACTIVATE.sources:
        case.status = ACTIVATE.target
        case.updated_at, case.version = utc_now(), case.version + 1
        record_case_history(session, case, "case_activated", caller, case)
    await schedule_first_review(session, caller, case, plan)


def _record_history(session: AsyncSession, case: Case, caller: Caller, plan: CarePlan, event: str) -> None:
    detail = {"subject": plan.subject, "edition": str(plan.edition)}
    record_case_history(session, case, f"care_plan_{event}", caller, plan, detail)


async def _flush_to_schema(session: AsyncSession, loaded_plan: LoadedCarePlan) -> CarePlanSchema:
    loaded_plan.plan.updated_at = utc_now()
    return await get_care_plan(await open_response_reader(session), loaded_plan.plan.id)
