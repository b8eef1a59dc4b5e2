"""Undo the acceptance of a referral for the wrong child."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.access.caller import Caller
from app.errors import StaleVersion
from app.kit.record_changes import ReferralAct
from app.kit.records import get_for_update, get_record, get_version_for_update
from app.kit.state_machine import check_status, raise_if_unmet
from app.models import Case, Referral
from app.models.record import utc_now
from app.schemas.referral_responses import DetachedReferral, RecordToCheck
from app.schemas.referrals import ReferralDetachment
from app.services.cases import history as case_history
from app.services.cases.open import lock_case_opening
from app.services.cases.staffing_checks import check_supervises_case
from app.services.cases.write_access import check_works_on_case
from app.services.exit.withdraw_case import check_case_unused, restore_follow_ups, withdraw_case
from app.services.persons import person_details
from app.services.referrals import views
from app.services.referrals.acceptance_undo import undo_consents, undo_records
from app.services.referrals.reinstate import reverse_decision
from app.services.referrals.states import DETACH


async def detach_referral(
    session: AsyncSession,
    caller: Caller,
    referral_id: UUID,
    expected_version: int,
    payload: ReferralDetachment,
) -> DetachedReferral:
    """Detach a referral from the case and the child for which it was accepted. It is then `acknowledged` again.

    Everything that the acceptance added is undone, except records that staff confirmed or another referral contains. The
    histories of the case and of the child keep the referral, its additions, and the reason. The referral is a possible
    duplicate again.

    Raises:
        GateRefused: The referral is not accepted, the caller does not supervise the team of the case, or the referral
            opened the case, and the case is in use.
        StaleVersion: The referral was changed since the caller read it.
    """
    case = await _lock_case(session, referral_id)
    referral = await get_version_for_update(session, Referral, referral_id, expected_version)
    if referral.case_id != (case and case.id):
        raise StaleVersion
    raise_if_unmet(check_status(DETACH, referral.status))
    to_check = [] if case is None else await _undo_acceptance(session, caller, case, referral, payload.reason)
    reverse_decision(referral, caller, DETACH, payload.reason)
    referral.case_id = referral.child_id = None
    await session.flush()  # a trigger compares the search tokens with the referral
    await person_details.mark_search_tokens_received(session, referral.id)
    view = await views.load_referral_view(session, caller, referral.id)
    return DetachedReferral(**dict(view), records_to_check=to_check)


async def _lock_case(session: AsyncSession, referral_id: UUID) -> Case | None:
    """Lock the opening of cases for the child of a referral, and the case, in the order of an acceptance.

    Raises:
        StaleVersion: A merge moved the case to another child in the meantime.
    """
    unlocked = await get_record(session, Referral, referral_id)
    case_id, child_id = unlocked.case_id, unlocked.child_id
    if case_id is None or child_id is None:
        return None
    await lock_case_opening(session, child_id)
    case = await get_for_update(session, Case, case_id)
    if case.child_id != child_id:
        raise StaleVersion
    return case


async def _undo_acceptance(
    session: AsyncSession, caller: Caller, case: Case, referral: Referral, reason: str
) -> list[RecordToCheck]:
    """Undo the additions of the acceptance to the child and the case, and close the case if the referral opened it."""
    has_opened_case = case.referral_id == referral.id
    faults = await check_case_unused(session, case, referral.id) if has_opened_case else []
    raise_if_unmet(
        [
            *await check_works_on_case(session, case),
            *check_supervises_case(caller, case),
            *(faults if case.status != "closed" else ()),
        ]
    )
    detail = {"reason": reason, "tracking_number": referral.tracking_number}
    case_history.record_case_history(session, case, "referral_detached", caller, case, detail)
    act = ReferralAct(referral.id, utc_now())
    await undo_consents(session, caller, case, referral, act, reason)
    to_check = await undo_records(session, caller, case, referral, act, reason)
    if has_opened_case and case.status != "closed":
        await withdraw_case(session, caller, case, reason)
    if has_opened_case and not faults:
        await restore_follow_ups(session, case)
    return to_check
