"""Reverse a decision on a referral that was a mistake."""

from typing import Any, cast
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.access.caller import Caller
from app.kit.records import get_version_for_update
from app.kit.state_machine import Transition, check_status, raise_if_unmet
from app.models import Referral
from app.models.record import utc_now
from app.models.referrals import StoredReversal
from app.schemas.referral_responses import ReferralView
from app.schemas.referrals import ReferralReinstatement
from app.services.referrals import views
from app.services.referrals.states import REINSTATE


async def reinstate_referral(
    session: AsyncSession,
    caller: Caller,
    referral_id: UUID,
    expected_version: int,
    payload: ReferralReinstatement,
) -> ReferralView:
    """Return a referral that was declined by mistake to the status `acknowledged`.

    Raises:
        GateRefused: The status is not `declined`.
    """
    referral = await get_version_for_update(session, Referral, referral_id, expected_version)
    raise_if_unmet(check_status(REINSTATE, referral.status))
    reverse_decision(referral, caller, REINSTATE, payload.reason)
    return await views.load_referral_view(session, caller, referral.id)


def reverse_decision(referral: Referral, caller: Caller, transition: Transition, reason: str) -> None:
    """Set the status that a transition leads to, and move the decision to the reversals of the referral."""
    now = utc_now()
    decision = referral.model_dump(mode="json", include={"status", "decided_at", "decline_reason_code"})
    reversal: dict[str, Any] = {
        "reason": reason,
        "reversed_at": now.isoformat(),
        "reversed_by_id": str(caller.id),
        "outcome": referral.outcome,
        **decision,
    }
    referral.reversals = [*(referral.reversals or []), cast("StoredReversal", reversal)]
    referral.status = transition.target
    referral.updated_at = referral.decision_reversed_at = now
    referral.decision_reversed_by_id = caller.id
    referral.acknowledged_at = referral.acknowledged_at or now
    referral.decided_at = referral.decided_by_id = referral.decline_reason_code = referral.outcome = None
