"""How a referral looks: to staff, in the queue, and to the partner who sent it."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.actor import Actor
from app.access.vault import unseal
from app.models import Referral, ReferralQuestion
from app.schemas.identity import Birth, Name
from app.schemas.referrals import PartnerReferral, QuestionOut, ReferralItem, ReferralOut, ScreeningOut
from app.schemas.referrals_told import Told

PLAIN_FOR_PARTNER = set(PartnerReferral.model_fields) - {"signposted_to", "questions"}


async def shown(session: AsyncSession, actor: Actor, referral: Referral) -> ReferralOut | PartnerReferral:
    """Return one referral as this actor may read it."""
    return _as_read_by(actor, referral, (await _questions(session, [referral.id]))[referral.id])


def just_received(actor: Actor, referral: Referral) -> ReferralOut | PartnerReferral:
    """Return a new referral as this actor may read it: nobody can have asked anything yet."""
    return _as_read_by(actor, referral, [])


async def for_partner(session: AsyncSession, referrals: Sequence[Referral]) -> list[PartnerReferral]:
    """Return referrals as the agency that sent them reads them."""
    questions = await _questions(session, [r.id for r in referrals])
    return [_for_partner(referral, questions[referral.id]) for referral in referrals]


def _as_read_by(
    actor: Actor, referral: Referral, questions: list[QuestionOut]
) -> ReferralOut | PartnerReferral:
    return _for_partner(referral, questions) if actor.is_partner else _for_staff(referral, questions)


def _for_staff(referral: Referral, questions: list[QuestionOut]) -> ReferralOut:
    told = Told.model_validate(unseal(referral))
    outcome = unseal(referral, "outcome_sealed")
    return ReferralOut(
        **referral.model_dump(include=set(ReferralOut.model_fields) - set(Told.model_fields)),
        **{name: getattr(told, name) for name in Told.model_fields},
        reason=outcome.get("reason"),
        signposted_to=outcome.get("signposted_to") or [],
        screening=ScreeningOut(**outcome["screening"]) if outcome.get("screening") else None,
        questions=questions,
    )


def _for_partner(referral: Referral, questions: list[QuestionOut]) -> PartnerReferral:
    """Where it stands, and what is asked of the agency; never FSC's records of the child."""
    return PartnerReferral.model_construct(
        **{name: getattr(referral, name) for name in PLAIN_FOR_PARTNER},
        signposted_to=unseal(referral, "outcome_sealed").get("signposted_to") or [],
        questions=questions,
    )


def item(referral: Referral) -> ReferralItem:
    """Return a referral as a line of the intake queue."""
    child = unseal(referral)["child"]
    return ReferralItem(
        **referral.model_dump(include=set(ReferralItem.model_fields)),
        child_names=[Name(**name) for name in child["names"]],
        child_nickname=child["nickname"],
        child_sex=child["sex"],
        child_birth=Birth(**child["birth"]),
    )


async def _questions(session: AsyncSession, referral_ids: Iterable[UUID]) -> dict[UUID, list[QuestionOut]]:
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
                question=unseal(question, "question_sealed"),
                asked_at=question.asked_at,
                answer=unseal(question, "answer_sealed") or None,
                answered_at=question.answered_at,
            )
        )
    return found
