"""Endpoints of referrals: intake from partners' systems and staff."""

from typing import Annotated
from uuid import UUID

from fastapi import Query

from app.http.permissions import (
    ReferralAcceptor,
    ReferralAcknowledger,
    ReferralCreator,
    ReferralDecliner,
    ReferralDetacher,
    ReferralEditor,
    ReferralInformationProvider,
    ReferralInformationRequester,
    ReferralLister,
    ReferralMatchingAllower,
    ReferralMatchReader,
    ReferralReader,
    ReferralReinstater,
    ReferralWithdrawer,
)
from app.http.route import Router
from app.http.session import ExpectedVersion, Reader, Session
from app.schemas.referral_filters import ReferralFilters
from app.schemas.referral_responses import (
    DetachedReferral,
    ReferralListView,
    ReferralView,
)
from app.schemas.referrals import (
    ReferralAcceptance,
    ReferralAcknowledgement,
    ReferralCreate,
    ReferralDecline,
    ReferralDetachment,
    ReferralInformationAnswer,
    ReferralInformationRequest,
    ReferralMatchingAllowance,
    ReferralMatchList,
    ReferralReinstatement,
    ReferralUpdate,
    ReferralWithdrawal,
)
from app.schemas.wire import PageQuery
from app.services.referrals import (
    accept,
    acts,
    detach,
    duplicates,
    matching,
    referrals,
    reinstate,
    views,
)

router = Router(prefix="/referrals", tags=["referrals"])


@router.post("", status_code=201)
async def create_referral(
    caller: ReferralCreator,
    session: Session,
    payload: ReferralCreate,
) -> ReferralView:
    """Create a referral.

    API clients must send `external_id`, their unique number for the referral. Staff enter referrals that they receive
    by phone, in person or by their own observation. The status is `received`.

    A referral is rejected only for a missing name, summary or urgency, an invalid `id` or `external_id`, malformed JSON, a
    body that is too large, or more than 200 imperfect values. Every other imperfect value is accepted with an item of
    `warnings`: it is converted if its meaning is certain (`value_converted`), cut if it is too long, and otherwise
    omitted. Staff see the original value in `unread_values`.
    """
    return await referrals.create_referral(session, caller, payload)


@router.get("")
async def list_referrals(
    caller: ReferralLister,
    reader: Reader,
    filters: Annotated[ReferralFilters, Query()],
) -> ReferralListView:
    """List referrals, newest first unless `sort` or `q` is given.

    Partners' systems receive the referrals of their agency. Staff receive the referrals of the intake queue that they
    can see. A parameter or a value that is marked as staff only is 422 for partners' systems, because their view does
    not contain its field.
    """
    return await views.list_referrals(reader, caller, filters)


@router.get("/{referral_id}")
async def get_referral(caller: ReferralReader, reader: Reader, referral_id: UUID) -> ReferralView:
    """Get a referral.

    Staff receive the full content. Partners' systems receive the status, the reason code of a decline and the
    questions.
    """
    return await views.get_referral(reader, caller, referral_id)


@router.patch("/{referral_id}")
async def update_referral(
    caller: ReferralEditor,
    session: Session,
    referral_id: UUID,
    expected_version: ExpectedVersion,
    payload: ReferralUpdate,
) -> ReferralView:
    """Update the content of a referral.

    A referral that is accepted, declined or withdrawn cannot be updated. Supervisors and programme managers can also
    assign it to a team or a staff member.
    """
    return await referrals.update_referral(session, caller, referral_id, expected_version, payload)


@router.get("/{referral_id}/matches")
async def list_referral_matches(
    caller: ReferralMatchReader,
    session: Session,  # the comparison is counted
    referral_id: UUID,
    page: Annotated[PageQuery, Query()],
) -> ReferralMatchList:
    """List possible duplicates of a referral, likely ones first.

    Compares names, birth date, sex, place, phones and caregivers with all children and other referrals. The items contain
    no personal data. For a record that the caller cannot see, an item contains only the likelihood. At most five changes of
    a referral are compared per day, and at most eight identities per caller. After that, the items are only the records
    that the caller can see, and `withheld` contains the people who can list the other matches or allow more comparisons
    (`allow-matching`). The limit does not stop the acceptance.
    """
    return await duplicates.list_referral_matches(session, caller, referral_id, page)


@router.post("/{referral_id}/allow-matching")
async def allow_referral_matching(
    caller: ReferralMatchingAllower,
    session: Session,
    referral_id: UUID,
    expected_version: ExpectedVersion,
    payload: ReferralMatchingAllowance,
) -> ReferralView:
    """Allow more comparisons of a referral.

    Other staff can then list the matches for five more changes of the referral on this day. The permission does not
    apply to comparisons by the caller. Supervisors allow it for referrals of their teams.
    """
    return await matching.allow_referral_matching(session, caller, referral_id, expected_version, payload)


