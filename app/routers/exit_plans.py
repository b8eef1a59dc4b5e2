"""Endpoints of the exit plan of a case."""

from uuid import UUID

from app.http.permissions import ExitPlanApprover, ExitPlanEditor, ExitPlanReader
from app.http.route import Router
from app.http.session import ExpectedVersion, ExpectedVersionIfAny, Reader, Session
from app.schemas.decisions import ExitPlanApproval
from app.schemas.exit_plans import ExitPlan, ExitPlanUpdate
from app.services.exit import exit_plans

router = Router(prefix="/cases/{case_id}/exit-plan", tags=["exit"])


@router.get("")
async def get_exit_plan(
    _caller: ExitPlanReader,
    reader: Reader,
    case_id: UUID,
) -> ExitPlan:
    """Get the exit plan of a case.

    `earlier` contains the approved editions that the current one replaced.
    """
    return await exit_plans.get_exit_plan(reader, case_id)


@router.put("")
async def replace_exit_plan(
    caller: ExitPlanEditor,
    session: Session,
    case_id: UUID,
    expected_version: ExpectedVersionIfAny,
    payload: ExitPlanUpdate,
) -> ExitPlan:
    """Create or replace the exit plan of a case.

    The plan may be incomplete. An approved plan that is replaced becomes a draft again and needs a new approval.
    `If-Match` is required if the plan exists.
    """
    return await exit_plans.replace_exit_plan(session, caller, case_id, expected_version, payload)


@router.post("/approve")
async def approve_exit_plan(
    caller: ExitPlanApprover,
    session: Session,
    case_id: UUID,
    expected_version: ExpectedVersion,
    payload: ExitPlanApproval | None = None,
) -> ExitPlan:
    """Approve the exit plan of a case.

    Only a supervisor of the team who did not write the plan can approve it. Every condition of the checklist must be
    answered. If support ends as planned, a taper and follow-ups after 1, 3 and 6 months are also required.
    """
    return await exit_plans.approve_exit_plan(
        session, caller, case_id, expected_version, payload or ExitPlanApproval()
    )
