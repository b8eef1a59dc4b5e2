"""Care plans: their texts, areas and editions, and the decisions on them."""

from typing import Annotated
from uuid import UUID

from fastapi import Query

from app.http.permissions import CarePlanApprover, CarePlanEditor, CarePlanReader, CarePlanSubmitter
from app.http.route import Router
from app.http.session import ExpectedVersion, Session
from app.schemas.care_plans import (
    Area,
    AreaAnswer,
    CarePlanFilters,
    CarePlanIn,
    CarePlanItem,
    CarePlanOut,
    CarePlanPatch,
    GoalIn,
    GoalOut,
)
from app.schemas.care_plans_changes import CarePlanChanges
from app.schemas.decisions import Approval, Returning
from app.schemas.wire import Page
from app.services.care_plans import approve as care_plans_decide
from app.services.care_plans import areas as care_plans_areas
from app.services.care_plans import care_plans
from app.services.care_plans import diff as care_plans_changes
from app.services.care_plans import versions as care_plans_editions

router = Router(tags=["care-plans"])


@router.post("/cases/{case_id}/care-plans", status_code=201)
async def start(
    caller: CarePlanEditor,
    session: Session,
    case_id: UUID,
    payload: CarePlanIn,
) -> CarePlanOut:
    """Start the next edition of a subject's plan, pre-filled from an approved assessment and the plan in force."""
    return await care_plans_editions.create_case_care_plan(session, caller, case_id, payload)


@router.get("/cases/{case_id}/care-plans")
async def listed(
    caller: CarePlanReader,
    session: Session,
    case_id: UUID,
    filters: Annotated[CarePlanFilters, Query()],
) -> Page[CarePlanItem]:
    """List a case's plans, every edition, newest first."""
    return await care_plans.list_case_care_plans(session, caller, case_id, filters)


@router.get("/care-plans/{plan_id}")
async def read(
    _caller: CarePlanReader,
    session: Session,
    plan_id: UUID,
) -> CarePlanOut:
    """Read a plan with its areas, goals and actions."""
    return await care_plans.get_care_plan(session, plan_id)


@router.patch("/care-plans/{plan_id}")
async def change(
    _caller: CarePlanEditor,
    session: Session,
    plan_id: UUID,
    expected_version: ExpectedVersion,
    payload: CarePlanPatch,
) -> CarePlanOut:
    """Write the texts of a draft, or rest it on another assessment."""
    return await care_plans.update_care_plan(session, plan_id, expected_version, payload)


@router.put("/care-plans/{plan_id}/areas/{area}")
async def answer_area(
    _caller: CarePlanEditor,
    session: Session,
    plan_id: UUID,
    area: Area,
    expected_version: ExpectedVersion,
    payload: AreaAnswer,
) -> CarePlanOut:
    """Answer an area with goals, or with 'no need' and why; the ETag is the plan's."""
    return await care_plans_areas.replace_care_plan_area(session, plan_id, area, expected_version, payload)


@router.post("/care-plans/{plan_id}/areas/{area}/goals", status_code=201)
async def add_goal(
    _caller: CarePlanEditor,
    session: Session,
    plan_id: UUID,
    area: Area,
    payload: GoalIn,
) -> GoalOut:
    """Set a goal in an area of a draft."""
    return await care_plans_areas.create_care_plan_goal(session, plan_id, area, payload)


@router.get("/care-plans/{plan_id}/changes")
async def changes(
    _caller: CarePlanReader,
    session: Session,
    plan_id: UUID,
) -> CarePlanChanges:
    """Read what this edition changes against the one before it."""
    return await care_plans_changes.get_care_plan_changes(session, plan_id)


@router.post("/care-plans/{plan_id}/submit")
async def submit(
    caller: CarePlanSubmitter,
    session: Session,
    plan_id: UUID,
    expected_version: ExpectedVersion,
) -> CarePlanOut:
    """Hand it in for a decision: from then on it is frozen."""
    return await care_plans_decide.submit_care_plan(session, caller, plan_id, expected_version)


@router.post("/care-plans/{plan_id}/approve")
async def approve(
    caller: CarePlanApprover,
    session: Session,
    plan_id: UUID,
    expected_version: ExpectedVersion,
    payload: Approval | None = None,
) -> CarePlanOut:
    """Put it into force; the child's makes the case active, with a first review three months later."""
    return await care_plans_decide.approve_care_plan(
        session, caller, plan_id, expected_version, payload.comment if payload else None
    )


@router.post("/care-plans/{plan_id}/return")
async def send_back(
    caller: CarePlanApprover,
    session: Session,
    plan_id: UUID,
    expected_version: ExpectedVersion,
    payload: Returning,
) -> CarePlanOut:
    """Return it with what is still to be done."""
    return await care_plans_decide.return_care_plan(
        session, caller, plan_id, expected_version, payload.comment
    )
