"""Endpoints of approval limits."""

from typing import Annotated

from fastapi import Query

from app.http.permissions import ApprovalLimitEditor, ApprovalLimitReader
from app.http.route import Router
from app.http.session import Reader, Session
from app.schemas.ledger import ApprovalLimitCreate, ApprovalLimitList
from app.schemas.pending_changes import ApprovalLimitDecision
from app.schemas.wire import PageQuery
from app.services.fund import approval_limits

router = Router(prefix="/approval-limits", tags=["funds"])


@router.post("")
async def create_approval_limit(
    _caller: ApprovalLimitEditor,
    session: Session,
    payload: ApprovalLimitCreate,
) -> ApprovalLimitDecision:
    """Set or request an approval limit.

    The limit applies from `starts_on` until a later limit for the same role, act and currency starts. A lower limit is
    set immediately. A higher limit is set when a second person confirms it, see `/v1/pending-changes`.
    """
    return await approval_limits.create_approval_limit(session, payload)


@router.get("")
async def list_approval_limits(
    caller: ApprovalLimitReader,
    reader: Reader,
    page_query: Annotated[PageQuery, Query()],
) -> ApprovalLimitList:
    """List approval limits, newest first.

    The list contains past, current and future limits.
    """
    return await approval_limits.list_approval_limits(reader, caller, page_query)
