"""Response schemas of referrals: the staff view, the summary of the intake queue, and the partner view."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.caller import Caller
from app.models import Referral, ReferralQuestion
from app.schemas.identity import Birth, PersonName
from app.schemas.referral_content import ReferralContent
from app.schemas.referral_responses import PartnerReferral, ReferralScreening, ReferralSummary, ReferralView
from app.schemas.referral_responses import Referral as ReferralSchema
from app.schemas.referral_responses import ReferralQuestion as ReferralQuestionSchema

STAFF_COLUMN_FIELDS = set(ReferralSchema.model_fields) - set(ReferralContent.model_fields) - {"view"}
PARTNER_COLUMN_FIELDS = set(PartnerReferral.model_fields) - {"view", "signposted_to", "questions"}


async def referral_to_schema(session: AsyncSession, caller: Caller, referral: Referral) -> ReferralView:
    """Return a referral in the caller's view."""
    questions = await _load_questions(session, [referral.id])
    return _to_schema_for_caller(caller, referral, questions[referral.id])


def new_referral_to_schema(caller: Caller, referral: Referral) -> ReferralView:
    """Return a new referral in the caller's view. A new referral has no questions, so that no query is needed."""
    return _to_schema_for_caller(caller, referral, [])


async def referrals_to_partner_schemas(
    session: AsyncSession, referrals: Sequence[Referral]
) -> list[PartnerReferral]:
    """Return referrals in the view of the agency that sent them."""
    questions = await _load_questions(session, [referral.id for referral in referrals])
    return [_to_partner_schema(referral, questions[referral.id]) for referral in referrals]


def _to_schema_for_caller(
    caller: Caller, referral: Referral, questions: list[ReferralQuestionSchema]
) -> ReferralView:
    if caller.is_partner:
        return _to_partner_schema(referral, questions)
    return _to_staff_schema(referral, questions)


def _to_staff_schema(referral: Referral, questions: list[ReferralQuestionSchema]) -> ReferralSchema:
    content = ReferralContent.model_validate(referral.content)
    outcome = referral.outcome or {}
    screening = outcome.get("screening")
    return ReferralSchema(
        view="staff",
        **referral.model_dump(include=STAFF_COLUMN_FIELDS),
        **{name: getattr(content, name) for name in ReferralContent.model_fields},
        reason=outcome.get("reason"),
        signposted_to=outcome.get("signposted_to") or [],
        screening=ReferralScreening(**screening) if screening else None,
        questions=questions,
    )


def _to_partner_schema(referral: Referral, questions: list[ReferralQuestionSchema]) -> PartnerReferral:
    """Return the progress of a referral and its questions, without First Step's records of the child."""
    outcome = referral.outcome or {}
    return PartnerReferral.model_construct(
        view="partner",
        **{name: getattr(referral, name) for name in PARTNER_COLUMN_FIELDS},
        signposted_to=outcome.get("signposted_to") or [],
        questions=questions,
    )


def referral_to_summary(referral: Referral) -> ReferralSummary:
    """Return a referral as an item of the intake queue."""
    child = referral.content["child"]
    return ReferralSummary(
        **referral.model_dump(include=set(ReferralSummary.model_fields)),
        child_names=[PersonName(**name) for name in child["names"]],
        child_nickname=child["nickname"],
        child_sex=child["sex"],
        child_birth=Birth.model_validate(child["birth"]),
    )


async def _load_questions(
    session: AsyncSession, referral_ids: Iterable[UUID]
) -> dict[UUID, list[ReferralQuestionSchema]]:
    questions: dict[UUID, list[ReferralQuestionSchema]] = defaultdict(list)
    query = (
        select(ReferralQuestion)
        .where(col(ReferralQuestion.referral_id).in_(list(referral_ids)))
        .order_by(col(ReferralQuestion.asked_at))
    )
    for question in await session.scalars(query):
        questions[question.referral_id].append(
            ReferralQuestionSchema(
                id=question.id,
                question=question.question,
                asked_at=question.asked_at,
                answer=question.answer,
                answered_at=question.answered_at,
            )
        )
    return questions
