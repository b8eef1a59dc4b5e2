"""Up to which amount a role may approve, or pay first."""

from typing import Annotated

from fastapi import Query

from app.http.permissions import ApprovalLimitEditor, ApprovalLimitReader
from app.http.route import Router
from app.http.session import Session
from app.schemas.ledger import ApprovalLimit, ApprovalLimitCreate
from app.schemas.wire import Page, PageQuery
from app.services.fund import approval_limits

router = Router(prefix="/approval-limits", tags=["funds"])


@router.post("", status_code=201)
async def create_approval_limit(
    caller: ApprovalLimitEditor,
    session: Session,
    payload: ApprovalLimitCreate,
) -> ApprovalLimit:
    """Set a limit from a day on; those before it stay on record."""
    return await approval_limits.create_approval_limit(session, caller, payload)


@router.get("")
async def list_approval_limits(
    caller: ApprovalLimitReader,
    session: Session,
    page: Annotated[PageQuery, Query()],
) -> Page[ApprovalLimit]:
    """List every limit ever set, newest first."""
    return await approval_limits.list_approval_limits(session, caller, page)
