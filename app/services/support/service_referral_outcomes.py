"""Record the provider's answer to a service referral and the outcome of the service, or cancel the referral."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.access.caller import Caller
from app.access.reader import open_response_reader
from app.errors import Fault
from app.kit.records import get_case_for_share, get_version_for_update
from app.kit.state_machine import Transition, check_status, raise_if_unmet
from app.models import ServiceReferral
from app.models.cases import StoredHistoryDetail
from app.models.record import utc_now
from app.schemas.service_referrals import ServiceReferral as ServiceReferralSchema
from app.schemas.service_referrals import (
    ServiceReferralAcceptance,
    ServiceReferralCancellation,
    ServiceReferralCompletion,
    ServiceReferralDecline,
    ServiceReferralRecall,
)
from app.services.cases import history as case_history
from app.services.cases.write_access import check_works_on_case
from app.services.support.service_referral_states import ACCEPT, CANCEL, COMPLETE, DECLINE
from app.services.support.service_referrals import get_service_referral


async def accept_service_referral(
    session: AsyncSession,
    caller: Caller,
    referral_id: UUID,
    expected_version: int,
    payload: ServiceReferralAcceptance,
) -> ServiceReferralSchema:
    """Record that the provider accepted the service referral.

    Raises:
        GateRefused: the status does not permit the act, or the caller is not staff of the case.
        StaleVersion: the referral was changed since the caller read it.
    """
    referral = await _apply_transition(session, caller, ACCEPT, referral_id, expected_version)
    referral.answered_at = referral.updated_at
    referral.answer = {**(referral.answer or {}), "answer": payload.note}
    return await _flush_and_load_schema(session, referral)


async def decline_service_referral(
    session: AsyncSession,
    caller: Caller,
    referral_id: UUID,
    expected_version: int,
    payload: ServiceReferralDecline,
) -> ServiceReferralSchema:
    """Record that the provider declined the service referral, with the reason.

    Raises:
        GateRefused: the status does not permit the act, or the caller is not staff of the case.
        StaleVersion: the referral was changed since the caller read it.
    """
    referral = await _apply_transition(session, caller, DECLINE, referral_id, expected_version)
    referral.answered_at = referral.ended_at = referral.updated_at
    referral.answer = {**(referral.answer or {}), "reason": payload.reason}
    return await _flush_and_load_schema(session, referral)


async def complete_service_referral(
    session: AsyncSession,
    caller: Caller,
    referral_id: UUID,
    expected_version: int,
    payload: ServiceReferralCompletion,
) -> ServiceReferralSchema:
    """Record the outcome of the service.

    Raises:
        GateRefused: the status does not permit the act, or the caller is not staff of the case.
        StaleVersion: the referral was changed since the caller read it.
    """
    referral = await _apply_transition(
        session, caller, COMPLETE, referral_id, expected_version, {"outcome": payload.outcome}
    )
    referral.ended_at = referral.updated_at
    referral.outcome = payload.outcome
    referral.answer = {**(referral.answer or {}), "outcome_note": payload.note}
    return await _flush_and_load_schema(session, referral)


async def cancel_service_referral(
    session: AsyncSession,
    caller: Caller,
    referral_id: UUID,
    expected_version: int,
    payload: ServiceReferralCancellation,
) -> ServiceReferralSchema:
    """Cancel a draft, a sent or an accepted service referral.

    Raises:
        GateRefused: the status does not permit the act, or the caller is not staff of the case.
        StaleVersion: the referral was changed since the caller read it.
    """
    referral = await _apply_transition(session, caller, CANCEL, referral_id, expected_version)
    referral.ended_at = referral.updated_at
    referral.answer = {**(referral.answer or {}), "reason": payload.reason}
    return await _flush_and_load_schema(session, referral)


async def recall_service_referral(
    session: AsyncSession,
    caller: Caller,
    referral_id: UUID,
    expected_version: int,
    payload: ServiceReferralRecall,
) -> ServiceReferralSchema:
    """Record that the shared data was recalled from the provider. The case may be closed.

    Raises:
        GateRefused: no refusal or withdrawal followed the sending, the recall is recorded already, or the caller is not staff of
            the case.
        StaleVersion: the referral was changed since the caller read it.
    """
    case = await get_case_for_share(session, ServiceReferral, referral_id)
    referral = await get_version_for_update(session, ServiceReferral, referral_id, expected_version)
    raise_if_unmet([*_check_recall_requested(referral), *await check_works_on_case(session, case)])
    referral.recalled_at = referral.updated_at = utc_now()
    referral.recalled_by_id = caller.id
    referral.recall_note = payload.note
    detail = {"provider_id": str(referral.provider_id), "service": referral.service}
    case_history.record_case_history(session, case, "service_referral_recalled", caller, referral, detail)
    return await _flush_and_load_schema(session, referral)


def _check_recall_requested(referral: ServiceReferral) -> list[Fault]:
    if referral.recall_requested_at is None:
        detail = "No refusal or withdrawal followed the sending, so that nothing has to be recalled."
        return [Fault(None, "recall_not_requested", detail)]
    if referral.recalled_at is not None:
        return [Fault(None, "already_done", "The recall is recorded already.")]
    return []


async def _apply_transition(
    session: AsyncSession,
    caller: Caller,
    transition: Transition,
    referral_id: UUID,
    expected_version: int,
    detail: StoredHistoryDetail | None = None,
) -> ServiceReferral:
    """Apply a transition that shares no data. The case may be closed, because a service often ends after the case.

    Raises:
        GateRefused: the status does not permit the transition, or the caller is not staff of the case.
        StaleVersion: the referral was changed since the caller read it.
    """
    case = await get_case_for_share(session, ServiceReferral, referral_id)
    referral = await get_version_for_update(session, ServiceReferral, referral_id, expected_version)
    raise_if_unmet([*check_status(transition, referral.status), *await check_works_on_case(session, case)])
    referral.status = transition.target
    referral.updated_at = utc_now()
    kind = f"service_referral_{transition.target}"
    history_detail = {"provider_id": str(referral.provider_id), "service": referral.service, **(detail or {})}
    case_history.record_case_history(session, case, kind, caller, referral, history_detail)
    return referral


async def _flush_and_load_schema(session: AsyncSession, referral: ServiceReferral) -> ServiceReferralSchema:
    return await get_service_referral(await open_response_reader(session), referral.id)
