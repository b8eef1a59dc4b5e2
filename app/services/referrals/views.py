"""How a referral looks: to staff, in the queue, and to the partner who sent it."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.caller import Caller
from app.access.vault import decrypt
from app.models import Referral, ReferralQuestion
from app.schemas.identity import Birth, PersonName
from app.schemas.referral_content import ReferralContent
from app.schemas.referrals import PartnerReferral, ReferralScreening, ReferralSummary
from app.schemas.referrals import Referral as ReferralSchema
from app.schemas.referrals import ReferralQuestion as ReferralQuestionSchema

PARTNER_COLUMN_FIELDS = set(PartnerReferral.model_fields) - {"signposted_to", "questions"}


async def referral_to_schema(
    session: AsyncSession, caller: Caller, referral: Referral
) -> ReferralSchema | PartnerReferral:
    """Return one referral as this actor may read it."""
    return _to_schema_for_caller(
        caller, referral, (await _load_questions(session, [referral.id]))[referral.id]
    )


def new_referral_to_schema(caller: Caller, referral: Referral) -> ReferralSchema | PartnerReferral:
    """Return a new referral as this actor may read it: nobody can have asked anything yet."""
    return _to_schema_for_caller(caller, referral, [])


async def referrals_to_partner_schemas(
    session: AsyncSession, referrals: Sequence[Referral]
) -> list[PartnerReferral]:
    """Return referrals as the agency that sent them reads them."""
    questions = await _load_questions(session, [r.id for r in referrals])
    return [_to_partner_schema(referral, questions[referral.id]) for referral in referrals]


def _to_schema_for_caller(
    caller: Caller, referral: Referral, questions: list[ReferralQuestionSchema]
) -> ReferralSchema | PartnerReferral:
    return (
        _to_partner_schema(referral, questions)
        if caller.is_partner
        else _to_staff_schema(referral, questions)
    )


def _to_staff_schema(referral: Referral, questions: list[ReferralQuestionSchema]) -> ReferralSchema:
    told = ReferralContent.model_validate(decrypt(referral))
    outcome = decrypt(referral, "outcome_sealed")
    return ReferralSchema(
        **referral.model_dump(include=set(ReferralSchema.model_fields) - set(ReferralContent.model_fields)),
        **{name: getattr(told, name) for name in ReferralContent.model_fields},
        reason=outcome.get("reason"),
        signposted_to=outcome.get("signposted_to") or [],
        screening=ReferralScreening(**outcome["screening"]) if outcome.get("screening") else None,
        questions=questions,
    )


def _to_partner_schema(referral: Referral, questions: list[ReferralQuestionSchema]) -> PartnerReferral:
    """Where it stands, and what is asked of the agency; never FSC's records of the child."""
    return PartnerReferral.model_construct(
        **{name: getattr(referral, name) for name in PARTNER_COLUMN_FIELDS},
        signposted_to=decrypt(referral, "outcome_sealed").get("signposted_to") or [],
        questions=questions,
    )


def referral_to_summary(referral: Referral) -> ReferralSummary:
    """Return a referral as a line of the intake queue."""
    child = decrypt(referral)["child"]
    return ReferralSummary(
        **referral.model_dump(include=set(ReferralSummary.model_fields)),
        child_names=[PersonName(**name) for name in child["names"]],
        child_nickname=child["nickname"],
        child_sex=child["sex"],
        child_birth=Birth(**child["birth"]),
    )


async def _load_questions(
    session: AsyncSession, referral_ids: Iterable[UUID]
) -> dict[UUID, list[ReferralQuestionSchema]]:
    found: dict[UUID, list[ReferralQuestionSchema]] = defaultdict(list)
    query = (
        select(ReferralQuestion)
        .where(col(ReferralQuestion.referral_id).in_(list(referral_ids)))
        .order_by(col(ReferralQuestion.asked_at))
    )
    for question in await session.scalars(query):
        found[question.referral_id].append(
            ReferralQuestionSchema(
                id=question.id,
                question=decrypt(question, "question_sealed"),
                asked_at=question.asked_at,
                answer=decrypt(question, "answer_sealed") or None,
                answered_at=question.answered_at,
            )
        )
    return found
