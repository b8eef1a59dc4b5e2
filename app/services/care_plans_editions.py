"""Editions of a care plan: the first rests on an assessment, each next one is a copy of the one in force."""

from collections.abc import Mapping
from typing import TypeVar
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.actor import Actor
from app.access.vault import seal, unseal
from app.errors import Fault, InvalidInput
from app.models import Action, Assessment, CarePlan, Case, Goal, PlanArea
from app.models.record import new_id
from app.schemas.care_plans import CarePlanIn, CarePlanOut
from app.services import case_history
from app.services.care_plan_steps import APPROVE, SUPERSEDE
from app.services.care_plans_whole import AREAS, TEXTS, WEAK, WholePlan, loaded, whole
from app.services.case_steps import unmet_open
from app.services.records import hold
from app.services.steps import refuse

C = TypeVar("C", Goal, Action)

FOUND = ("need", "strengths", "risk")


async def start(session: AsyncSession, actor: Actor, case_id: UUID, told: CarePlanIn) -> CarePlanOut:
    """Start the next edition of a subject's plan: pre-filled from the assessment, and from the plan in force.

    Raises:
        GateRefused: the assessment is not approved, or another case's or subject's; there is a draft already.
    """
    case = await hold(session, Case, case_id)
    assessment = await _assessment(session, told.assessment_id)
    person_id = told.person_id or assessment.person_id
    draft, in_force = await _editions(session, case.id, told.subject, person_id)
    unmet = [*unmet_open(case), *_unmet_foundation(assessment, case.id, told.subject, person_id)]
    if draft:
        unmet.append(Fault("/subject", "draft_exists", "There is a draft of this plan already."))
    refuse(unmet)
    ratings = _ratings(assessment, in_force)
    return await loaded(session, await _open(session, actor, case, assessment, in_force, ratings, told.id))


async def open_next(
    session: AsyncSession, actor: Actor, case: Case, plan: CarePlan, ratings: Mapping[str, int] | None = None
) -> CarePlan:
    """Open the edition that adapts a plan: a draft copy of the one in force, or the draft that there is already.

    It rests on the newest approved assessment of its subject; `ratings` are newer still, by area, as a review gave them.
    The caller holds the case.
    """
    draft, in_force = await _editions(session, case.id, plan.subject, plan.person_id)
    if draft:
        return draft
    before = in_force or await whole(session, plan)
    query = select(Assessment).where(
        col(Assessment.case_id) == case.id,
        col(Assessment.subject) == plan.subject,
        col(Assessment.person_id).is_not_distinct_from(plan.person_id),
        col(Assessment.status) == "approved",
    )
    newest = (await session.scalars(query.order_by(col(Assessment.decided_at).desc()).limit(1))).one()
    return await _open(session, actor, case, newest, before, {**_ratings(newest, before), **(ratings or {})})


async def rest_on(session: AsyncSession, plan: CarePlan, assessment_id: UUID) -> None:
    """Rest a draft on another assessment: its areas are found as that found them; goals and other answers stay.

    Raises:
        GateRefused: the assessment is not approved, or another case's or subject's.
    """
    assessment = await _assessment(session, assessment_id)
    refuse(_unmet_foundation(assessment, plan.case_id, plan.subject, plan.person_id))
    plan.assessment_id = assessment.id
    for row in await session.scalars(select(PlanArea).where(col(PlanArea.plan_id) == plan.id)):
        _fill(row, assessment, assessment.ratings.get(row.area), unseal(row)["reason"])


async def _assessment(session: AsyncSession, assessment_id: UUID) -> Assessment:
    found = await session.scalar(select(Assessment).where(col(Assessment.id) == assessment_id))
    if found is None:
        raise InvalidInput([Fault("/assessment_id", "reference_unknown", "It names nothing.")])
    return found


