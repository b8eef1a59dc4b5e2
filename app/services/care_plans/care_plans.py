"""Care plans: reading and listing them, and writing the texts of a draft."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.actor import Actor
from app.access.vault import seal, unseal
from app.kit.approval import unmet_writable
from app.kit.pagination import Paging
from app.kit.records import find, find_for_change, hold_case, patched, require
from app.kit.state_machine import refuse
from app.models import CarePlan, Case
from app.models.record import now
from app.schemas.care_plans import CarePlanContent, CarePlanFilters, CarePlanItem, CarePlanOut, CarePlanPatch
from app.schemas.wire import Page
from app.services.care_plans import versions as editions
from app.services.care_plans.load import TEXTS, item, loaded
from app.services.cases.write_access import unmet_writing

PLAIN = {"assessment_id", "needs_social_work"}


async def listed(
    session: AsyncSession, actor: Actor, case_id: UUID, filters: CarePlanFilters
) -> Page[CarePlanItem]:
    """List a case's plans, every edition, newest first."""
    await require(session, Case, case_id)
    wanted = filters.model_dump(exclude={"limit", "cursor"}, exclude_none=True)
    paging = Paging("care_plans", filters.limit, filters.cursor, {**wanted, "case": case_id, "for": actor.id})
    query = select(CarePlan).where(col(CarePlan.case_id) == case_id).filter_by(**wanted)
    rows, cursor = await paging.records(session, query, col(CarePlan.created_at), col(CarePlan.id))
    return Page(items=[item(plan) for plan in rows], next_cursor=cursor)


async def read(session: AsyncSession, plan_id: UUID) -> CarePlanOut:
    """Read one plan with everything in it."""
    return await loaded(session, await find(session, CarePlan, plan_id))


async def change(session: AsyncSession, plan_id: UUID, seen: int, patch: CarePlanPatch) -> CarePlanOut:
    """Write the texts of a draft, or rest it on another assessment.

    Raises:
        GateRefused: it was submitted, the case is closed, or the assessment does not fit.
    """
    case = await hold_case(session, CarePlan, plan_id)
    plan = await find_for_change(session, CarePlan, plan_id, seen)
    refuse([*await unmet_writing(session, case), *unmet_writable(plan)])
    known = patched(CarePlanContent, {**unseal(plan), **plan.model_dump(mode="json", include=PLAIN)}, patch)
    if known.assessment_id != plan.assessment_id:
        await editions.rest_on(session, plan, known.assessment_id)
    plan.needs_social_work = known.needs_social_work
    seal(plan, "sealed", known.model_dump(include=set(TEXTS)))
    plan.updated_at = now()
    await session.flush()  # the answer shows what was stored
    return await loaded(session, plan)
