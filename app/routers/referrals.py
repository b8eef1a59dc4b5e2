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
    Acceptance,
    Acknowledgement,
    AnswerIn,
    Decline,
    Match,
    PartnerReferral,
    Question,
    ReferralFilters,
    ReferralIn,
    ReferralItem,
    ReferralOut,
    ReferralPatch,
    Withdrawal,
)
from app.schemas.wire import Page, PageQuery
from app.services.referrals import accept as referrals_accept
from app.services.referrals import duplicates as matches
from app.services.referrals import referrals

router = Router(prefix="/referrals", tags=["referrals"])


@router.post("", status_code=201)
async def receive(
    caller: ReferralCreator,
    session: Session,
    payload: ReferralIn,
) -> ReferralOut | PartnerReferral:
    """Tell us about a child."""
    return await referrals.create_referral(session, caller, payload)


@router.get("")
async def listed(
    caller: ReferralLister,
    session: Session,
    filters: Annotated[ReferralFilters, Query()],
) -> Page[ReferralItem] | Page[PartnerReferral]:
    """List referrals, newest first: a partner's own, or the intake queue."""
    return await referrals.list_referrals(session, caller, filters)


@router.get("/{referral_id}")
async def read(caller: ReferralReader, session: Session, referral_id: UUID) -> ReferralOut | PartnerReferral:
    """Read a referral; a partner reads where its own stands."""
    return await referrals.get_referral(session, caller, referral_id)


@router.patch("/{referral_id}")
async def complete(
    caller: ReferralEditor,
    session: Session,
    referral_id: UUID,
    expected_version: ExpectedVersion,
    payload: ReferralPatch,
) -> ReferralOut | PartnerReferral:
    """Complete or correct a referral until it is decided; a supervisor also hands it to a team or worker."""
    return await referrals.update_referral(session, caller, referral_id, expected_version, payload)


@router.get("/{referral_id}/matches")
async def possible_duplicates(
    caller: ReferralMatchReader,
    session: Session,
    referral_id: UUID,
    page: Annotated[PageQuery, Query()],
) -> Page[Match]:
    """List children and other referrals that may be the same child, most alike first."""
    return await matches.list_referral_matches(session, caller, referral_id, page)


@router.post("/{referral_id}/acknowledge")
async def acknowledge(
    caller: ReferralAcknowledger,
    session: Session,
    referral_id: UUID,
    expected_version: ExpectedVersion,
    payload: Acknowledgement | None = None,
) -> ReferralOut | PartnerReferral:
    """Tell the referrer that it arrived, and take it on."""
    return await referrals.acknowledge_referral(
        session, caller, referral_id, expected_version, payload or Acknowledgement()
    )


@router.post("/{referral_id}/request-information")
async def request_information(
    caller: ReferralInformationRequester,
    session: Session,
    referral_id: UUID,
    expected_version: ExpectedVersion,
    payload: Question,
) -> ReferralOut | PartnerReferral:
    """Ask the referrer for more information."""
    return await referrals.request_referral_information(
        session, caller, referral_id, expected_version, payload
    )


@router.post("/{referral_id}/provide-information")
async def provide_information(
    caller: ReferralInformationProvider,
    session: Session,
    referral_id: UUID,
    expected_version: ExpectedVersion,
    payload: AnswerIn,
) -> ReferralOut | PartnerReferral:
    """Answer what was asked."""
    return await referrals.provide_referral_information(
        session, caller, referral_id, expected_version, payload
    )


@router.post("/{referral_id}/accept")
async def accept(
    caller: ReferralAcceptor,
    session: Session,
    referral_id: UUID,
    expected_version: ExpectedVersion,
    payload: Acceptance,
) -> ReferralOut | PartnerReferral:
    """Accept: a case is opened for a new child, or for a known one after a duplicate was confirmed."""
    return await referrals_accept.accept_referral(session, caller, referral_id, expected_version, payload)


@router.post("/{referral_id}/decline")
async def decline(
    caller: ReferralDecliner,
    session: Session,
    referral_id: UUID,
    expected_version: ExpectedVersion,
    payload: Decline,
) -> ReferralOut | PartnerReferral:
    """Decline, with a reason and where else help may be found."""
    return await referrals.decline_referral(session, caller, referral_id, expected_version, payload)


@router.post("/{referral_id}/withdraw")
async def withdraw(
    caller: ReferralWithdrawer,
    session: Session,
    referral_id: UUID,
    expected_version: ExpectedVersion,
    payload: Withdrawal,
) -> ReferralOut | PartnerReferral:
    """Take a referral back."""
    return await referrals.withdraw_referral(session, caller, referral_id, expected_version, payload)
