"""Acts on a referral: acknowledge, request and provide information, decline, withdraw. `accept` has its own module."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.caller import Caller
from app.access.permissions import Role
from app.errors import Fault, InvalidInput
from app.kit.records import get_version_for_update
from app.kit.state_machine import Transition, check_status, raise_if_unmet
from app.models import Referral, ReferralQuestion, TeamMember
from app.models.encrypted_field import dump_content
from app.models.record import utc_now
from app.models.referrals import StoredReferralOutcome
from app.schemas.referral_responses import ReferralView
from app.schemas.referrals import (
    ReferralAcknowledgement,
    ReferralDecline,
    ReferralInformationAnswer,
    ReferralInformationRequest,
    ReferralWithdrawal,
)
from app.services.referrals import views
from app.services.referrals.states import (
    ACKNOWLEDGE,
    DECLINE,
    PROVIDE_INFORMATION,
    REQUEST_INFORMATION,
    WITHDRAW,
)


async def acknowledge_referral(
    session: AsyncSession,
    caller: Caller,
    referral_id: UUID,
    expected_version: int,
    payload: ReferralAcknowledgement,
) -> ReferralView:
    """Acknowledge a referral and assign it to a team, optionally to a staff member.

    Without a team in the request, the referral is assigned to the caller's team if the caller supervises exactly one.

    Raises:
        GateRefused: The status is not `received`.
        InvalidInput: The caller cannot make this assignment.
    """
    referral = await _apply_transition(session, ACKNOWLEDGE, referral_id, expected_version)
    referral.acknowledged_at = utc_now()
    assignment = payload.model_dump(exclude_none=True)
    supervises_one_team = caller.has_role(Role.supervisor) and len(caller.supervised_team_ids) == 1
    if referral.team_id is None and "team_id" not in assignment and supervises_one_team:
        (assignment["team_id"],) = caller.supervised_team_ids
    await assign_referral(session, caller, referral, assignment)
    return await views.load_referral_view(session, caller, referral.id)


async def assign_referral(
    session: AsyncSession, caller: Caller, referral: Referral, assignment: dict[str, UUID | None]
) -> None:
    """Assign a referral to the team and the staff member in `assignment` (`team_id`, `handed_to_id`).

    Raises:
        InvalidInput: The caller is neither a supervisor of the team nor a programme manager, or the staff member is not
            a member of the team.
    """
    if not assignment:
        return
    if not caller.has_role(Role.supervisor, Role.programme_manager):
        detail = "Only supervisors and programme managers can assign referrals."
        raise InvalidInput([Fault(f"/{name}", "not_yours", detail) for name in assignment])
    team_id = assignment.get("team_id", referral.team_id)
    worker_id = assignment.get("handed_to_id", referral.handed_to_id)
    if team_id and not caller.supervises_team(team_id):
        raise InvalidInput([Fault("/team_id", "not_your_team", "You do not supervise this team.")])
    if worker_id and not await _is_team_member(session, worker_id, team_id):
        raise InvalidInput([Fault("/handed_to_id", "not_in_team", "Must be a member of the team.")])
    referral.team_id, referral.handed_to_id = team_id, worker_id


async def _is_team_member(session: AsyncSession, worker_id: UUID, team_id: UUID | None) -> bool:
    return team_id is not None and await session.get(TeamMember, (team_id, worker_id)) is not None


async def request_referral_information(
    session: AsyncSession,
    caller: Caller,
    referral_id: UUID,
    expected_version: int,
    payload: ReferralInformationRequest,
) -> ReferralView:
    """Add a question to the referrer.

    Raises:
        GateRefused: The status is not `acknowledged`.
    """
    referral = await _apply_transition(session, REQUEST_INFORMATION, referral_id, expected_version)
    question = ReferralQuestion(referral_id=referral.id, child_id=referral.child_id, asked_by_id=caller.id)
    question.question = payload.question
    session.add(question)
    return await views.load_referral_view(session, caller, referral.id)


async def provide_referral_information(
    session: AsyncSession,
    caller: Caller,
    referral_id: UUID,
    expected_version: int,
    payload: ReferralInformationAnswer,
) -> ReferralView:
    """Answer the open question.

    Raises:
        GateRefused: The status is not `information_requested`.
    """
    referral = await _apply_transition(session, PROVIDE_INFORMATION, referral_id, expected_version)
    open_questions = select(ReferralQuestion).where(
        col(ReferralQuestion.referral_id) == referral.id, col(ReferralQuestion.answered_at).is_(None)
    )
    for question in await session.scalars(open_questions):
        question.answered_at = utc_now()
        question.answer = payload.answer
    return await views.load_referral_view(session, caller, referral.id)


async def decline_referral(
    session: AsyncSession, caller: Caller, referral_id: UUID, expected_version: int, payload: ReferralDecline
) -> ReferralView:
    """Decline a referral, with the reason and other sources of help.

    Raises:
        GateRefused: The referral was accepted, declined or withdrawn.
    """
    referral = await _apply_transition(session, DECLINE, referral_id, expected_version)
    referral.decline_reason_code = payload.reason_code
    _record_outcome(referral, caller, dump_content(StoredReferralOutcome, payload))
    return await views.load_referral_view(session, caller, referral.id)


async def withdraw_referral(
    session: AsyncSession,
    caller: Caller,
    referral_id: UUID,
    expected_version: int,
    payload: ReferralWithdrawal,
) -> ReferralView:
    """Withdraw a referral: by a partner's system, or by staff at the request of the referrer.

    Raises:
        GateRefused: The referral was accepted, declined or withdrawn.
    """
    referral = await _apply_transition(session, WITHDRAW, referral_id, expected_version)
    _record_outcome(referral, caller, dump_content(StoredReferralOutcome, payload))
    return await views.load_referral_view(session, caller, referral.id)


def _record_outcome(referral: Referral, caller: Caller, outcome: StoredReferralOutcome) -> None:
    referral.decided_at = utc_now()
    referral.decided_by_id = None if caller.is_partner else caller.id
    referral.outcome = outcome


async def _apply_transition(
    session: AsyncSession, transition: Transition, referral_id: UUID, expected_version: int
) -> Referral:
    referral = await get_version_for_update(session, Referral, referral_id, expected_version)
    raise_if_unmet(check_status(transition, referral.status))
    referral.status = transition.target
    referral.updated_at = utc_now()
    return referral
