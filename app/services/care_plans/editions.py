"""Create editions of a care plan. The first is based on an assessment, each later one copies the approved edition."""

from typing import TypeVar
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.caller import Caller
from app.access.reader import session_reader
from app.errors import Fault
from app.kit.records import get_for_update
from app.kit.state_machine import raise_if_unmet
from app.models import Action, Assessment, CarePlan, Case, Goal, PlanArea
from app.models.assessments import StoredAreaAssessment
from app.models.care_plans import StoredCarePlanTexts
from app.models.record import new_id
from app.schemas.care_plans import CarePlan as CarePlanSchema
from app.schemas.care_plans import CarePlanCreate
from app.services.care_plans.area_ratings import (
    ReviewRatings,
    get_closed_areas,
    get_latest_ratings,
    list_review_ratings,
)
from app.services.care_plans.load import (
    AREAS,
    WEAK_RATINGS,
    LoadedCarePlan,
    load_care_plan,
)
from app.services.care_plans.responses import get_care_plan
from app.services.care_plans.source_assessment import (
    check_source_assessment,
    get_newest_approved_assessment,
    get_source_assessment,
)
from app.services.care_plans.states import APPROVE, SUPERSEDE
from app.services.cases.history import record_case_history
from app.services.cases.write_access import check_case_writable

GoalOrAction = TypeVar("GoalOrAction", Goal, Action)


NO_TEXTS: StoredCarePlanTexts = {
    "safety_plan": None,
    "child_view": None,
    "supporter_view": None,
    "knowledge_gaps": None,
    "capacity_gaps": None,
}


async def create_case_care_plan(
    session: AsyncSession, caller: Caller, case_id: UUID, payload: CarePlanCreate
) -> CarePlanSchema:
    """Create a draft of the next edition of a subject's plan, based on an assessment and the approved edition.

    Raises:
        InvalidInput: the assessment does not exist.
        GateRefused: the case is closed, the caller is not staff of the case, the assessment is not the newest approved
            one of the subject, or another edition is in progress.
    """
    case = await get_for_update(session, Case, case_id)
    assessment = await get_source_assessment(session, payload.assessment_id)
    person_id = payload.person_id or assessment.person_id
    draft, approved = await _get_draft_and_approved(session, case.id, payload.subject, person_id)
    unmet = await check_case_writable(session, case)
    unmet += await check_source_assessment(session, assessment, case.id, payload.subject, person_id)
    if draft:
        detail = "Another edition of this plan is in progress. It must be approved first."
        unmet.append(Fault("/subject", "draft_exists", detail))
    raise_if_unmet(unmet)
    plan = _build_edition(caller.id, case, assessment, approved, payload.id)
    await _store_edition(session, caller, case, plan, assessment, approved)
    return await get_care_plan(session_reader(session), plan.id)


async def create_next_care_plan_edition(
    session: AsyncSession, caller: Caller, case: Case, plan: CarePlan
) -> CarePlan:
    """Return the edition in progress.

    If there is none, create a draft of the next edition as a copy of the approved edition.

    The draft is based on the newest approved assessment of its subject. Its author is the lead worker and not the
    caller, so that a supervisor who completes the review can still approve the plan. The calling function must hold a
    lock on the case.
    """
    draft, approved = await _get_draft_and_approved(session, case.id, plan.subject, plan.person_id)
    if draft:
        return draft
    previous = approved or await load_care_plan(session, plan)
    assessment = await get_newest_approved_assessment(session, plan)
    draft = _build_edition(case.lead_worker_id, case, assessment, previous)
    await _store_edition(session, caller, case, draft, assessment, previous)
    return draft


async def set_source_assessment(session: AsyncSession, plan: CarePlan, assessment_id: UUID) -> None:
    """Base a draft on another assessment. Ratings and findings are copied from the assessment; goals and reasons stay.

    Raises:
        InvalidInput: the assessment does not exist.
        GateRefused: the assessment is not the newest approved one of the plan's subject.
    """
    assessment = await get_source_assessment(session, assessment_id)
    unmet = await check_source_assessment(session, assessment, plan.case_id, plan.subject, plan.person_id)
    raise_if_unmet(unmet)
    plan.assessment_id = assessment.id
    findings = assessment.content["areas"]
    for plan_area in await session.scalars(select(PlanArea).where(col(PlanArea.plan_id) == plan.id)):
        rating = assessment.ratings.get(plan_area.area)
        _set_area_content(plan_area, findings.get(plan_area.area), rating, plan_area.content["reason"])


async def _get_draft_and_approved(
    session: AsyncSession, case_id: UUID, subject: str, person_id: UUID | None
) -> tuple[CarePlan | None, LoadedCarePlan | None]:
    """Return the edition in progress (draft, submitted or returned) and the approved edition of a subject's plan."""
    query = select(CarePlan).where(
        col(CarePlan.case_id) == case_id,
        col(CarePlan.subject) == subject,
        col(CarePlan.person_id).is_not_distinct_from(person_id),
        col(CarePlan.status) != SUPERSEDE.target,
    )
    # Refreshes the plans that the session loaded before it waited for the lock on the case: they may be stale.
    plans = (await session.scalars(query.execution_options(populate_existing=True))).all()
    draft = next((plan for plan in plans if plan.status != APPROVE.target), None)
    approved = next((plan for plan in plans if plan.status == APPROVE.target), None)
    return draft, await load_care_plan(session, approved) if approved else None


