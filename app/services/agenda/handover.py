"""Hand over the work of a person who leaves, or changes roles, to another person of the same teams."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import ColumnElement, delete, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.caller import Caller
from app.access.log import refresh_context
from app.access.permissions import Role
from app.errors import Fault, InvalidInput, NotFound
from app.kit.entered_in_error import is_valid
from app.kit.records import get_for_share, get_version_for_update
from app.models import Case, CaseWorker, FollowUp, LegalStep, Referral, ServiceReferral, SupportSession, User
from app.models.record import CorrectableRecord, utc_now
from app.schemas.handover import Handover, HandoverRequest, RemainingCase
from app.schemas.references import CaseRef
from app.services.accounts.remaining_work import count_remaining_work
from app.services.cases import history as case_history
from app.services.cases.staffing_checks import LEAD_WORKER_ROLES, can_lead_case, check_conflict_wall
from app.services.referrals.states import OPEN_STATUSES


async def hand_over_work(
    session: AsyncSession, caller: Caller, user_id: UUID, expected_version: int, payload: HandoverRequest
) -> Handover:
    """Hand over the cases, planned sessions and referrals of a user to another user, in one transaction.

    A supervisor hands over the work in the supervised teams, a programme manager the work in all teams. Cases that the
    receiver cannot take stay with the user, and are listed. Repeating the handover has no further effect.

    Raises:
        NotFound: the caller cannot see one of the cases that the request names.
        InvalidInput: the receiver is the same user, is not active, or has no role for case work.
        StaleVersion: the user was changed since the caller read it.
    """
    user = await get_version_for_update(session, User, user_id, expected_version)
    receiver = await get_for_share(session, User, payload.to_user_id)
    _validate_receiver(user, receiver)
    await _ensure_visible(session, payload.case_ids or ())
    moved, remaining = list[Case](), list[RemainingCase]()
    for case in await _lock_cases(session, caller, user, payload):
        reason = await _find_obstacle(session, case, receiver)
        if reason is None:
            await _move_case(session, caller, case, (user, receiver), payload.reason)
            moved.append(case)
        else:
            remaining.append(RemainingCase(case=CaseRef(id=case.id, number=case.number), reason=reason))
    referrals = 0 if payload.case_ids is not None else await _move_referrals(session, caller, user, receiver)
    await session.flush()  # the remaining work is counted by a query without autoflush
    await refresh_context(session)  # the caller can be the receiver
    return Handover(
        cases=[CaseRef(id=case.id, number=case.number) for case in moved],
        referrals=referrals,
        remaining_cases=remaining,
        remaining_work=await count_remaining_work(session, user.id),
    )


async def _ensure_visible(session: AsyncSession, case_ids: Sequence[UUID]) -> None:
    visible = select(func.count()).select_from(Case).where(col(Case.id).in_(case_ids))
    if await session.scalar(visible) != len(set(case_ids)):
        raise NotFound


def _validate_receiver(user: User, receiver: User) -> None:
    if receiver.id == user.id:
        raise InvalidInput([Fault("/to_user_id", "worker_unfit", "The work must go to another person.")])
    can_act = receiver.is_active and receiver.activation_digest is None
    if not can_act or set(LEAD_WORKER_ROLES).isdisjoint(receiver.roles):
        detail = "The receiver must be an active social worker or supervisor."
        raise InvalidInput([Fault("/to_user_id", "worker_unfit", detail)])


async def _lock_cases(
    session: AsyncSession, caller: Caller, user: User, payload: HandoverRequest
) -> Sequence[Case]:
    """Lock and return the cases in which the user has open work, in the order of their ids to prevent deadlocks."""
    has_open_work = or_(
        col(Case.status) != "closed",
        _has_record_with_status(FollowUp, "due", "missed"),
        _has_record_with_status(LegalStep, "planned"),
        _has_record_with_status(ServiceReferral, "sent", "accepted"),
        select(col(ServiceReferral.id))
        .where(
            col(ServiceReferral.case_id) == col(Case.id),
            col(ServiceReferral.recall_requested_at).is_not(None),
            col(ServiceReferral.recalled_at).is_(None),
        )
        .exists(),
    )
    is_worker = or_(
        col(Case.lead_worker_id) == user.id,
        select(col(CaseWorker.case_id))
        .where(col(CaseWorker.case_id) == col(Case.id), col(CaseWorker.user_id) == user.id)
        .exists(),
        select(col(SupportSession.id))
        .where(
            col(SupportSession.case_id) == col(Case.id),
            col(SupportSession.worker_id) == user.id,
            col(SupportSession.status) == "planned",
            is_valid(SupportSession),
        )
        .exists(),
    )
    query = (
        select(Case).where(is_worker, has_open_work).order_by(col(Case.id)).with_for_update(key_share=True)
    )
    if payload.case_ids is not None:
        query = query.where(col(Case.id).in_(payload.case_ids))
    if not caller.has_role(Role.programme_manager):
        query = query.where(col(Case.team_id).in_(caller.supervised_team_ids))
    return (await session.scalars(query.execution_options(populate_existing=True))).all()


def _has_record_with_status(
    model: type[FollowUp | LegalStep | ServiceReferral], *statuses: str
) -> ColumnElement[bool]:
    rows = select(col(model.id)).where(col(model.case_id) == col(Case.id), col(model.status).in_(statuses))
    if issubclass(model, CorrectableRecord):
        rows = rows.where(is_valid(model))
    return rows.exists()


async def _find_obstacle(session: AsyncSession, case: Case, receiver: User) -> str | None:
    """Return the code of the reason why the receiver cannot work on a case, or None."""
    if not await can_lead_case(session, receiver.id, case.team_id):
        return "not_in_team"
    wall = await check_conflict_wall(session, case.child_id, [receiver.id])
    return "wall" if wall else None


async def _move_case(
    session: AsyncSession, caller: Caller, case: Case, people: tuple[User, User], reason: str
) -> None:
    """Replace the user as lead worker or co-worker of a case, and in its planned sessions."""
    user, receiver = people
    detail = {"from_lead": str(case.lead_worker_id), "reason": reason}
    if case.lead_worker_id == user.id:
        case.lead_worker_id = receiver.id
    detail["to_lead"] = str(case.lead_worker_id)
    case_history.record_case_history(session, case, "lead_assigned", caller, case, detail)
    case.version, case.updated_at = case.version + 1, utc_now()
    if case.status != "closed":
        await _replace_co_worker(session, case, user, receiver)
    planned = update(SupportSession).where(
        col(SupportSession.case_id) == case.id,
        col(SupportSession.worker_id) == user.id,
        col(SupportSession.status) == "planned",
        is_valid(SupportSession),
    )
    values = {"worker_id": receiver.id, "version": SupportSession.version + 1, "updated_at": utc_now()}
    await session.execute(planned.values(values).execution_options(synchronize_session=False))
    await session.flush()  # the conflict wall of the next case depends on the workers of this one


async def _replace_co_worker(session: AsyncSession, case: Case, user: User, receiver: User) -> None:
    of_case = select(col(CaseWorker.user_id)).where(col(CaseWorker.case_id) == case.id)
    co_worker_ids = set((await session.scalars(of_case)).all())
    leaving = {user.id, case.lead_worker_id} & co_worker_ids
    if leaving:
        await session.execute(
            delete(CaseWorker).where(col(CaseWorker.case_id) == case.id, col(CaseWorker.user_id).in_(leaving))
        )
    if receiver.id not in {case.lead_worker_id, *co_worker_ids}:
        session.add(CaseWorker(case_id=case.id, child_id=case.child_id, user_id=receiver.id))


async def _move_referrals(session: AsyncSession, caller: Caller, user: User, receiver: User) -> int:
    """Assign the open referrals of the user to the receiver, if the receiver is in their team. Return their number."""
    query = (
        select(Referral)
        .where(col(Referral.handed_to_id) == user.id, col(Referral.status).in_(sorted(OPEN_STATUSES)))
        .order_by(col(Referral.id))
        .with_for_update(key_share=True)
    )
    moved = 0
    for referral in await session.scalars(query.execution_options(populate_existing=True)):
        team_id = referral.team_id
        is_in_scope = team_id is not None and caller.supervises_team(team_id)
        if is_in_scope and await can_lead_case(session, receiver.id, team_id):
            referral.handed_to_id, referral.version = receiver.id, referral.version + 1
            referral.updated_at = utc_now()
            moved += 1
    return moved
