"""Read the annexes of referrals: questions to the referrer, and permissions to compare more changes."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from sqlalchemy import ARRAY, Uuid, any_, bindparam, select
from sqlmodel import col

from app.access.reader import ReadQuery, RecordReader, ShownRecord
from app.kit.reference_names import person_name, to_ref
from app.models import MatchingAllowance, Referral, ReferralQuestion

QUESTIONS_QUERY = ReadQuery(
    select(
        col(ReferralQuestion.id),
        col(ReferralQuestion.referral_id),
        col(ReferralQuestion.child_id),
        col(ReferralQuestion.asked_at),
        col(ReferralQuestion.answered_at),
        col(ReferralQuestion.question_encrypted),
        col(ReferralQuestion.answer_encrypted),
    )
    .where(col(ReferralQuestion.referral_id) == any_(bindparam("referral_ids", type_=ARRAY(Uuid))))
    .order_by(col(ReferralQuestion.asked_at)),
    shows=ShownRecord("referral_question", case_id=None),
)
ALLOWANCES_QUERY = ReadQuery(
    select(
        col(MatchingAllowance.id),
        col(MatchingAllowance.allowed_by_id),
        person_name(col(MatchingAllowance.allowed_by_id)).label("allowed_by_name"),
        col(MatchingAllowance.allowed_at),
        col(MatchingAllowance.reason_encrypted),
        col(MatchingAllowance.referral_id),
        col(Referral.child_id),
        col(Referral.case_id),
    )
    .join(Referral, col(Referral.id) == col(MatchingAllowance.referral_id))
    .where(col(MatchingAllowance.referral_id) == bindparam("referral_id"))
    .order_by(col(MatchingAllowance.allowed_at)),
    shows=ShownRecord("referral", record_id="referral_id"),
)


async def fetch_questions(
    reader: RecordReader, referral_ids: Sequence[str]
) -> dict[str, list[dict[str, Any]]]:
    """Return the questions of referrals with their answers, by the id of the referral."""
    questions = defaultdict(list)
    for row in await reader.fetch(QUESTIONS_QUERY, referral_ids=referral_ids):
        answer = row.answer_encrypted and ReferralQuestion.answer.decrypt(row.id, row.answer_encrypted)
        questions[row.referral_id].append(
            {
                "id": row.id,
                "question": ReferralQuestion.question.decrypt(row.id, row.question_encrypted),
                "asked_at": row.asked_at,
                "answer": answer,
                "answered_at": row.answered_at,
            }
        )
    return questions


async def fetch_matching_allowances(reader: RecordReader, referral_id: str) -> list[dict[str, Any]]:
    """Return the permissions to compare more changes of a referral, oldest first."""
    return [
        {
            "allowed_by_id": allowance.allowed_by_id,
            "allowed_by": to_ref(allowance.allowed_by_id, allowance.allowed_by_name),
            "allowed_at": allowance.allowed_at,
            "reason": MatchingAllowance.reason.decrypt(allowance.id, allowance.reason_encrypted),
        }
        for allowance in await reader.fetch(ALLOWANCES_QUERY, referral_id=referral_id)
    ]
