"""Endpoints of service referrals to other providers."""

from typing import Annotated
from uuid import UUID

from fastapi import Query
from starlette.responses import Response

from app.http.language import LetterLanguage
from app.http.permissions import (
    ServiceReferralCreator,
    ServiceReferralOutcomeRecorder,
    ServiceReferralReader,
    ServiceReferralSender,
)
from app.http.printed_responses import PDF_CONTENT, PdfResponse, build_pdf_response
from app.http.route import Router
from app.http.session import ExpectedVersion, Reader, Session
from app.schemas.service_referrals import (
    CaseServiceReferralFilters,
    ServiceReferral,
    ServiceReferralAcceptance,
    ServiceReferralCancellation,
    ServiceReferralCompletion,
    ServiceReferralCreate,
    ServiceReferralDecline,
    ServiceReferralFilters,
    ServiceReferralList,
    ServiceReferralRecall,
    ServiceReferralSummaryList,
    ServiceReferralUpdate,
)
from app.services.support import (
    referral_letter,
    service_referral_outcomes,
    service_referral_send,
    service_referrals,
)

router = Router(tags=["service-referrals"])


@router.post("/cases/{case_id}/service-referrals", status_code=201)
async def create_case_service_referral(
    caller: ServiceReferralCreator,
    session: Session,
    case_id: UUID,
    payload: ServiceReferralCreate,
) -> ServiceReferral:
    """Create a draft service referral.

    A draft shares no data. It contains the provider, the requested service, the fields to share, and the consent or the
    legal basis for sharing them.
    """
    return await service_referrals.create_case_service_referral(session, caller, case_id, payload)


@router.get("/cases/{case_id}/service-referrals")
async def list_case_service_referrals(
    caller: ServiceReferralReader,
    reader: Reader,
    case_id: UUID,
    filters: Annotated[CaseServiceReferralFilters, Query()],
) -> ServiceReferralList:
    """List the service referrals of a case, newest first by default.

    The list contains drafts and sent, answered, completed and cancelled referrals.
    """
    return await service_referrals.list_case_service_referrals(reader, caller, case_id, filters)


@router.get("/service-referrals")
async def list_service_referrals(
    caller: ServiceReferralReader,
    reader: Reader,
    filters: Annotated[ServiceReferralFilters, Query()],
) -> ServiceReferralSummaryList:
    """List the service referrals of all cases, newest first by default.

    Returns the service referrals of the cases that the caller can see. The items contain neither texts nor shared data.
    """
    return await service_referrals.list_service_referrals(reader, caller, filters)


@router.get("/service-referrals/{service_referral_id}")
async def get_service_referral(
    _caller: ServiceReferralReader,
    reader: Reader,
    service_referral_id: UUID,
) -> ServiceReferral:
    """Get a service referral.

    `shared` contains a copy of the values that were shared with the provider.
    """
    return await service_referrals.get_service_referral(reader, service_referral_id)


@router.get(
    "/service-referrals/{service_referral_id}/letter.pdf",
    response_class=PdfResponse,
    responses=PDF_CONTENT,
)
async def download_service_referral_letter(
    _caller: ServiceReferralReader,
    reader: Reader,
    service_referral_id: UUID,
    language: LetterLanguage,
) -> Response:
    """Download the letter to the provider as PDF in English or Khmer.

    The letter contains exactly the shared fields. It can be downloaded once the service referral is sent. After the consent
    ended (`recall_requested_at`), every page is marked in English and Khmer: the letter must not be handed over.
    """
    return build_pdf_response(
        *await referral_letter.render_service_referral_letter(reader, service_referral_id, language), language
    )


@router.patch("/service-referrals/{service_referral_id}")
async def update_service_referral(
    caller: ServiceReferralCreator,
    session: Session,
    service_referral_id: UUID,
    expected_version: ExpectedVersion,
    payload: ServiceReferralUpdate,
) -> ServiceReferral:
    """Update a draft service referral.

    A service referral cannot be changed after it was sent.
    """
    return await service_referrals.update_service_referral(
        session, caller, service_referral_id, expected_version, payload
    )


@router.post("/service-referrals/{service_referral_id}/send")
async def send_service_referral(
    caller: ServiceReferralSender,
    session: Session,
    service_referral_id: UUID,
    expected_version: ExpectedVersion,
) -> ServiceReferral:
    """Send a draft service referral to its provider.

    Requires a valid consent for this purpose and recipient, or a recorded legal basis, and an active provider with a
    valid child-safeguarding check. The shared values are stored with the referral.
    """
    return await service_referral_send.send_service_referral(
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
    """Record that the provider accepted a service referral.

    The status must be `sent`. The request body with the provider's note is optional.
    """
    return await service_referral_outcomes.accept_service_referral(
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
    """Record that the provider declined a service referral.

    The status must be `sent`. The provider's reason is required.
    """
    return await service_referral_outcomes.decline_service_referral(
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
    """Record the outcome of a service referral.

    The status must be `accepted`. The outcome can also be recorded after the case is closed.
    """
    return await service_referral_outcomes.complete_service_referral(
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
    """Cancel a service referral.

    The status must be `draft`, `sent` or `accepted`. A service referral can also be cancelled after the case is closed.
    """
    return await service_referral_outcomes.cancel_service_referral(
        session, caller, service_referral_id, expected_version, payload or ServiceReferralCancellation()
    )


@router.post("/service-referrals/{service_referral_id}/recall")
async def recall_service_referral(
    caller: ServiceReferralOutcomeRecorder,
    session: Session,
    service_referral_id: UUID,
    expected_version: ExpectedVersion,
    payload: ServiceReferralRecall,
) -> ServiceReferral:
    """Record that the shared data was recalled from the provider.

    Requires a refusal or withdrawal of the consent after the service referral was sent (`recall_requested_at`). The recall
    can also be recorded after the case is closed.
    """
    return await service_referral_outcomes.recall_service_referral(
        session, caller, service_referral_id, expected_version, payload
    )
