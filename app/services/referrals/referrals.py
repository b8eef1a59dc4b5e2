"""Intake: receiving, completing and deciding referrals (accepting has a module of its own)."""

import secrets
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.caller import Caller
from app.access.permissions import Role
from app.access.vault import decrypt, encrypt
from app.errors import Fault, InvalidInput
from app.kit.dates import validate_not_in_future
from app.kit.pagination import Paginator
from app.kit.records import apply_patch, get_record, get_version_for_update
from app.kit.state_machine import Transition, check_status, raise_if_unmet
from app.models import Referral, ReferralQuestion, TeamMember
from app.models.record import new_id, utc_now
from app.schemas.referral_content import ReferralContent
from app.schemas.referrals import (
    PartnerReferral,
    PartnerReferralList,
    ReferralAcknowledgement,
    ReferralCreate,
    ReferralDecline,
    ReferralFilters,
    ReferralInformationAnswer,
    ReferralInformationRequest,
    ReferralList,
    ReferralUpdate,
    Withdrawal,
)
from app.schemas.referrals import (
    Referral as ReferralSchema,
)
from app.services.persons import person_details as telling
from app.services.referrals import views
from app.services.referrals.states import (
    ACKNOWLEDGE,
    DECLINE,
    OPEN_STATUSES,
    PROVIDE_INFORMATION,
    REQUEST_INFORMATION,
    WITHDRAW,
)

TRACKING_NUMBER_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's: nothing that is misread over the phone."""
STAFF_FIELDS = frozenset({"handed_to_id", "team_id"})
ACKNOWLEDGEMENT_DEADLINE = timedelta(days=2)

AnyReferral = ReferralSchema | PartnerReferral


async def create_referral(session: AsyncSession, caller: Caller, payload: ReferralCreate) -> AnyReferral:
    """Take in a referral, from a partner's system or typed in by staff; nothing that was told is lost.

    Raises:
        InvalidInput: a field is wrong.
        AlreadyExists: the agency has sent this `external_id`, or the id is taken.
    """
    _validate_source(caller, payload)
    document = await _normalize_payload(session, payload)
    referral = Referral(
        id=payload.id or new_id(),
        agency_id=caller.agency_id if caller.is_partner else None,
        received_by_id=None if caller.is_partner else caller.id,
        external_id=payload.external_id,
        tracking_number=_generate_tracking_number(),
        source="api" if caller.is_partner else (payload.source or "phone_call"),
        urgency=payload.urgency,
        concern_kind=payload.concern.kind,
        province_code=(payload.child.place_code or "")[:2] or None,
    )
    encrypt(referral, "sealed", document)
    session.add(referral)
    await session.flush()  # the tokens' policy looks for the referral
    await telling.replace_search_tokens(
        session, referral.id, "referral", None, telling.get_child_and_caregiver(document), is_new=True
    )
    return views.new_referral_to_schema(caller, referral)


def _validate_source(caller: Caller, payload: ReferralCreate) -> None:
    if caller.is_partner and payload.external_id is None:
        detail = "API clients name the referral by their own id, so that it is known again."
        raise InvalidInput([Fault("/external_id", "missing", detail)])
    if payload.source is not None and caller.is_partner != (payload.source == "api"):
        detail = "The source of what API clients send is api, and of nothing else."
        raise InvalidInput([Fault("/source", "not_yours", detail)])


async def _normalize_payload(session: AsyncSession, payload: ReferralContent) -> dict[str, Any]:
    """Return what was told as it is stored; every person in it in order.

    Raises:
        InvalidInput: what is said to have happened lies in the future, or see `telling.tidied`.
    """
    basis = payload.consent.basis_without_consent
    validate_not_in_future(
        {
            "/concern/occurred_on": payload.concern.occurred_on,
            "/consent/on": payload.consent.on,
            "/consent/basis_without_consent/on": basis.on if basis else None,
        }
    )
    document = payload.model_dump(
        mode="json", exclude=set(ReferralCreate.model_fields) - set(ReferralContent.model_fields)
    )
    document["child"] = await telling.normalize_person_details(session, document["child"], "/child")
    if document["caregiver"]:
        document["caregiver"] = await telling.normalize_person_details(
            session, document["caregiver"], "/caregiver"
        )
    referrer = document["referrer"]
    if referrer and referrer["phone"]:
        referrer["phone"] = telling.normalize_office_phone(referrer["phone"])
    return document