def _unmet_foundation(
    assessment: Assessment, case_id: UUID, subject: str, person_id: UUID | None
) -> list[Fault]:
    here, unmet = "/assessment_id", []
    if assessment.status != "approved":
        detail = f"A plan rests on an approved assessment; this one is {assessment.status}."
        unmet.append(Fault(here, "assessment_not_approved", detail))
    if (assessment.case_id, assessment.subject, assessment.person_id) != (case_id, subject, person_id):
        detail = "The assessment is of another case, subject or person than the plan."
        unmet.append(Fault(here, "assessment_of_another", detail))
    return unmet


async def _editions(
    session: AsyncSession, case_id: UUID, subject: str, person_id: UUID | None
) -> tuple[CarePlan | None, WholePlan | None]:
    """Return the edition that is being written, and the one in force."""
    query = select(CarePlan).where(
        col(CarePlan.case_id) == case_id,
        col(CarePlan.subject) == subject,
        col(CarePlan.person_id).is_not_distinct_from(person_id),
        col(CarePlan.status) != SUPERSEDE.target,
    )
    plans = await session.scalars(query.execution_options(populate_existing=True))
    found = {plan.status == APPROVE.target: plan for plan in plans}
    return found.get(False), await whole(session, found[True]) if True in found else None


def _ratings(assessment: Assessment, before: WholePlan | None) -> dict[str, int]:
    """Return how the areas are rated now: a plan on the same assessment may know newer ratings, from a review."""
    ratings = dict(assessment.ratings)
    if before and before.plan.assessment_id == assessment.id:
        ratings |= {area: row.rating for area, row in before.areas.items() if row.rating}
    return ratings


async def _open(
    session: AsyncSession,
    actor: Actor,
    case: Case,
    assessment: Assessment,
    before: WholePlan | None,
    ratings: Mapping[str, int],
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
        author_id=actor.id,
    )
    seal(plan, "sealed", unseal(before.plan) if before else dict.fromkeys(TEXTS))
    session.add(plan)
    await session.flush()  # areas, goals and the history name the plan
    session.add_all(_area(plan, assessment, before, area, ratings.get(area)) for area in AREAS)
    if before:
        await _carry_on(session, plan, before)
    detail = {"subject": plan.subject, "edition": str(plan.edition)}
    case_history.record(session, case, "care_plan_started", actor, plan, detail)
    await session.flush()  # the answer shows what was stored
    return plan


def _area(
    plan: CarePlan, assessment: Assessment, before: WholePlan | None, area: str, rating: int | None
) -> PlanArea:
    row = PlanArea(child_id=plan.child_id, case_id=plan.case_id, plan_id=plan.id, area=area)
    reason = None
    if before and any(goal.status == "open" for goal in before.goals[area]):
        row.status = "goals"
    elif before and before.areas[area].status == "no_need":
        row.status, reason = "no_need", unseal(before.areas[area])["reason"]
    _fill(row, assessment, rating, reason)
    return row


def _fill(row: PlanArea, assessment: Assessment, rating: int | None, reason: str | None) -> None:
    """Write how an area was found; 'no need' does not outlive a weak rating."""
    if row.status == "no_need" and rating in WEAK:
        row.status = reason = None
    row.rating = rating
    found = unseal(assessment)["areas"].get(row.area) or {}
    seal(row, "sealed", {"reason": reason, **{name: found.get(name) for name in FOUND}})


async def _carry_on(session: AsyncSession, plan: CarePlan, before: WholePlan) -> None:
    """Copy what is still open: goals, and their open actions."""
    goals = [goal for goals in before.goals.values() for goal in goals if goal.status == "open"]
    copies = {goal.id: _copy(goal, plan_id=plan.id) for goal in goals}
    session.add_all(copies.values())
    await session.flush()  # actions name their goals
    session.add_all(
        _copy(action, plan_id=plan.id, goal_id=copies[goal.id].id)
        for goal in goals
        for action in before.actions[goal.id]
        if action.status == "open"
    )


def _copy(part: C, **names: UUID) -> C:
    """Copy a goal or an action: a record of its own that knows its origin."""
    kept = part.model_dump(exclude={"id", "created_at", "updated_at", "version", "sealed"})
    copy = type(part)(**{**kept, **names})
    seal(copy, "sealed", unseal(part))
    return copy
