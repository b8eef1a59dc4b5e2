"""Intake: receiving, completing and deciding referrals (accepting has a module of its own)."""

import secrets
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.actor import Actor
from app.access.permissions import Role
from app.access.vault import seal, unseal
from app.errors import Fault, InvalidInput
from app.kit.dates import refuse_ahead
from app.kit.pagination import Paging
from app.kit.records import find, find_for_change, patched
from app.kit.state_machine import Step, refuse, unmet_status
from app.models import Referral, ReferralQuestion, TeamMember
from app.models.record import new_id, now
from app.schemas.referrals import (
    Acknowledgement,
    AnswerIn,
    Decline,
    PartnerReferral,
    Question,
    ReferralFilters,
    ReferralIn,
    ReferralItem,
    ReferralOut,
    ReferralPatch,
    Withdrawal,
)
from app.schemas.referrals_told import Told
from app.schemas.wire import Page
from app.services.persons import person_details as telling
from app.services.referrals import views
from app.services.referrals.states import ACKNOWLEDGE, ANSWER, ASK, DECLINE, OPEN, WITHDRAW

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's: nothing that is misread over the phone."""
STAFF_FIELDS = frozenset({"handed_to_id", "team_id"})
ACKNOWLEDGED_WITHIN = timedelta(days=2)

AnyReferral = ReferralOut | PartnerReferral


async def receive(session: AsyncSession, actor: Actor, told: ReferralIn) -> AnyReferral:
    """Take in a referral, from a partner's system or typed in by staff; nothing that was told is lost.

    Raises:
        InvalidInput: a field is wrong.
        AlreadyExists: the agency has sent this `external_id`, or the id is taken.
    """
    _refuse_unidentified(actor, told)
    document = await _tidied(session, told)
    referral = Referral(
        id=told.id or new_id(),
        agency_id=actor.agency_id if actor.is_partner else None,
        received_by_id=None if actor.is_partner else actor.id,
        external_id=told.external_id,
        tracking_number=_tracking_number(),
        source="api" if actor.is_partner else (told.source or "phone_call"),
        urgency=told.urgency,
        concern_kind=told.concern.kind,
        province_code=(told.child.place_code or "")[:2] or None,
    )
    seal(referral, "sealed", document)
    session.add(referral)
    await session.flush()  # the tokens' policy looks for the referral
    await telling.index(session, referral.id, "referral", None, telling.circle(document), is_new=True)
    return views.just_received(actor, referral)


def _refuse_unidentified(actor: Actor, told: ReferralIn) -> None:
    if actor.is_partner and told.external_id is None:
        detail = "API clients name the referral by their own id, so that it is known again."
        raise InvalidInput([Fault("/external_id", "missing", detail)])
    if told.source is not None and actor.is_partner != (told.source == "api"):
        detail = "The source of what API clients send is api, and of nothing else."
        raise InvalidInput([Fault("/source", "not_yours", detail)])


async def _tidied(session: AsyncSession, told: Told) -> dict[str, Any]:
    """Return what was told as it is stored; every person in it in order.

    Raises:
        InvalidInput: what is said to have happened lies in the future, or see `telling.tidied`.
    """
    basis = told.consent.basis_without_consent
    refuse_ahead(
        {
            "/concern/occurred_on": told.concern.occurred_on,
            "/consent/on": told.consent.on,
            "/consent/basis_without_consent/on": basis.on if basis else None,
        }
    )
    document = told.model_dump(mode="json", exclude=set(ReferralIn.model_fields) - set(Told.model_fields))
    document["child"] = await telling.tidied(session, document["child"], "/child")
    if document["caregiver"]:
        document["caregiver"] = await telling.tidied(session, document["caregiver"], "/caregiver")
    referrer = document["referrer"]
    if referrer and referrer["phone"]:
        referrer["phone"] = telling.office_phone(referrer["phone"])
    return document


def _tracking_number() -> str:
    drawn = "".join(secrets.choice(ALPHABET) for _ in range(8))
    return f"R-{drawn[:4]}-{drawn[4:]}"


async def listed(
    session: AsyncSession, actor: Actor, filters: ReferralFilters
) -> Page[ReferralItem] | Page[PartnerReferral]:
    """List referrals, newest first: the agency's own, or the intake queue as far as the actor sees it."""
    wanted = filters.model_dump(exclude={"limit", "cursor"}, exclude_none=True)
    paging = Paging("referrals", filters.limit, filters.cursor, {**wanted, "for": actor.id})
    rows, cursor = await paging.records(
        session, select(Referral).filter_by(**wanted), col(Referral.received_at), col(Referral.id)
    )
    if actor.is_partner:
        return Page(items=await views.for_partner(session, rows), next_cursor=cursor)
    return Page(items=[views.item(row) for row in rows], next_cursor=cursor)


async def read(session: AsyncSession, actor: Actor, referral_id: UUID) -> AnyReferral:
    """Read one referral."""
    return await views.shown(session, actor, await find(session, Referral, referral_id))


