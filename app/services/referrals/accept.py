"""Accept a referral: open a case, or add the referral to the open case of a known child."""

from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.access.caller import Caller
from app.kit.record_changes import ReferralAct
from app.kit.records import get_record, get_version_for_update
from app.kit.state_machine import check_status, raise_if_unmet
from app.models import Case, Referral
from app.models.encrypted_field import dump_content
from app.models.record import utc_now
from app.models.referrals import StoredReferralOutcome
from app.schemas.referral_responses import ReferralView
from app.schemas.referrals import ReferralAcceptance
from app.services.cases import history as case_history
from app.services.cases import open as cases_open
from app.services.cases.referral_additions import add_referral_people
from app.services.persons import person_details
from app.services.referrals import views
from app.services.referrals.acceptance_checks import (
    check_duplicates,
    check_known_child,
    check_screening,
    check_staffing,
    resolve_known_child_id,
)
from app.services.referrals.consents import check_consent, record_referral_consent
from app.services.referrals.intake import check_warnings
from app.services.referrals.states import ACCEPT


async def accept_referral(
    session: AsyncSession,
    caller: Caller,
    referral_id: UUID,
    expected_version: int,
    payload: ReferralAcceptance,
) -> ReferralView:
    """Accept a referral: open a case for a new child, or for a known child after a duplicate was confirmed.

    If the known child has an open case, the referral joins it: its caregiver and phones are added to the people of the
    case. The team and lead worker of that case do not change.

    Raises:
        GateRefused: Lists every unmet condition of the gate "referral accepted".
    """
    child_id = await _lock_known_child(session, referral_id, payload)
    referral = await get_version_for_update(session, Referral, referral_id, expected_version)
    content = referral.content
    child_faults = await check_known_child(session, caller, child_id, payload)
    raise_if_unmet(
        [
            *check_status(ACCEPT, referral.status),
            *check_screening(referral, content, payload),
            *await check_duplicates(session, referral, payload),
            *check_warnings(content, frozenset(waiver.pointer for waiver in payload.waivers)),
            *await check_staffing(session, caller, payload),
            *child_faults,
            # A caller who cannot accept the referral for the child learns nothing about its consent register.
            *await check_consent(session, referral, content, None if child_faults else child_id),
        ]
    )
    payload = payload.model_copy(update={"child_id": child_id})
    act = ReferralAct(referral.id, utc_now())
    case = await _join_or_open_case(session, caller, referral, payload, act)
    await record_referral_consent(session, caller, case, referral, act if child_id else None)
    _record_acceptance(referral, caller, case, payload, act.at)
    await session.flush()  # a trigger compares the search tokens with the referral
    await person_details.mark_search_tokens_accepted(session, referral.id, case.child_id)
    return await views.load_referral_view(session, caller, referral.id)


async def _lock_known_child(
    session: AsyncSession, referral_id: UUID, payload: ReferralAcceptance
) -> UUID | None:
    """Return the id of the known child in the payload. Lock the opening of its cases, and its open case if it has one.

    Every act locks the case before the referral, so that the acceptance and the detachment of one referral cannot wait for
    each other. The content is read without a lock: if it changes before the lock, the version of the referral is stale.
    """
    if payload.child_id is None:
        return None
    referral = await get_record(session, Referral, referral_id)
    child_id = await resolve_known_child_id(session, referral, payload.child_id)
    if child_id is not None:
        await cases_open.lock_case_opening(session, child_id)
        await cases_open.get_open_case_for_share(session, child_id)
    return child_id


async def _join_or_open_case(
    session: AsyncSession,
    caller: Caller,
    referral: Referral,
    payload: ReferralAcceptance,
    act: ReferralAct,
) -> Case:
    if payload.child_id is not None:
        open_case = await cases_open.get_open_case_for_share(session, payload.child_id)
        if open_case is not None:
            case_history.record_case_history(session, open_case, "referral_joined", caller, referral)
            await add_referral_people(session, caller, open_case, referral, act)
            return open_case
    return await cases_open.open_case_from_referral(session, caller, referral, payload, act)


def _record_acceptance(
    referral: Referral, caller: Caller, case: Case, payload: ReferralAcceptance, at: datetime
) -> None:
    referral.status = ACCEPT.target
    referral.case_id, referral.child_id = case.id, case.child_id
    referral.team_id = case.team_id
    referral.decided_at = referral.updated_at = at
    referral.decided_by_id = caller.id
    referral.outcome = dump_content(StoredReferralOutcome, payload)
