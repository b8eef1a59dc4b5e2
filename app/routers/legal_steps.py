"""Incidents and legal steps."""

from typing import Annotated
from uuid import UUID

from fastapi import Query

from app.http.permissions import LegalStepReader, LegalStepRecorder
from app.http.route import Router
from app.http.session import ExpectedVersion, Session
from app.schemas.legal_steps import LegalStep, LegalStepCreate, LegalStepFilters, LegalStepUpdate
from app.schemas.wire import Page
from app.services.support import legal_steps

router = Router(tags=["legal-steps"])


@router.post("/cases/{case_id}/legal-steps", status_code=201)
async def create_case_legal_step(
    caller: LegalStepRecorder,
    session: Session,
    case_id: UUID,
    payload: LegalStepCreate,
) -> LegalStep:
    """Enter an incident or a legal step."""
    return await legal_steps.create_case_legal_step(session, caller, case_id, payload)


@router.get("/cases/{case_id}/legal-steps")
async def list_case_legal_steps(
    caller: LegalStepReader,
    session: Session,
    case_id: UUID,
    filters: Annotated[LegalStepFilters, Query()],
) -> Page[LegalStep]:
    """List a case's incidents and legal steps, newest first."""
    return await legal_steps.list_case_legal_steps(session, caller, case_id, filters)


@router.get("/legal-steps/{legal_step_id}")
async def get_legal_step(
    caller: LegalStepReader,  # noqa: ARG001 - the door
    session: Session,
    legal_step_id: UUID,
) -> LegalStep:
    """Read one incident or legal step."""
    return await legal_steps.get_legal_step(session, legal_step_id)


@router.patch("/legal-steps/{legal_step_id}")
async def update_legal_step(
    caller: LegalStepRecorder,
    session: Session,
    legal_step_id: UUID,
    expected_version: ExpectedVersion,
    payload: LegalStepUpdate,
) -> LegalStep:
    """Complete or correct an incident or legal step."""
    return await legal_steps.update_legal_step(session, caller, legal_step_id, expected_version, payload)
