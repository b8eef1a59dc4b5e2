"""Submitting a care plan and deciding on it; approving the child's makes the case active and schedules its review."""

from uuid import UUID

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.actor import Actor
from app.errors import Fault
from app.kit import approval as decisions
from app.kit.records import find_for_change, hold_case
from app.models import Assessment, CarePlan, Case
from app.models.record import now
from app.schemas.care_plans import CarePlanOut
from app.services.care_plans import review_schedule as reviews_schedule
from app.services.care_plans.load import WholePlan, shown, whole
from app.services.care_plans.source_assessment import unmet_newest
from app.services.care_plans.states import APPROVE, RETURN, SUBMIT, SUPERSEDE
from app.services.care_plans.submission_checks import unmet_whole
from app.services.cases import history as case_history
from app.services.cases.states import ACTIVATE, unmet_open
from app.services.cases.write_access import unmet_writing


async def submit(session: AsyncSession, actor: Actor, plan_id: UUID, seen: int) -> CarePlanOut:
    """Hand a plan in for a decision.

    Raises:
        GateRefused: something of it is missing; everything that is, one by one.
    """
    case, found = await _held(session, plan_id, seen)
    decisions.submit(
        found.plan, actor, SUBMIT, [*await unmet_writing(session, case), *await _unmet(session, found)]
    )
    _tell(session, case, actor, found.plan, "submitted")
    return await _stored(session, found)


async def approve(
    session: AsyncSession, actor: Actor, plan_id: UUID, seen: int, comment: str | None
) -> CarePlanOut:
    """Approve a plan: it comes into force, and the edition before it goes out.

    The child's makes the case active; its first review is due three calendar months later.

    Raises:
        GateRefused: it waits for no decision, or not for this actor's; or is whole no longer.
    """
    case, found = await _held(session, plan_id, seen)
    unmet = [*unmet_open(case), *await _unmet(session, found)]
    decisions.decide(found.plan, actor, case, APPROVE, comment, unmet)
    await _supersede(session, found.plan)
    _tell(session, case, actor, found.plan, "approved")
    if found.plan.subject == "child":
        await _activate(session, actor, case, found.plan)
    return await _stored(session, found)


async def send_back(
    session: AsyncSession, actor: Actor, plan_id: UUID, seen: int, comment: str
) -> CarePlanOut:
    """Return a plan with what is still to be done; it may be written in again.

    Raises:
        GateRefused: it waits for no decision, or not for this actor's.
    """
    case, found = await _held(session, plan_id, seen)
    decisions.decide(found.plan, actor, case, RETURN, comment, unmet_open(case))
    _tell(session, case, actor, found.plan, "returned")
    return await _stored(session, found)


async def _held(session: AsyncSession, plan_id: UUID, seen: int) -> tuple[Case, WholePlan]:
    case = await hold_case(session, CarePlan, plan_id)
    return case, await whole(session, await find_for_change(session, CarePlan, plan_id, seen))


async def _unmet(session: AsyncSession, found: WholePlan) -> list[Fault]:
    query = select(col(Assessment.risk_level)).where(col(Assessment.id) == found.plan.assessment_id)
    outdated = await unmet_newest(session, found.plan.assessment_id)
    return [*outdated, *unmet_whole(found, await session.scalar(query))]


async def _supersede(session: AsyncSession, plan: CarePlan) -> None:
    """Put the edition before out of force, at once: at no moment are there two in force."""
    before = col(CarePlan.id) == plan.previous_id, col(CarePlan.status).in_(SUPERSEDE.sources)
    out = {"status": SUPERSEDE.target, "version": col(CarePlan.version) + 1, "updated_at": now()}
    await session.execute(update(CarePlan).where(*before).values(out))


async def _activate(session: AsyncSession, actor: Actor, case: Case, plan: CarePlan) -> None:
    if case.status in ACTIVATE.sources:
        case.status = ACTIVATE.target
        case.updated_at, case.version = now(), case.version + 1
        case_history.record(session, case, "case_activated", actor, case)
    await reviews_schedule.schedule_first(session, actor, case, plan)


def _tell(session: AsyncSession, case: Case, actor: Actor, plan: CarePlan, how: str) -> None:
    detail = {"subject": plan.subject, "edition": str(plan.edition)}
    case_history.record(session, case, f"care_plan_{how}", actor, plan, detail)


async def _stored(session: AsyncSession, found: WholePlan) -> CarePlanOut:
    found.plan.updated_at = now()
    await session.flush()  # the answer shows what was stored
    return shown(found)
