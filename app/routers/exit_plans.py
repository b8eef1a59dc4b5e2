"""The exit plan of a case."""

from uuid import UUID

from app.http.permissions import ExitPlanApprover, ExitPlanEditor, ExitPlanReader
from app.http.route import Router
from app.http.session import ExpectedVersion, ExpectedVersionIfAny, Session
from app.schemas.decisions import Approval
from app.schemas.exit_plans import ExitPlan, ExitPlanUpdate
from app.services.exit import exit_plans

router = Router(prefix="/cases/{case_id}/exit-plan", tags=["exit"])


@router.get("")
async def get_exit_plan(
    caller: ExitPlanReader,  # noqa: ARG001 - the door
    session: Session,
    case_id: UUID,
) -> ExitPlan:
    """Read how the case is to end."""
    return await exit_plans.get_exit_plan(session, case_id)


@router.put("")
async def replace_exit_plan(
    caller: ExitPlanEditor,
    session: Session,
    case_id: UUID,
    expected_version: ExpectedVersionIfAny,
    payload: ExitPlanUpdate,
) -> ExitPlan:
    """Write how the case is to end, or write it anew; an approved plan then asks for another approval."""
    return await exit_plans.replace_exit_plan(session, caller, case_id, expected_version, payload)


@router.post("/approve")
async def approve_exit_plan(
    caller: ExitPlanApprover,
    session: Session,
    case_id: UUID,
    expected_version: ExpectedVersion,
    payload: Approval | None = None,
) -> ExitPlan:
    """Approve how the case is to end."""
    return await exit_plans.approve_exit_plan(
        session, caller, case_id, expected_version, payload or Approval()
    )
