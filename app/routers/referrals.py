"""Intake: partners' systems and our own staff tell us about children."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Query

from app.access.actor import Actor
from app.access.permissions import Permission
from app.http.authorization import Requires
from app.http.route import Router
from app.http.session import Seen, Session
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
    actor: Annotated[Actor, Depends(Requires(Permission.referral_receive))],
    session: Session,
    body: ReferralIn,
) -> ReferralOut | PartnerReferral:
    """Tell us about a child."""
    return await referrals.receive(session, actor, body)


@router.get("")
async def listed(
    actor: Annotated[Actor, Depends(Requires(Permission.referral_list))],
    session: Session,
    filters: Annotated[ReferralFilters, Query()],
) -> Page[ReferralItem] | Page[PartnerReferral]:
    """List referrals, newest first: a partner's own, or the intake queue."""
    return await referrals.listed(session, actor, filters)


@router.get("/{referral_id}")
async def read(
    actor: Annotated[Actor, Depends(Requires(Permission.referral_read))], session: Session, referral_id: UUID
) -> ReferralOut | PartnerReferral:
    """Read a referral; a partner reads where its own stands."""
    return await referrals.read(session, actor, referral_id)


@router.patch("/{referral_id}")
async def complete(
    actor: Annotated[Actor, Depends(Requires(Permission.referral_complete))],
    session: Session,
    referral_id: UUID,
    seen: Seen,
    body: ReferralPatch,
) -> ReferralOut | PartnerReferral:
    """Complete or correct a referral until it is decided; a supervisor also hands it to a team or worker."""
    return await referrals.complete(session, actor, referral_id, seen, body)


@router.get("/{referral_id}/matches")
async def possible_duplicates(
    actor: Annotated[Actor, Depends(Requires(Permission.referral_match))],
    session: Session,
    referral_id: UUID,
    page: Annotated[PageQuery, Query()],
) -> Page[Match]:
    """List children and other referrals that may be the same child, most alike first."""
    return await matches.listed(session, actor, referral_id, page)


@router.post("/{referral_id}/acknowledge")
async def acknowledge(
    actor: Annotated[Actor, Depends(Requires(Permission.referral_acknowledge))],
    session: Session,
    referral_id: UUID,
    seen: Seen,
    body: Acknowledgement | None = None,
) -> ReferralOut | PartnerReferral:
    """Tell the referrer that it arrived, and take it on."""
    return await referrals.acknowledge(session, actor, referral_id, seen, body or Acknowledgement())


@router.post("/{referral_id}/request-information")
async def request_information(
    actor: Annotated[Actor, Depends(Requires(Permission.referral_ask))],
    session: Session,
    referral_id: UUID,
    seen: Seen,
    body: Question,
) -> ReferralOut | PartnerReferral:
    """Ask the referrer for more information."""
    return await referrals.ask(session, actor, referral_id, seen, body)


@router.post("/{referral_id}/provide-information")
async def provide_information(
    actor: Annotated[Actor, Depends(Requires(Permission.referral_answer))],
    session: Session,
    referral_id: UUID,
    seen: Seen,
    body: AnswerIn,
) -> ReferralOut | PartnerReferral:
    """Answer what was asked."""
    return await referrals.provide(session, actor, referral_id, seen, body)


@router.post("/{referral_id}/accept")
async def accept(
    actor: Annotated[Actor, Depends(Requires(Permission.referral_accept))],
    session: Session,
    referral_id: UUID,
    seen: Seen,
    body: Acceptance,
) -> ReferralOut | PartnerReferral:
    """Accept: a case is opened for a new child, or for a known one after a duplicate was confirmed."""
    return await referrals_accept.accept(session, actor, referral_id, seen, body)


@router.post("/{referral_id}/decline")
async def decline(
    actor: Annotated[Actor, Depends(Requires(Permission.referral_decline))],
    session: Session,
    referral_id: UUID,
    seen: Seen,
    body: Decline,
) -> ReferralOut | PartnerReferral:
    """Decline, with a reason and where else help may be found."""
    return await referrals.decline(session, actor, referral_id, seen, body)


@router.post("/{referral_id}/withdraw")
async def withdraw(
    actor: Annotated[Actor, Depends(Requires(Permission.referral_withdraw))],
    session: Session,
    referral_id: UUID,
    seen: Seen,
    body: Withdrawal,
) -> ReferralOut | PartnerReferral:
    """Take a referral back."""
    return await referrals.withdraw(session, actor, referral_id, seen, body)