@router.post("/{referral_id}/acknowledge")
async def acknowledge_referral(
    caller: ReferralAcknowledger,
    session: Session,
    referral_id: UUID,
    expected_version: ExpectedVersion,
    payload: ReferralAcknowledgement | None = None,
) -> ReferralView:
    """Acknowledge a referral.

    Confirms the receipt to the referrer and assigns the referral to a team, optionally to a staff member. The status
    becomes `acknowledged`.
    """
    return await acts.acknowledge_referral(
        session, caller, referral_id, expected_version, payload or ReferralAcknowledgement()
    )


@router.post("/{referral_id}/request-information")
async def request_referral_information(
    caller: ReferralInformationRequester,
    session: Session,
    referral_id: UUID,
    expected_version: ExpectedVersion,
    payload: ReferralInformationRequest,
) -> ReferralView:
    """Request information from the referrer.

    Adds a question, which the referrer reads with the referral. The status becomes `information_requested` until the
    answer arrives.
    """
    return await acts.request_referral_information(session, caller, referral_id, expected_version, payload)


@router.post("/{referral_id}/provide-information")
async def provide_referral_information(
    caller: ReferralInformationProvider,
    session: Session,
    referral_id: UUID,
    expected_version: ExpectedVersion,
    payload: ReferralInformationAnswer,
) -> ReferralView:
    """Provide the requested information.

    Answers the open question. The status returns to `acknowledged`.
    """
    return await acts.provide_referral_information(session, caller, referral_id, expected_version, payload)


@router.post("/{referral_id}/accept")
async def accept_referral(
    caller: ReferralAcceptor,
    session: Session,
    referral_id: UUID,
    expected_version: ExpectedVersion,
    payload: ReferralAcceptance,
) -> ReferralView:
    """Accept a referral.

    Opens a case for a new child, or for the known child in `child_id`. If the known child has an open case, the
    referral joins that case.
    """
    return await accept.accept_referral(session, caller, referral_id, expected_version, payload)


@router.post("/{referral_id}/decline")
async def decline_referral(
    caller: ReferralDecliner,
    session: Session,
    referral_id: UUID,
    expected_version: ExpectedVersion,
    payload: ReferralDecline,
) -> ReferralView:
    """Decline a referral.

    Records a reason code and other sources of help for the referrer, and a reason in words for staff.
    """
    return await acts.decline_referral(session, caller, referral_id, expected_version, payload)


@router.post("/{referral_id}/reinstate")
async def reinstate_referral(
    caller: ReferralReinstater,
    session: Session,
    referral_id: UUID,
    expected_version: ExpectedVersion,
    payload: ReferralReinstatement,
) -> ReferralView:
    """Reverse the decline of a referral.

    The status returns to `acknowledged`, and `decision_reversed_at` shows the partner that the decline was a mistake.
    The reversed decision stays in `reversals`.
    """
    return await reinstate.reinstate_referral(session, caller, referral_id, expected_version, payload)


@router.post("/{referral_id}/detach")
async def detach_referral(
    caller: ReferralDetacher,
    session: Session,
    referral_id: UUID,
    expected_version: ExpectedVersion,
    payload: ReferralDetachment,
) -> DetachedReferral:
    """Detach a referral that was accepted for the wrong child.

    The referral is `acknowledged` again, without case and child, and `decision_reversed_at` shows the correction to the
    partner. People, phones and the consent that it added are removed or marked as entered in error. `records_to_check`
    lists the data that stays, because staff confirmed or changed it. A case that the referral opened is closed with the
    reason `opened_in_error`, and the follow-ups that it replaced are open again. The detachment is refused if support
    was given in this case. The caller must be a supervisor of the team of the case, or a programme manager.
    """
    return await detach.detach_referral(session, caller, referral_id, expected_version, payload)


@router.post("/{referral_id}/withdraw")
async def withdraw_referral(
    caller: ReferralWithdrawer,
    session: Session,
    referral_id: UUID,
    expected_version: ExpectedVersion,
    payload: ReferralWithdrawal,
) -> ReferralView:
    """Withdraw a referral.

    A referral that is accepted or declined cannot be withdrawn. Partners' systems withdraw referrals of their agency;
    staff withdraw a referral at the request of the referrer.
    """
    return await acts.withdraw_referral(session, caller, referral_id, expected_version, payload)
