"""The exit plan of a case."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends

from app.access.actor import Actor
from app.access.permissions import Permission
from app.http.authorization import Requires
from app.http.route import Router
from app.http.session import Seen, SeenIfAny, Session
from app.schemas.decisions import Approval
from app.schemas.exit_plans import ExitPlanIn, ExitPlanOut
from app.services.exit import exit_plans

router = Router(prefix="/cases/{case_id}/exit-plan", tags=["exit"])


@router.get("")
async def read(
    actor: Annotated[Actor, Depends(Requires(Permission.exit_plan_read))],  # noqa: ARG001 - the door
    session: Session,
    case_id: UUID,
) -> ExitPlanOut:
    """Read how the case is to end."""
    return await exit_plans.read(session, case_id)


@router.put("")
async def write(
    actor: Annotated[Actor, Depends(Requires(Permission.exit_plan_write))],
    session: Session,
    case_id: UUID,
    seen: SeenIfAny,
    body: ExitPlanIn,
) -> ExitPlanOut:
    """Write how the case is to end, or write it anew; an approved plan then asks for another approval."""
    return await exit_plans.write(session, actor, case_id, seen, body)


@router.post("/approve")
async def approve(
    actor: Annotated[Actor, Depends(Requires(Permission.exit_plan_decide))],
    session: Session,
    case_id: UUID,
    seen: Seen,
    body: Approval | None = None,
) -> ExitPlanOut:
    """Approve how the case is to end."""
    return await exit_plans.approve(session, actor, case_id, seen, body or Approval())
