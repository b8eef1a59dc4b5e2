"""List, get and update care plans, and set the status of their areas."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.caller import Caller
from app.kit.approval import check_editable
from app.kit.pagination import Paginator
from app.kit.records import (
    apply_patch,
    ensure_exists,
    get_case_for_update,
    get_record,
    get_version_for_update,
)
from app.kit.state_machine import raise_if_unmet
from app.models import CarePlan, Case
from app.models.care_plans import StoredCarePlanTexts
from app.models.encrypted_field import dump_content
from app.models.record import utc_now
from app.schemas.care_plans import CarePlan as CarePlanSchema
from app.schemas.care_plans import (
    CarePlanAreaUpdate,
    CarePlanContent,
    CarePlanFilters,
    CarePlanList,
    CarePlanUpdate,
)
from app.services.care_plans.editions import set_source_assessment
from app.services.care_plans.load import (
    care_plan_to_schema,
    care_plan_to_summary,
    load_care_plan,
    load_care_plan_schema,
)
from app.services.care_plans.submission_checks import check_no_need
from app.services.cases.write_access import check_case_writable

COLUMN_FIELDS = {"assessment_id", "needs_social_work"}


async def list_case_care_plans(
    session: AsyncSession, caller: Caller, case_id: UUID, filters: CarePlanFilters
) -> CarePlanList:
    """Return all editions of the care plans of a case, newest first."""
    await ensure_exists(session, Case, case_id)
    column_filters = filters.model_dump(exclude={"limit", "cursor"}, exclude_none=True)
    paginator = Paginator(
        "care_plans", filters.limit, filters.cursor, {**column_filters, "case": case_id, "for": caller.id}
    )
    query = select(CarePlan).where(col(CarePlan.case_id) == case_id).filter_by(**column_filters)
    rows, cursor = await paginator.fetch_records(session, query, col(CarePlan.created_at), col(CarePlan.id))
    return CarePlanList(items=[care_plan_to_summary(plan) for plan in rows], next_cursor=cursor)


async def get_care_plan(session: AsyncSession, plan_id: UUID) -> CarePlanSchema:
    """Return one care plan with its areas, goals and actions."""
    return await load_care_plan_schema(session, await get_record(session, CarePlan, plan_id))


async def update_care_plan(
    session: AsyncSession, plan_id: UUID, expected_version: int, patch: CarePlanUpdate
) -> CarePlanSchema:
    """Update the texts of a draft, or base it on another assessment.

    Raises:
        InvalidInput: a field is invalid, or the assessment does not exist.
        GateRefused: the plan is frozen, the case is closed, the caller is not staff of the case, or the assessment is
            not the newest approved one of the plan's subject.
    """
    case = await get_case_for_update(session, CarePlan, plan_id)
    plan = await get_version_for_update(session, CarePlan, plan_id, expected_version)
    raise_if_unmet([*await check_case_writable(session, case), *check_editable(plan)])
    document = {**plan.content, **plan.model_dump(mode="json", include=COLUMN_FIELDS)}
    content = apply_patch(CarePlanContent, document, patch)
    if content.assessment_id != plan.assessment_id:
        await set_source_assessment(session, plan, content.assessment_id)
    plan.needs_social_work = content.needs_social_work
    plan.content = dump_content(StoredCarePlanTexts, content)
    plan.updated_at = utc_now()
    await session.flush()  # report a database error before the response is built
    return await load_care_plan_schema(session, plan)


async def replace_care_plan_area(
    session: AsyncSession, plan_id: UUID, area: str, expected_version: int, payload: CarePlanAreaUpdate
) -> CarePlanSchema:
    """Set the status of an area: `goals`, or `no_need` with a reason. `expected_version` is the version of the plan.

    Raises:
        GateRefused: the plan is frozen, or the status is `no_need` although the area is weak or has open goals.
    """
    case = await get_case_for_update(session, CarePlan, plan_id)
    plan = await get_version_for_update(session, CarePlan, plan_id, expected_version)
    loaded_plan = await load_care_plan(session, plan)
    plan_area = loaded_plan.areas[area]
    unmet = [*await check_case_writable(session, case), *check_editable(plan)]
    if payload.status == "no_need":
        unmet += check_no_need(plan_area, loaded_plan.goals[area])
    raise_if_unmet(unmet)
    plan_area.status, plan_area.version = payload.status, plan_area.version + 1
    plan_area.content = {**plan_area.content, "reason": payload.reason}
    plan.updated_at = utc_now()
    await session.flush()  # report a database error before the response is built
    return care_plan_to_schema(loaded_plan)
