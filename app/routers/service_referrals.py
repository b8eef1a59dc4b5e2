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
    ServiceReferral,
    ServiceReferralAcceptance,
    ServiceReferralCancellation,
    ServiceReferralCompletion,
    ServiceReferralCreate,
    ServiceReferralDecline,
    ServiceReferralFilters,
    ServiceReferralUpdate,
)
from app.schemas.wire import Page
from app.services.support import service_referral_send as service_referrals_send
from app.services.support import service_referrals

router = Router(tags=["service-referrals"])


@router.post("/cases/{case_id}/service-referrals", status_code=201)
async def create_case_service_referral(
    caller: ServiceReferralCreator,
    session: Session,
    case_id: UUID,
    payload: ServiceReferralCreate,
) -> ServiceReferral:
    """Draft a service referral; nothing is shared yet."""
    return await service_referrals.create_case_service_referral(session, caller, case_id, payload)


@router.get("/cases/{case_id}/service-referrals")
async def list_case_service_referrals(
    caller: ServiceReferralReader,
    session: Session,
    case_id: UUID,
    filters: Annotated[ServiceReferralFilters, Query()],
) -> Page[ServiceReferral]:
    """List a case's service referrals, newest first."""
    return await service_referrals.list_case_service_referrals(session, caller, case_id, filters)


@router.get("/service-referrals/{service_referral_id}")
async def get_service_referral(
    _caller: ServiceReferralReader,
    session: Session,
    service_referral_id: UUID,
) -> ServiceReferral:
    """Read one service referral, and what was shared with the provider."""
    return await service_referrals.get_service_referral(session, service_referral_id)


@router.patch("/service-referrals/{service_referral_id}")
async def update_service_referral(
    _caller: ServiceReferralCreator,
    session: Session,
    service_referral_id: UUID,
    expected_version: ExpectedVersion,
    payload: ServiceReferralUpdate,
) -> ServiceReferral:
    """Change a draft."""
    return await service_referrals.update_service_referral(
        session, service_referral_id, expected_version, payload
    )


@router.post("/service-referrals/{service_referral_id}/send")
async def send_service_referral(
    caller: ServiceReferralSender,
    session: Session,
    service_referral_id: UUID,
    expected_version: ExpectedVersion,
) -> ServiceReferral:
    """Share with the provider what the draft says, if the consent holds at this moment."""
    return await service_referrals_send.send_service_referral(
        session, caller, service_referral_id, expected_version
    )


@router.post("/service-referrals/{service_referral_id}/accept")
async def accept_service_referral(
    caller: ServiceReferralOutcomeRecorder,
    session: Session,
    service_referral_id: UUID,
    expected_version: ExpectedVersion,
    payload: ServiceReferralAcceptance | None = None,
) -> ServiceReferral:
    """Record that the provider accepted."""
    return await service_referrals.accept_service_referral(
        session, caller, service_referral_id, expected_version, payload or ServiceReferralAcceptance()
    )


@router.post("/service-referrals/{service_referral_id}/decline")
async def decline_service_referral(
    caller: ServiceReferralOutcomeRecorder,
    session: Session,
    service_referral_id: UUID,
    expected_version: ExpectedVersion,
    payload: ServiceReferralDecline,
) -> ServiceReferral:
    """Record that the provider declined, and why."""
    return await service_referrals.decline_service_referral(
        session, caller, service_referral_id, expected_version, payload
    )


@router.post("/service-referrals/{service_referral_id}/complete")
async def complete_service_referral(
    caller: ServiceReferralOutcomeRecorder,
    session: Session,
    service_referral_id: UUID,
    expected_version: ExpectedVersion,
    payload: ServiceReferralCompletion,
) -> ServiceReferral:
    """Record how the service went."""
    return await service_referrals.complete_service_referral(
        session, caller, service_referral_id, expected_version, payload
    )


@router.post("/service-referrals/{service_referral_id}/cancel")
async def cancel_service_referral(
    caller: ServiceReferralOutcomeRecorder,
    session: Session,
    service_referral_id: UUID,
    expected_version: ExpectedVersion,
    payload: ServiceReferralCancellation | None = None,
) -> ServiceReferral:
    """Cancel a service referral that is not needed any more."""
    return await service_referrals.cancel_service_referral(
        session, caller, service_referral_id, expected_version, payload or ServiceReferralCancellation()
    )
