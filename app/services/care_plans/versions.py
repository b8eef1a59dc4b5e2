"""Editions of a care plan: the first rests on an assessment, each next one is a copy of the one in force."""

from typing import TypeVar
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.caller import Caller
from app.access.vault import decrypt, encrypt
from app.errors import Fault
from app.kit.records import get_for_update
from app.kit.state_machine import raise_if_unmet
from app.models import Action, Assessment, CarePlan, Case, Goal, PlanArea
from app.models.record import new_id
from app.schemas.care_plans import CarePlan as CarePlanSchema
from app.schemas.care_plans import CarePlanCreate
from app.services.care_plans import area_ratings as reviews_areas
from app.services.care_plans import source_assessment as foundation
from app.services.care_plans.area_ratings import ReviewRatings
from app.services.care_plans.load import (
    AREAS,
    TEXT_FIELDS,
    WEAK_RATINGS,
    LoadedCarePlan,
    load_care_plan,
    load_care_plan_schema,
)
from app.services.care_plans.states import APPROVE, SUPERSEDE
from app.services.cases import history as case_history
from app.services.cases.write_access import check_case_writable

GoalOrAction = TypeVar("GoalOrAction", Goal, Action)

ASSESSED_AREA_FIELDS = ("need", "strengths", "risk")


async def create_case_care_plan(
    session: AsyncSession, caller: Caller, case_id: UUID, payload: CarePlanCreate
) -> CarePlanSchema:
    """Start the next edition of a subject's plan: pre-filled from the assessment, and from the plan in force.

    Raises:
        GateRefused: the assessment is not the newest approved one, or another case's or subject's; there is a draft
            already.
    """
    case = await get_for_update(session, Case, case_id)
    assessment = await foundation.get_source_assessment(session, payload.assessment_id)
    person_id = payload.person_id or assessment.person_id
    draft, in_force = await _get_draft_and_active_version(session, case.id, payload.subject, person_id)
    unmet = await check_case_writable(session, case)
    unmet += await foundation.check_source_assessment(
        session, assessment, case.id, payload.subject, person_id
    )
    if draft:
        unmet.append(Fault("/subject", "draft_exists", "There is a draft of this plan already."))
    raise_if_unmet(unmet)
    plan = _build_version(caller.id, case, assessment, in_force, payload.id)
    return await load_care_plan_schema(
        session, await _store_version(session, caller, case, plan, assessment, in_force)
    )


async def create_next_care_plan_version(
    session: AsyncSession, caller: Caller, case: Case, plan: CarePlan
) -> CarePlan:
    """Open the edition that adapts a plan: a draft copy of the one in force, or the draft that there is already.

    It rests on the newest approved assessment of its subject. Its author is the lead worker, who will write it, whoever
    asked for it: so a supervisor who completes a review may still decide on the plan. The caller holds the case.
    """
    draft, in_force = await _get_draft_and_active_version(session, case.id, plan.subject, plan.person_id)
    if draft:
        return draft
    before = in_force or await load_care_plan(session, plan)
    newest = await foundation.get_newest_approved_assessment(session, plan)
    copy = _build_version(case.lead_worker_id, case, newest, before)
    return await _store_version(session, caller, case, copy, newest, before)


async def set_source_assessment(session: AsyncSession, plan: CarePlan, assessment_id: UUID) -> None:
    """Rest a draft on another assessment: its areas are found as that found them; goals and other answers stay.

    Raises:
        GateRefused: the assessment is not the newest approved one, or another case's or subject's.
    """
    assessment = await foundation.get_source_assessment(session, assessment_id)
    about = plan.case_id, plan.subject, plan.person_id
    raise_if_unmet(await foundation.check_source_assessment(session, assessment, *about))
    plan.assessment_id = assessment.id
    for row in await session.scalars(select(PlanArea).where(col(PlanArea.plan_id) == plan.id)):
        _set_area_content(row, assessment, assessment.ratings.get(row.area), decrypt(row)["reason"])


async def _get_draft_and_active_version(
    session: AsyncSession, case_id: UUID, subject: str, person_id: UUID | None
) -> tuple[CarePlan | None, LoadedCarePlan | None]:
    """Return the edition that is being written, and the one in force."""
    query = select(CarePlan).where(
        col(CarePlan.case_id) == case_id,
        col(CarePlan.subject) == subject,
        col(CarePlan.person_id).is_not_distinct_from(person_id),
        col(CarePlan.status) != SUPERSEDE.target,
    )
    plans = await session.scalars(query.execution_options(populate_existing=True))
    found = {plan.status == APPROVE.target: plan for plan in plans}
    return found.get(False), await load_care_plan(session, found[True]) if True in found else None


