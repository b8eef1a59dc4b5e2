"""Transfers between the lines of a fund."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends

from app.access.actor import Actor
from app.access.permissions import Permission
from app.http.authorization import Requires
from app.http.route import Router
from app.http.session import Seen, Session
from app.schemas.funds import FundTransferOut
from app.services.fund import transfers as fund_transfers

router = Router(prefix="/fund-transfers", tags=["funds"])


@router.get("/{transfer_id}")
async def read(
    _actor: Annotated[Actor, Depends(Requires(Permission.fund_ledger))],
    session: Session,
    transfer_id: UUID,
) -> FundTransferOut:
    """Read one transfer."""
    return await fund_transfers.read(session, transfer_id)


@router.post("/{transfer_id}/approve")
async def approve(
    actor: Annotated[Actor, Depends(Requires(Permission.fund_transfer_decide))],
    session: Session,
    transfer_id: UUID,
    seen: Seen,
) -> FundTransferOut:
    """Approve a transfer that somebody else asked for: the money moves at once."""
    return await fund_transfers.approve(session, actor, transfer_id, seen)


@router.post("/{transfer_id}/reject")
async def reject(
    actor: Annotated[Actor, Depends(Requires(Permission.fund_transfer_decide))],
    session: Session,
    transfer_id: UUID,
    seen: Seen,
) -> FundTransferOut:
    """Reject a transfer that somebody else asked for."""
    return await fund_transfers.reject(session, actor, transfer_id, seen)