def _generate_tracking_number() -> str:
    drawn = "".join(secrets.choice(TRACKING_NUMBER_ALPHABET) for _ in range(8))
    return f"R-{drawn[:4]}-{drawn[4:]}"


async def list_referrals(
    session: AsyncSession, caller: Caller, filters: ReferralFilters
) -> ReferralList | PartnerReferralList:
    """List referrals, newest first: the agency's own, or the intake queue as far as the actor sees it."""
    wanted = filters.model_dump(exclude={"limit", "cursor"}, exclude_none=True)
    paging = Paginator("referrals", filters.limit, filters.cursor, {**wanted, "for": caller.id})
    rows, cursor = await paging.fetch_records(
        session, select(Referral).filter_by(**wanted), col(Referral.received_at), col(Referral.id)
    )
    if caller.is_partner:
        return PartnerReferralList(
            items=await views.referrals_to_partner_schemas(session, rows), next_cursor=cursor
        )
    return ReferralList(items=[views.referral_to_summary(row) for row in rows], next_cursor=cursor)


async def get_referral(session: AsyncSession, caller: Caller, referral_id: UUID) -> AnyReferral:
    """Read one referral."""
    return await views.referral_to_schema(session, caller, await get_record(session, Referral, referral_id))


async def update_referral(
    session: AsyncSession, caller: Caller, referral_id: UUID, expected_version: int, patch: ReferralUpdate
) -> AnyReferral:
    """Complete or correct what was told, until it is decided; staff may also hand it to a worker or a team.

    Raises:
        GateRefused: it is decided: frozen.
        InvalidInput: the whole would not be a referral any more.
    """
    referral = await get_version_for_update(session, Referral, referral_id, expected_version)
    raise_if_unmet(
        check_status(
            Transition("complete", OPEN_STATUSES, referral.status, ACKNOWLEDGE.permission), referral.status
        )
    )
    handing = patch.model_dump(include=set(STAFF_FIELDS), exclude_unset=True)
    await _assign_referral(session, caller, referral, handing)
    telling_patch = patch.model_copy()
    telling_patch.__pydantic_fields_set__ -= STAFF_FIELDS
    document = await _normalize_payload(
        session, apply_patch(ReferralContent, decrypt(referral), telling_patch)
    )
    referral.urgency = document["urgency"]
    referral.concern_kind = document["concern"]["kind"]
    referral.province_code = (document["child"]["place_code"] or "")[:2] or None
    referral.updated_at = utc_now()
    encrypt(referral, "sealed", document)
    await telling.replace_search_tokens(
        session, referral.id, "referral", referral.child_id, telling.get_child_and_caregiver(document)
    )
    await session.flush()  # the answer shows what was stored
    return await views.referral_to_schema(session, caller, referral)


async def _assign_referral(
    session: AsyncSession, caller: Caller, referral: Referral, handing: dict[str, Any]
) -> None:
    if not handing:
        return
    if not caller.has_role(Role.supervisor, Role.programme_manager):
        faults = [Fault(f"/{name}", "not_yours", "A supervisor hands referrals over.") for name in handing]
        raise InvalidInput(faults)
    team_id = handing.get("team_id", referral.team_id)
    worker_id = handing.get("handed_to_id", referral.handed_to_id)
    if team_id and not caller.leads_team(team_id):
        raise InvalidInput([Fault("/team_id", "not_your_team", "You do not lead this team.")])
    if worker_id and not await _is_team_member(session, worker_id, team_id):
        raise InvalidInput([Fault("/handed_to_id", "not_in_team", "Not a member of the team.")])
    referral.team_id, referral.handed_to_id = team_id, worker_id