def _build_version(
    author_id: UUID,
    case: Case,
    assessment: Assessment,
    before: LoadedCarePlan | None,
    plan_id: UUID | None = None,
) -> CarePlan:
    plan = CarePlan(
        id=plan_id or new_id(),
        child_id=case.child_id,
        case_id=case.id,
        subject=assessment.subject,
        person_id=assessment.person_id,
        assessment_id=assessment.id,
        edition=before.plan.edition + 1 if before else 1,
        previous_id=before.plan.id if before else None,
        needs_social_work=before.plan.needs_social_work if before else None,
        author_id=author_id,
    )
    encrypt(plan, "sealed", decrypt(before.plan) if before else dict.fromkeys(TEXT_FIELDS))
    return plan


async def _store_version(
    session: AsyncSession,
    caller: Caller,
    case: Case,
    plan: CarePlan,
    assessment: Assessment,
    before: LoadedCarePlan | None,
) -> CarePlan:
    looks = await reviews_areas.list_review_ratings(session, before.plan.id) if before else []
    ratings, closed = _current_ratings(assessment, before, looks), reviews_areas.get_closed_areas(looks)
    session.add(plan)
    await session.flush()  # areas, goals and the history name the plan
    for area in AREAS:
        row = PlanArea(child_id=plan.child_id, case_id=plan.case_id, plan_id=plan.id, area=area)
        reason = _copy_area_answer(row, before, closed.get(area)) if before else None
        _set_area_content(row, assessment, ratings.get(area), reason)
        session.add(row)
    if before:
        await _copy_open_goals(session, plan, before, set(closed))
    detail = {"subject": plan.subject, "edition": str(plan.edition)}
    case_history.record_case_history(session, case, "care_plan_started", caller, plan, detail)
    await session.flush()  # the answer shows what was stored
    return plan


def _current_ratings(
    assessment: Assessment, before: LoadedCarePlan | None, looks: list[ReviewRatings]
) -> dict[str, int]:
    """Return how the areas are rated now: by the assessment, or by what looked at them later."""
    ratings = dict(assessment.ratings)
    if before and before.plan.assessment_id == assessment.id:
        ratings |= {area: row.rating for area, row in before.areas.items() if row.rating}
    return ratings | reviews_areas.get_latest_ratings(looks, assessment.decided_at)


def _copy_area_answer(row: PlanArea, before: LoadedCarePlan, closed_in: int | None) -> str | None:
    """Answer an area as the edition before did, or as a review has since; return the reason why there is no need."""
    was = before.areas[row.area]
    if was.status == "no_need":
        row.status, reason = was.status, decrypt(was)["reason"]
        return str(reason)
    if closed_in is not None:
        row.status = "no_need"
        return f"Closed in review {closed_in}."
    if any(goal.status == "open" for goal in before.goals[row.area]):
        row.status = "goals"
    return None


def _set_area_content(row: PlanArea, assessment: Assessment, rating: int | None, reason: str | None) -> None:
    """Write how an area was found; 'no need' does not outlive a weak rating."""
    if row.status == "no_need" and rating in WEAK_RATINGS:
        row.status = reason = None
    row.rating = rating
    found = decrypt(assessment)["areas"].get(row.area) or {}
    encrypt(row, "sealed", {"reason": reason, **{name: found.get(name) for name in ASSESSED_AREA_FIELDS}})


async def _copy_open_goals(
    session: AsyncSession, plan: CarePlan, before: LoadedCarePlan, closed: set[str]
) -> None:
    """Copy what is still open: goals, but for those of closed areas, and their open actions."""
    goals = [
        goal for area in before.goals.keys() - closed for goal in before.goals[area] if goal.status == "open"
    ]
    copies = {goal.id: _copy_part(goal, plan_id=plan.id) for goal in goals}
    session.add_all(copies.values())
    await session.flush()  # actions name their goals
    session.add_all(
        _copy_part(action, plan_id=plan.id, goal_id=copies[goal.id].id)
        for goal in goals
        for action in before.actions[goal.id]
        if action.status == "open"
    )


def _copy_part(part: GoalOrAction, **names: UUID) -> GoalOrAction:
    """Copy a goal or an action: a record of its own that knows its origin."""
    kept = part.model_dump(exclude={"id", "created_at", "updated_at", "version", "content_encrypted"})
    copy = type(part)(**{**kept, **names})
    encrypt(copy, "sealed", decrypt(part))
    return copy
