"""Care plans: their texts, areas and editions, and the decisions on them."""

from typing import Annotated
from uuid import UUID

from fastapi import Query

from app.http.permissions import CarePlanApprover, CarePlanEditor, CarePlanReader, CarePlanSubmitter
from app.http.route import Router
from app.http.session import ExpectedVersion, Session
from app.schemas.care_plans import (
    Area,
    CarePlan,
    CarePlanAreaUpdate,
    CarePlanCreate,
    CarePlanFilters,
    CarePlanSummary,
    CarePlanUpdate,
    Goal,
    GoalCreate,
)
from app.schemas.care_plans_changes import CarePlanChanges
from app.schemas.decisions import Approval, Return
from app.schemas.wire import Page
from app.services.care_plans import approve as care_plans_decide
from app.services.care_plans import care_plans, goals
from app.services.care_plans import diff as care_plans_changes
from app.services.care_plans import versions as care_plans_editions

router = Router(tags=["care-plans"])


@router.post("/cases/{case_id}/care-plans", status_code=201)
async def create_case_care_plan(
    caller: CarePlanEditor,
    session: Session,
    case_id: UUID,
    payload: CarePlanCreate,
) -> CarePlan:
    """Start the next edition of a subject's plan, pre-filled from an approved assessment and the plan in force."""
    return await care_plans_editions.create_case_care_plan(session, caller, case_id, payload)


@router.get("/cases/{case_id}/care-plans")
async def list_case_care_plans(
    caller: CarePlanReader,
    session: Session,
    case_id: UUID,
    filters: Annotated[CarePlanFilters, Query()],
) -> Page[CarePlanSummary]:
    """List a case's plans, every edition, newest first."""
    return await care_plans.list_case_care_plans(session, caller, case_id, filters)


@router.get("/care-plans/{plan_id}")
async def get_care_plan(
    _caller: CarePlanReader,
    session: Session,
    plan_id: UUID,
) -> CarePlan:
    """Read a plan with its areas, goals and actions."""
    return await care_plans.get_care_plan(session, plan_id)


@router.patch("/care-plans/{plan_id}")
async def update_care_plan(
    _caller: CarePlanEditor,
    session: Session,
    plan_id: UUID,
    expected_version: ExpectedVersion,
    payload: CarePlanUpdate,
) -> CarePlan:
    """Write the texts of a draft, or rest it on another assessment."""
    return await care_plans.update_care_plan(session, plan_id, expected_version, payload)


@router.put("/care-plans/{plan_id}/areas/{area}")
async def replace_care_plan_area(
    _caller: CarePlanEditor,
    session: Session,
    plan_id: UUID,
    area: Area,
    expected_version: ExpectedVersion,
    payload: CarePlanAreaUpdate,
) -> CarePlan:
    """Answer an area with goals, or with 'no need' and why; the ETag is the plan's."""
    return await care_plans.replace_care_plan_area(session, plan_id, area, expected_version, payload)


@router.post("/care-plans/{plan_id}/areas/{area}/goals", status_code=201)
async def create_care_plan_goal(
    _caller: CarePlanEditor,
    session: Session,
    plan_id: UUID,
    area: Area,
    payload: GoalCreate,
) -> Goal:
    """Set a goal in an area of a draft."""
    return await goals.create_care_plan_goal(session, plan_id, area, payload)


@router.get("/care-plans/{plan_id}/changes")
async def get_care_plan_changes(
    _caller: CarePlanReader,
    session: Session,
    plan_id: UUID,
) -> CarePlanChanges:
    """Read what this edition changes against the one before it."""
    return await care_plans_changes.get_care_plan_changes(session, plan_id)


@router.post("/care-plans/{plan_id}/submit")
async def submit_care_plan(
    caller: CarePlanSubmitter,
    session: Session,
    plan_id: UUID,
    expected_version: ExpectedVersion,
) -> CarePlan:
    """Hand it in for a decision: from then on it is frozen."""
    return await care_plans_decide.submit_care_plan(session, caller, plan_id, expected_version)


@router.post("/care-plans/{plan_id}/approve")
async def approve_care_plan(
    caller: CarePlanApprover,
    session: Session,
    plan_id: UUID,
    expected_version: ExpectedVersion,
    payload: Approval | None = None,
) -> CarePlan:
    """Put it into force; the child's makes the case active, with a first review three months later."""
    return await care_plans_decide.approve_care_plan(
        session, caller, plan_id, expected_version, payload.comment if payload else None
    )


@router.post("/care-plans/{plan_id}/return")
async def return_care_plan(
    caller: CarePlanApprover,
    session: Session,
    plan_id: UUID,
    expected_version: ExpectedVersion,
    payload: Return,
) -> CarePlan:
    """Return it with what is still to be done."""
    return await care_plans_decide.return_care_plan(
        session, caller, plan_id, expected_version, payload.comment
    )
