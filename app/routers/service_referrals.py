"""Service referrals: asking other providers to serve a child or family."""

from typing import Annotated
from uuid import UUID

from fastapi import Query

from app.http.permissions import (
    ServiceReferralCreator,
    ServiceReferralOutcomeRecorder,
    ServiceReferralReader,
    ServiceReferralSender,
)
from app.http.route import Router
from app.http.session import ExpectedVersion, Session
from app.schemas.service_referrals import (
    ServiceAcceptance,
    ServiceCancellation,
    ServiceCompletion,
    ServiceEnding,
    ServiceReferralFilters,
    ServiceReferralIn,
    ServiceReferralOut,
    ServiceReferralPatch,
)
from app.schemas.wire import Page
from app.services.support import service_referral_send as service_referrals_send
from app.services.support import service_referrals

router = Router(tags=["service-referrals"])


@router.post("/cases/{case_id}/service-referrals", status_code=201)
async def draft(
    caller: ServiceReferralCreator,
    session: Session,
    case_id: UUID,
    payload: ServiceReferralIn,
) -> ServiceReferralOut:
    """Draft a service referral; nothing is shared yet."""
    return await service_referrals.create_case_service_referral(session, caller, case_id, payload)


@router.get("/cases/{case_id}/service-referrals")
async def listed(
    caller: ServiceReferralReader,
    session: Session,
    case_id: UUID,
    filters: Annotated[ServiceReferralFilters, Query()],
) -> Page[ServiceReferralOut]:
    """List a case's service referrals, newest first."""
    return await service_referrals.list_case_service_referrals(session, caller, case_id, filters)


@router.get("/service-referrals/{service_referral_id}")
async def read(
    _caller: ServiceReferralReader,
    session: Session,
    service_referral_id: UUID,
) -> ServiceReferralOut:
    """Read one service referral, and what was shared with the provider."""
    return await service_referrals.get_service_referral(session, service_referral_id)


@router.patch("/service-referrals/{service_referral_id}")
async def change(
    _caller: ServiceReferralCreator,
    session: Session,
    service_referral_id: UUID,
    expected_version: ExpectedVersion,
    payload: ServiceReferralPatch,
) -> ServiceReferralOut:
    """Change a draft."""
    return await service_referrals.update_service_referral(
        session, service_referral_id, expected_version, payload
    )


@router.post("/service-referrals/{service_referral_id}/send")
async def send(
    caller: ServiceReferralSender,
    session: Session,
    service_referral_id: UUID,
    expected_version: ExpectedVersion,
) -> ServiceReferralOut:
    """Share with the provider what the draft says, if the consent holds at this moment."""
    return await service_referrals_send.send_service_referral(
        session, caller, service_referral_id, expected_version
    )


@router.post("/service-referrals/{service_referral_id}/accept")
async def accept(
    caller: ServiceReferralOutcomeRecorder,
    session: Session,
    service_referral_id: UUID,
    expected_version: ExpectedVersion,
    payload: ServiceAcceptance | None = None,
) -> ServiceReferralOut:
    """Record that the provider accepted."""
    return await service_referrals.accept_service_referral(
        session, caller, service_referral_id, expected_version, payload or ServiceAcceptance()
    )


@router.post("/service-referrals/{service_referral_id}/decline")
async def decline(
    caller: ServiceReferralOutcomeRecorder,
    session: Session,
    service_referral_id: UUID,
    expected_version: ExpectedVersion,
    payload: ServiceEnding,
) -> ServiceReferralOut:
    """Record that the provider declined, and why."""
    return await service_referrals.decline_service_referral(
        session, caller, service_referral_id, expected_version, payload
    )


@router.post("/service-referrals/{service_referral_id}/complete")
async def complete(
    caller: ServiceReferralOutcomeRecorder,
    session: Session,
    service_referral_id: UUID,
    expected_version: ExpectedVersion,
    payload: ServiceCompletion,
) -> ServiceReferralOut:
    """Record how the service went."""
    return await service_referrals.complete_service_referral(
        session, caller, service_referral_id, expected_version, payload
    )


@router.post("/service-referrals/{service_referral_id}/cancel")
async def cancel(
    caller: ServiceReferralOutcomeRecorder,
    session: Session,
    service_referral_id: UUID,
    expected_version: ExpectedVersion,
    payload: ServiceCancellation | None = None,
) -> ServiceReferralOut:
    """Cancel a service referral that is not needed any more."""
    return await service_referrals.cancel_service_referral(
        session, caller, service_referral_id, expected_version, payload or ServiceCancellation()
    )
