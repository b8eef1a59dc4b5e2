"""Endpoints of transfers between budget lines of a fund."""

from uuid import UUID

from app.http.permissions import FundLedgerReader, FundTransferApprover
from app.http.route import Router
from app.http.session import ExpectedVersion, Reader, Session
from app.schemas.funds import FundTransfer
from app.services.fund import transfers

router = Router(prefix="/fund-transfers", tags=["funds"])


@router.get("/{transfer_id}")
async def get_fund_transfer(
    _caller: FundLedgerReader,
    reader: Reader,
    transfer_id: UUID,
) -> FundTransfer:
    """Get a transfer.

    `status`, `decided_by_id` and `decided_at` contain the decision.
    """
    return await transfers.get_fund_transfer(reader, transfer_id)


@router.post("/{transfer_id}/approve")
async def approve_fund_transfer(
    caller: FundTransferApprover,
    session: Session,
    transfer_id: UUID,
    expected_version: ExpectedVersion,
) -> FundTransfer:
    """Approve a transfer and move the money.

    The requester cannot approve the transfer. `from_line` must have enough money.
    """
    return await transfers.approve_fund_transfer(session, caller, transfer_id, expected_version)


@router.post("/{transfer_id}/reject")
async def reject_fund_transfer(
    caller: FundTransferApprover,
    session: Session,
    transfer_id: UUID,
    expected_version: ExpectedVersion,
) -> FundTransfer:
    """Reject a transfer.

    The requester cannot reject the transfer. No money is moved.
    """
    return await transfers.reject_fund_transfer(session, caller, transfer_id, expected_version)