def _build_edition(
    author_id: UUID,
    case: Case,
    assessment: Assessment,
    previous: LoadedCarePlan | None,
    plan_id: UUID | None = None,
) -> CarePlan:
    plan = CarePlan(
        id=plan_id or new_id(),
        child_id=case.child_id,
        case_id=case.id,
        subject=assessment.subject,
        person_id=assessment.person_id,
        assessment_id=assessment.id,
        edition=previous.plan.edition + 1 if previous else 1,
        previous_id=previous.plan.id if previous else None,
        needs_social_work=previous.plan.needs_social_work if previous else None,
        author_id=author_id,
    )
    plan.content = previous.plan.content if previous else NO_TEXTS
    return plan


async def _store_edition(
    session: AsyncSession,
    caller: Caller,
    case: Case,
    plan: CarePlan,
    assessment: Assessment,
    previous: LoadedCarePlan | None,
) -> None:
    reviews = await list_review_ratings(session_reader(session), previous.plan.id) if previous else []
    ratings, closed_areas = _current_ratings(assessment, previous, reviews), get_closed_areas(reviews)
    findings = assessment.content["areas"]
    session.add(plan)
    await session.flush()  # areas, goals and the history have foreign keys to the plan
    for area in AREAS:
        plan_area = PlanArea(child_id=plan.child_id, case_id=plan.case_id, plan_id=plan.id, area=area)
        reason = _copy_area_status(plan_area, previous, closed_areas.get(area)) if previous else None
        _set_area_content(plan_area, findings.get(area), ratings.get(area), reason)
        session.add(plan_area)
    if previous:
        await _copy_open_goals(session, plan, previous, set(closed_areas))
    detail = {"subject": plan.subject, "edition": str(plan.edition)}
    record_case_history(session, case, "care_plan_started", caller, plan, detail)
    await session.flush()  # the query of the response runs without autoflush


def _current_ratings(
    assessment: Assessment, previous: LoadedCarePlan | None, reviews: list[ReviewRatings]
) -> dict[str, int]:
    """Return the newest rating of each area, which comes from the assessment, the previous edition or a later review."""
    ratings = dict(assessment.ratings)
    if previous and previous.plan.assessment_id == assessment.id:
        ratings |= {area: plan_area.rating for area, plan_area in previous.areas.items() if plan_area.rating}
    return ratings | get_latest_ratings(reviews, assessment.decided_at)


def _copy_area_status(
    plan_area: PlanArea, previous: LoadedCarePlan, closing_review: int | None
) -> str | None:
    """Set the status of an area from the previous edition, or to `no_need` if a review closed the area.

    Return the reason.
    """
    previous_area = previous.areas[plan_area.area]
    if previous_area.status == "no_need":
        plan_area.status = previous_area.status
        return previous_area.content["reason"]
    if closing_review is not None:
        plan_area.status = "no_need"
        return f"Closed in review {closing_review}."
    if any(goal.status == "open" for goal in previous.goals[plan_area.area]):
        plan_area.status = "goals"
    return None


def _set_area_content(
    plan_area: PlanArea, findings: StoredAreaAssessment | None, rating: int | None, reason: str | None
) -> None:
    """Copy rating and findings of the assessment into an area. A weak rating clears the status 'no need'."""
    if plan_area.status == "no_need" and rating in WEAK_RATINGS:
        plan_area.status = reason = None
    plan_area.rating = rating
    plan_area.content = {
        "reason": reason,
        "need": findings["need"] if findings else None,
        "strengths": findings["strengths"] if findings else None,
        "risk": findings["risk"] if findings else None,
    }


async def _copy_open_goals(
    session: AsyncSession, plan: CarePlan, previous: LoadedCarePlan, closed_areas: set[str]
) -> None:
    """Copy the open goals and their open actions from the previous edition, except those of closed areas."""
    goals = [
        goal
        for area in previous.goals.keys() - closed_areas
        for goal in previous.goals[area]
        if goal.status == "open"
    ]
    copies = {goal.id: _copy_part(goal, plan_id=plan.id) for goal in goals}
    session.add_all(copies.values())
    await session.flush()  # actions have foreign keys to their goals
    session.add_all(
        _copy_part(action, plan_id=plan.id, goal_id=copies[goal.id].id)
        for goal in goals
        for action in previous.actions[goal.id]
        if action.status == "open"
    )


def _copy_part(part: GoalOrAction, **foreign_keys: UUID) -> GoalOrAction:
    """Return a copy of a goal or an action for a new edition, with a new id and the same `origin_id`."""
    columns = part.model_dump(exclude={"id", "created_at", "updated_at", "version", "content_encrypted"})
    copy = type(part)(**{**columns, **foreign_keys})
    copy.content = part.content
    return copy