async def complete(
    session: AsyncSession, actor: Actor, referral_id: UUID, seen: int, patch: ReferralPatch
) -> AnyReferral:
    """Complete or correct what was told, until it is decided; staff may also hand it to a worker or a team.

    Raises:
        GateRefused: it is decided: frozen.
        InvalidInput: the whole would not be a referral any more.
    """
    referral = await find_for_change(session, Referral, referral_id, seen)
    refuse(unmet_status(Step("complete", OPEN, referral.status, ACKNOWLEDGE.permission), referral.status))
    handing = patch.model_dump(include=set(STAFF_FIELDS), exclude_unset=True)
    await _hand_over(session, actor, referral, handing)
    telling_patch = patch.model_copy()
    telling_patch.__pydantic_fields_set__ -= STAFF_FIELDS
    document = await _tidied(session, patched(Told, unseal(referral), telling_patch))
    referral.urgency = document["urgency"]
    referral.concern_kind = document["concern"]["kind"]
    referral.province_code = (document["child"]["place_code"] or "")[:2] or None
    referral.updated_at = now()
    seal(referral, "sealed", document)
    await telling.index(session, referral.id, "referral", referral.child_id, telling.circle(document))
    await session.flush()  # the answer shows what was stored
    return await views.shown(session, actor, referral)


async def _hand_over(
    session: AsyncSession, actor: Actor, referral: Referral, handing: dict[str, Any]
) -> None:
    if not handing:
        return
    if not actor.has(Role.supervisor, Role.programme_manager):
        faults = [Fault(f"/{name}", "not_yours", "A supervisor hands referrals over.") for name in handing]
        raise InvalidInput(faults)
    team_id = handing.get("team_id", referral.team_id)
    worker_id = handing.get("handed_to_id", referral.handed_to_id)
    if team_id and not actor.leads(team_id):
        raise InvalidInput([Fault("/team_id", "not_your_team", "You do not lead this team.")])
    if worker_id and not await _works_in(session, worker_id, team_id):
        raise InvalidInput([Fault("/handed_to_id", "not_in_team", "Not a member of the team.")])
    referral.team_id, referral.handed_to_id = team_id, worker_id


async def _works_in(session: AsyncSession, worker_id: UUID, team_id: UUID | None) -> bool:
    return team_id is not None and await session.get(TeamMember, (team_id, worker_id)) is not None


async def acknowledge(
    session: AsyncSession, actor: Actor, referral_id: UUID, seen: int, taking: Acknowledgement
) -> AnyReferral:
    """Tell the referrer that it arrived, and take it on: for a team, perhaps for a worker."""
    referral = await _step(session, ACKNOWLEDGE, referral_id, seen)
    referral.acknowledged_at = now()
    handing = taking.model_dump(exclude_none=True)
    leads_one_team = actor.has(Role.supervisor) and len(actor.supervises) == 1
    if referral.team_id is None and "team_id" not in handing and leads_one_team:
        (handing["team_id"],) = actor.supervises
    await _hand_over(session, actor, referral, handing)
    await session.flush()  # the answer shows what was stored
    return await views.shown(session, actor, referral)


async def ask(
    session: AsyncSession, actor: Actor, referral_id: UUID, seen: int, asking: Question
) -> AnyReferral:
    """Ask the referrer for more information."""
    referral = await _step(session, ASK, referral_id, seen)
    question = ReferralQuestion(referral_id=referral.id, child_id=referral.child_id, asked_by_id=actor.id)
    seal(question, "question_sealed", asking.question)
    session.add(question)
    await session.flush()  # the answer shows what was stored
    return await views.shown(session, actor, referral)


async def provide(
    session: AsyncSession, actor: Actor, referral_id: UUID, seen: int, answering: AnswerIn
) -> AnyReferral:
    """Answer the open question."""
    referral = await _step(session, ANSWER, referral_id, seen)
    open_questions = select(ReferralQuestion).where(
        col(ReferralQuestion.referral_id) == referral.id, col(ReferralQuestion.answered_at).is_(None)
    )
    for question in await session.scalars(open_questions):
        question.answered_at = now()
        seal(question, "answer_sealed", answering.answer)
    await session.flush()  # the answer shows what was stored
    return await views.shown(session, actor, referral)


async def decline(
    session: AsyncSession, actor: Actor, referral_id: UUID, seen: int, decision: Decline
) -> AnyReferral:
    """Decline, with the reason and where else help may be found."""
    referral = await _step(session, DECLINE, referral_id, seen)
    referral.decline_reason_code = decision.reason_code
    _decided(referral, actor, decision.model_dump(mode="json"))
    await session.flush()  # the answer shows what was stored
    return await views.shown(session, actor, referral)


async def withdraw(
    session: AsyncSession, actor: Actor, referral_id: UUID, seen: int, taking_back: Withdrawal
) -> AnyReferral:
    """Take a referral back: by who sent it."""
    referral = await _step(session, WITHDRAW, referral_id, seen)
    _decided(referral, actor, taking_back.model_dump(mode="json"))
    await session.flush()  # the answer shows what was stored
    return await views.shown(session, actor, referral)


def _decided(referral: Referral, actor: Actor, outcome: dict[str, Any]) -> None:
    referral.decided_at = now()
    referral.decided_by_id = None if actor.is_partner else actor.id
    seal(referral, "outcome_sealed", outcome)


async def _step(session: AsyncSession, step: Step, referral_id: UUID, seen: int) -> Referral:
    referral = await find_for_change(session, Referral, referral_id, seen)
    refuse(unmet_status(step, referral.status))
    referral.status = step.target
    referral.updated_at = now()
    return referral
