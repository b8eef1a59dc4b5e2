"""Care plans: reading and listing them, and writing the texts of a draft."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.caller import Caller
from app.access.vault import decrypt, encrypt
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
from app.models.record import utc_now
from app.schemas.care_plans import CarePlan as CarePlanSchema
from app.schemas.care_plans import CarePlanContent, CarePlanFilters, CarePlanSummary, CarePlanUpdate
from app.schemas.wire import Page
from app.services.care_plans import versions as editions
from app.services.care_plans.load import TEXT_FIELDS, care_plan_to_summary, load_care_plan_schema
from app.services.cases.write_access import check_case_writable

COLUMN_FIELDS = {"assessment_id", "needs_social_work"}


async def list_case_care_plans(
    session: AsyncSession, caller: Caller, case_id: UUID, filters: CarePlanFilters
) -> Page[CarePlanSummary]:
    """List a case's plans, every edition, newest first."""
    await ensure_exists(session, Case, case_id)
    wanted = filters.model_dump(exclude={"limit", "cursor"}, exclude_none=True)
    paging = Paginator(
        "care_plans", filters.limit, filters.cursor, {**wanted, "case": case_id, "for": caller.id}
    )
    query = select(CarePlan).where(col(CarePlan.case_id) == case_id).filter_by(**wanted)
    rows, cursor = await paging.fetch_records(session, query, col(CarePlan.created_at), col(CarePlan.id))
    return Page(items=[care_plan_to_summary(plan) for plan in rows], next_cursor=cursor)


async def get_care_plan(session: AsyncSession, plan_id: UUID) -> CarePlanSchema:
    """Read one plan with everything in it."""
    return await load_care_plan_schema(session, await get_record(session, CarePlan, plan_id))


async def update_care_plan(
    session: AsyncSession, plan_id: UUID, expected_version: int, patch: CarePlanUpdate
) -> CarePlanSchema:
    """Write the texts of a draft, or rest it on another assessment.

    Raises:
        GateRefused: it was submitted, the case is closed, or the assessment does not fit.
    """
    case = await get_case_for_update(session, CarePlan, plan_id)
    plan = await get_version_for_update(session, CarePlan, plan_id, expected_version)
    raise_if_unmet([*await check_case_writable(session, case), *check_editable(plan)])
    known = apply_patch(
        CarePlanContent, {**decrypt(plan), **plan.model_dump(mode="json", include=COLUMN_FIELDS)}, patch
    )
    if known.assessment_id != plan.assessment_id:
        await editions.set_source_assessment(session, plan, known.assessment_id)
    plan.needs_social_work = known.needs_social_work
    encrypt(plan, "sealed", known.model_dump(include=set(TEXT_FIELDS)))
    plan.updated_at = utc_now()
    await session.flush()  # the answer shows what was stored
    return await load_care_plan_schema(session, plan)