async def _is_team_member(session: AsyncSession, worker_id: UUID, team_id: UUID | None) -> bool:
    return team_id is not None and await session.get(TeamMember, (team_id, worker_id)) is not None


async def acknowledge_referral(
    session: AsyncSession,
    caller: Caller,
    referral_id: UUID,
    expected_version: int,
    taking: ReferralAcknowledgement,
) -> AnyReferral:
    """Tell the referrer that it arrived, and take it on: for a team, perhaps for a worker."""
    referral = await _apply_transition(session, ACKNOWLEDGE, referral_id, expected_version)
    referral.acknowledged_at = utc_now()
    handing = taking.model_dump(exclude_none=True)
    leads_one_team = caller.has_role(Role.supervisor) and len(caller.supervised_team_ids) == 1
    if referral.team_id is None and "team_id" not in handing and leads_one_team:
        (handing["team_id"],) = caller.supervised_team_ids
    await _assign_referral(session, caller, referral, handing)
    await session.flush()  # the answer shows what was stored
    return await views.referral_to_schema(session, caller, referral)


async def request_referral_information(
    session: AsyncSession,
    caller: Caller,
    referral_id: UUID,
    expected_version: int,
    asking: ReferralInformationRequest,
) -> AnyReferral:
    """Ask the referrer for more information."""
    referral = await _apply_transition(session, REQUEST_INFORMATION, referral_id, expected_version)
    question = ReferralQuestion(referral_id=referral.id, child_id=referral.child_id, asked_by_id=caller.id)
    encrypt(question, "question_sealed", asking.question)
    session.add(question)
    await session.flush()  # the answer shows what was stored
    return await views.referral_to_schema(session, caller, referral)


async def provide_referral_information(
    session: AsyncSession,
    caller: Caller,
    referral_id: UUID,
    expected_version: int,
    answering: ReferralInformationAnswer,
) -> AnyReferral:
    """Answer the open question."""
    referral = await _apply_transition(session, PROVIDE_INFORMATION, referral_id, expected_version)
    open_questions = select(ReferralQuestion).where(
        col(ReferralQuestion.referral_id) == referral.id, col(ReferralQuestion.answered_at).is_(None)
    )
    for question in await session.scalars(open_questions):
        question.answered_at = utc_now()
        encrypt(question, "answer_sealed", answering.answer)
    await session.flush()  # the answer shows what was stored
    return await views.referral_to_schema(session, caller, referral)


async def decline_referral(
    session: AsyncSession, caller: Caller, referral_id: UUID, expected_version: int, decision: ReferralDecline
) -> AnyReferral:
    """Decline, with the reason and where else help may be found."""
    referral = await _apply_transition(session, DECLINE, referral_id, expected_version)
    referral.decline_reason_code = decision.reason_code
    _record_decision(referral, caller, decision.model_dump(mode="json"))
    await session.flush()  # the answer shows what was stored
    return await views.referral_to_schema(session, caller, referral)


async def withdraw_referral(
    session: AsyncSession, caller: Caller, referral_id: UUID, expected_version: int, taking_back: Withdrawal
) -> AnyReferral:
    """Take a referral back: by who sent it."""
    referral = await _apply_transition(session, WITHDRAW, referral_id, expected_version)
    _record_decision(referral, caller, taking_back.model_dump(mode="json"))
    await session.flush()  # the answer shows what was stored
    return await views.referral_to_schema(session, caller, referral)


def _record_decision(referral: Referral, caller: Caller, outcome: dict[str, Any]) -> None:
    referral.decided_at = utc_now()
    referral.decided_by_id = None if caller.is_partner else caller.id
    encrypt(referral, "outcome_sealed", outcome)


async def _apply_transition(
    session: AsyncSession, step: Transition, referral_id: UUID, expected_version: int
) -> Referral:
    referral = await get_version_for_update(session, Referral, referral_id, expected_version)
    raise_if_unmet(check_status(step, referral.status))
    referral.status = step.target
    referral.updated_at = utc_now()
    return referral
