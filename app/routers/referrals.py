"""Intake: partners' systems and our own staff tell us about children."""

from typing import Annotated
from uuid import UUID

from fastapi import Query

from app.http.permissions import (
    ReferralAcceptor,
    ReferralAcknowledger,
    ReferralCreator,
    ReferralDecliner,
    ReferralEditor,
    ReferralInformationProvider,
    ReferralInformationRequester,
    ReferralLister,
    ReferralMatchReader,
    ReferralReader,
    ReferralWithdrawer,
)
from app.http.route import Router
from app.http.session import ExpectedVersion, Session
from app.schemas.referrals import (
    PartnerReferral,
    PartnerReferralList,
    Referral,
    ReferralAcceptance,
    ReferralAcknowledgement,
    ReferralCreate,
    ReferralDecline,
    ReferralFilters,
    ReferralInformationAnswer,
    ReferralInformationRequest,
    ReferralList,
    ReferralMatchList,
    ReferralUpdate,
    Withdrawal,
)
from app.schemas.wire import PageQuery
from app.services.referrals import accept as referrals_accept
from app.services.referrals import duplicates as matches
from app.services.referrals import referrals

router = Router(prefix="/referrals", tags=["referrals"])


@router.post("", status_code=201)
async def create_referral(
    caller: ReferralCreator,
    session: Session,
    payload: ReferralCreate,
) -> Referral | PartnerReferral:
    """Tell us about a child."""
    return await referrals.create_referral(session, caller, payload)


@router.get("")
async def list_referrals(
    caller: ReferralLister,
    session: Session,
    filters: Annotated[ReferralFilters, Query()],
) -> ReferralList | PartnerReferralList:
    """List referrals, newest first: a partner's own, or the intake queue."""
    return await referrals.list_referrals(session, caller, filters)


@router.get("/{referral_id}")
async def get_referral(
    caller: ReferralReader, session: Session, referral_id: UUID
) -> Referral | PartnerReferral:
    """Read a referral; a partner reads where its own stands."""
    return await referrals.get_referral(session, caller, referral_id)


@router.patch("/{referral_id}")
async def update_referral(
    caller: ReferralEditor,
    session: Session,
    referral_id: UUID,
    expected_version: ExpectedVersion,
    payload: ReferralUpdate,
) -> Referral | PartnerReferral:
    """Complete or correct a referral until it is decided; a supervisor also hands it to a team or worker."""
    return await referrals.update_referral(session, caller, referral_id, expected_version, payload)


@router.get("/{referral_id}/matches")
async def list_referral_matches(
    caller: ReferralMatchReader,
    session: Session,
    referral_id: UUID,
    page: Annotated[PageQuery, Query()],
) -> ReferralMatchList:
    """List children and other referrals that may be the same child, most alike first."""
    return await matches.list_referral_matches(session, caller, referral_id, page)


@router.post("/{referral_id}/acknowledge")
async def acknowledge_referral(
    caller: ReferralAcknowledger,
    session: Session,
    referral_id: UUID,
    expected_version: ExpectedVersion,
    payload: ReferralAcknowledgement | None = None,
) -> Referral | PartnerReferral:
    """Tell the referrer that it arrived, and take it on."""
    return await referrals.acknowledge_referral(
        session, caller, referral_id, expected_version, payload or ReferralAcknowledgement()
    )


@router.post("/{referral_id}/request-information")
async def request_referral_information(
    caller: ReferralInformationRequester,
    session: Session,
    referral_id: UUID,
    expected_version: ExpectedVersion,
    payload: ReferralInformationRequest,
) -> Referral | PartnerReferral:
    """Ask the referrer for more information."""
    return await referrals.request_referral_information(
        session, caller, referral_id, expected_version, payload
    )


@router.post("/{referral_id}/provide-information")
async def provide_referral_information(
    caller: ReferralInformationProvider,
    session: Session,
    referral_id: UUID,
    expected_version: ExpectedVersion,
    payload: ReferralInformationAnswer,
) -> Referral | PartnerReferral:
    """Answer what was asked."""
    return await referrals.provide_referral_information(
        session, caller, referral_id, expected_version, payload
    )


@router.post("/{referral_id}/accept")
async def accept_referral(
    caller: ReferralAcceptor,
    session: Session,
    referral_id: UUID,
    expected_version: ExpectedVersion,
    payload: ReferralAcceptance,
) -> Referral | PartnerReferral:
    """Accept: a case is opened for a new child, or for a known one after a duplicate was confirmed."""
    return await referrals_accept.accept_referral(session, caller, referral_id, expected_version, payload)


@router.post("/{referral_id}/decline")
async def decline_referral(
    caller: ReferralDecliner,
    session: Session,
    referral_id: UUID,
    expected_version: ExpectedVersion,
    payload: ReferralDecline,
) -> Referral | PartnerReferral:
    """Decline, with a reason and where else help may be found."""
    return await referrals.decline_referral(session, caller, referral_id, expected_version, payload)


@router.post("/{referral_id}/withdraw")
async def withdraw_referral(
    caller: ReferralWithdrawer,
    session: Session,
    referral_id: UUID,
    expected_version: ExpectedVersion,
    payload: Withdrawal,
) -> Referral | PartnerReferral:
    """Take a referral back."""
    return await referrals.withdraw_referral(session, caller, referral_id, expected_version, payload)
