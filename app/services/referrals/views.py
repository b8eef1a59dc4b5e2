"""How a referral looks: to staff, in the queue, and to the partner who sent it."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.actor import Caller
from app.access.vault import decrypt
from app.models import Referral, ReferralQuestion
from app.schemas.identity import Birth, Name
from app.schemas.referrals import PartnerReferral, QuestionOut, ReferralItem, ReferralOut, ScreeningOut
from app.schemas.referrals_told import Told

PARTNER_COLUMN_FIELDS = set(PartnerReferral.model_fields) - {"signposted_to", "questions"}


async def referral_to_schema(
    session: AsyncSession, caller: Caller, referral: Referral
) -> ReferralOut | PartnerReferral:
    """Return one referral as this actor may read it."""
    return _to_schema_for_caller(
        caller, referral, (await _load_questions(session, [referral.id]))[referral.id]
    )


def new_referral_to_schema(caller: Caller, referral: Referral) -> ReferralOut | PartnerReferral:
    """Return a new referral as this actor may read it: nobody can have asked anything yet."""
    return _to_schema_for_caller(caller, referral, [])


async def referrals_to_partner_schemas(
    session: AsyncSession, referrals: Sequence[Referral]
) -> list[PartnerReferral]:
    """Return referrals as the agency that sent them reads them."""
    questions = await _load_questions(session, [r.id for r in referrals])
    return [_to_partner_schema(referral, questions[referral.id]) for referral in referrals]


def _to_schema_for_caller(
    caller: Caller, referral: Referral, questions: list[QuestionOut]
) -> ReferralOut | PartnerReferral:
    return (
        _to_partner_schema(referral, questions)
        if caller.is_partner
        else _to_staff_schema(referral, questions)
    )


def _to_staff_schema(referral: Referral, questions: list[QuestionOut]) -> ReferralOut:
    told = Told.model_validate(decrypt(referral))
    outcome = decrypt(referral, "outcome_sealed")
    return ReferralOut(
        **referral.model_dump(include=set(ReferralOut.model_fields) - set(Told.model_fields)),
        **{name: getattr(told, name) for name in Told.model_fields},
        reason=outcome.get("reason"),
        signposted_to=outcome.get("signposted_to") or [],
        screening=ScreeningOut(**outcome["screening"]) if outcome.get("screening") else None,
        questions=questions,
    )


def _to_partner_schema(referral: Referral, questions: list[QuestionOut]) -> PartnerReferral:
    """Where it stands, and what is asked of the agency; never FSC's records of the child."""
    return PartnerReferral.model_construct(
        **{name: getattr(referral, name) for name in PARTNER_COLUMN_FIELDS},
        signposted_to=decrypt(referral, "outcome_sealed").get("signposted_to") or [],
        questions=questions,
    )


def referral_to_summary(referral: Referral) -> ReferralItem:
    """Return a referral as a line of the intake queue."""
    child = decrypt(referral)["child"]
    return ReferralItem(
        **referral.model_dump(include=set(ReferralItem.model_fields)),
        child_names=[Name(**name) for name in child["names"]],
        child_nickname=child["nickname"],
        child_sex=child["sex"],
        child_birth=Birth(**child["birth"]),
    )


async def _load_questions(
    session: AsyncSession, referral_ids: Iterable[UUID]
) -> dict[UUID, list[QuestionOut]]:
    found: dict[UUID, list[QuestionOut]] = defaultdict(list)
    query = (
        select(ReferralQuestion)
        .where(col(ReferralQuestion.referral_id).in_(list(referral_ids)))
        .order_by(col(ReferralQuestion.asked_at))
    )
    for question in await session.scalars(query):
        found[question.referral_id].append(
            QuestionOut(
                id=question.id,
                question=decrypt(question, "question_sealed"),
                asked_at=question.asked_at,
                answer=decrypt(question, "answer_sealed") or None,
                answered_at=question.answered_at,
            )
        )
    return found
