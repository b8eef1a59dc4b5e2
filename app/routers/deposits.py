"""Endpoints of single deposits."""

from uuid import UUID

from app.http.permissions import DepositReverser, FundLedgerReader
from app.http.route import Router
from app.http.session import ExpectedVersion, Reader, Session
from app.schemas.deposits import Deposit, DepositReversal
from app.services.fund import deposits

router = Router(prefix="/deposits", tags=["funds"])


@router.get("/{deposit_id}")
async def get_deposit(
    _caller: FundLedgerReader,
    reader: Reader,
    deposit_id: UUID,
) -> Deposit:
    """Get a deposit.

    A reversed deposit contains the person, the time and the reason of the reversal.
    """
    return await deposits.get_deposit(reader, deposit_id)


@router.post("/{deposit_id}/reverse")
async def reverse_deposit(
    caller: DepositReverser,
    session: Session,
    deposit_id: UUID,
    expected_version: ExpectedVersion,
    payload: DepositReversal,
) -> Deposit:
    """Reverse a deposit.

    A new ledger transaction takes the money out of the fund. The request is rejected if less than the amount of the deposit
    is available on its budget line. The bank reference can be used again afterwards.
    """
    return await deposits.reverse_deposit(session, caller, deposit_id, expected_version, payload)
