"""Undo the acceptance of a referral for the wrong child."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.access.caller import Caller
from app.errors import StaleVersion
from app.kit.records import get_for_update, get_record, get_version_for_update
from app.kit.state_machine import check_status, raise_if_unmet
from app.models import Case, Referral
from app.schemas.referral_responses import ReferralView
from app.schemas.referrals import ReferralDetachment
from app.services.cases import history as case_history
from app.services.cases.staffing_checks import check_supervises_case
from app.services.cases.write_access import check_works_on_case
from app.services.persons import person_details
from app.services.referrals import views
from app.services.referrals.reinstate import reverse_decision
from app.services.referrals.states import DETACH


async def detach_referral(
    session: AsyncSession,
    caller: Caller,
    referral_id: UUID,
    expected_version: int,
    payload: ReferralDetachment,
) -> ReferralView:
    """Detach a referral from the case and the child for which it was accepted. It is then `acknowledged` again.

    The case stays, also if the referral opened it: it has a history of its own, and staff close it if it is empty. The
    history of the case keeps the referral and the reason. The referral is a possible duplicate again.

    Raises:
        GateRefused: The referral is not accepted, or the caller does not supervise the team of the case.
        StaleVersion: The referral was changed since the caller read it.
    """
    case_id = (await get_record(session, Referral, referral_id)).case_id
    # Every act locks the case before the referral, so that concurrent acts cannot wait for each other.
    case = await get_for_update(session, Case, case_id) if case_id else None
    referral = await get_version_for_update(session, Referral, referral_id, expected_version)
    if referral.case_id != case_id:
        raise StaleVersion
    raise_if_unmet(check_status(DETACH, referral.status))
    if case is not None:
        raise_if_unmet([*await check_works_on_case(session, case), *check_supervises_case(caller, case)])
        detail = {"reason": payload.reason, "tracking_number": referral.tracking_number}
        case_history.record_case_history(session, case, "referral_detached", caller, case, detail)
    reverse_decision(referral, caller, DETACH, payload.reason)
    referral.case_id = referral.child_id = None
    await session.flush()  # a trigger compares the search tokens with the referral
    await person_details.mark_search_tokens_received(session, referral.id)
    return await views.load_referral_view(session, caller, referral.id)
