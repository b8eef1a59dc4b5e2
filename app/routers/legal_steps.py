"""Endpoints of incidents and legal steps."""

from typing import Annotated
from uuid import UUID

from fastapi import Query

from app.http.permissions import LegalStepReader, LegalStepRecorder
from app.http.route import Router
from app.http.session import ExpectedVersion, Reader, Session
from app.schemas.legal_steps import (
    LegalStep,
    LegalStepCreate,
    LegalStepFilters,
    LegalStepList,
    LegalStepUpdate,
)
from app.services.support import legal_steps

router = Router(tags=["legal-steps"])


@router.post("/cases/{case_id}/legal-steps", status_code=201)
async def create_case_legal_step(
    caller: LegalStepRecorder,
    session: Session,
    case_id: UUID,
    payload: LegalStepCreate,
) -> LegalStep:
    """Add an incident or a legal step to a case.

    Entries belong to the legal tier. They can be added after the case is closed, because proceedings can last longer.
    """
    return await legal_steps.create_case_legal_step(session, caller, case_id, payload)


@router.get("/cases/{case_id}/legal-steps")
async def list_case_legal_steps(
    caller: LegalStepReader,
    reader: Reader,
    case_id: UUID,
    filters: Annotated[LegalStepFilters, Query()],
) -> LegalStepList:
    """List the incidents and legal steps of a case, newest first by default.

    The response is 404 if the caller cannot read the legal tier of the case. Break-glass access does not include it.
    """
    return await legal_steps.list_case_legal_steps(reader, caller, case_id, filters)


@router.get("/legal-steps/{legal_step_id}")
async def get_legal_step(
    _caller: LegalStepReader,
    reader: Reader,
    legal_step_id: UUID,
) -> LegalStep:
    """Get an incident or a legal step.

    The entry belongs to the legal tier, which only the staff of the case can read.
    """
    return await legal_steps.get_legal_step(reader, legal_step_id)


@router.patch("/legal-steps/{legal_step_id}")
async def update_legal_step(
    caller: LegalStepRecorder,
    session: Session,
    legal_step_id: UUID,
    expected_version: ExpectedVersion,
    payload: LegalStepUpdate,
) -> LegalStep:
    """Update an incident or a legal step.

    Entries can be changed after the case is closed. The timeline of the case records which fields were changed.
    """
    return await legal_steps.update_legal_step(session, caller, legal_step_id, expected_version, payload)
