"""What changed between an assessment and the approved one of the same subject before it."""

from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.access.vault import unseal
from app.kit.records import find
from app.models import Assessment
from app.schemas.assessments import (
    AssessmentChanges,
    InstrumentChange,
    InstrumentScore,
    RatingChange,
    RiskChange,
)
from app.services.assessments.assessments import AREAS


async def changes(session: AsyncSession, assessment_id: UUID) -> AssessmentChanges:
    """Compare an assessment with the one before it."""
    after = await find(session, Assessment, assessment_id)
    before = await find(session, Assessment, after.previous_id) if after.previous_id else None
    ratings = before.ratings if before else {}
    return AssessmentChanges(
        **after.model_dump(include={"id", "child_id", "case_id", "previous_id"}),
        previous_decided_at=before.decided_at if before else None,
        areas={area: _rating(ratings.get(area), after.ratings.get(area)) for area in AREAS},
        risk_level=RiskChange(before=before.risk_level if before else None, after=after.risk_level),
        instruments=_instruments(_results(before) if before else {}, _results(after)),
    )


def _rating(before: int | None, after: int | None) -> RatingChange:
    change = None if before is None or after is None else after - before
    return RatingChange(before=before, after=after, change=change)


def _results(assessment: Assessment) -> dict[str, Any]:
    found: dict[str, Any] = unseal(assessment)["instruments"]
    return found


def _instruments(before: dict[str, Any], after: dict[str, Any]) -> list[InstrumentChange]:
    return [
        InstrumentChange(
            code=code,
            title=(after.get(code) or before[code])["title"],
            before=_score(before.get(code)),
            after=_score(after.get(code)),
            change=_difference(before.get(code), after.get(code)),
        )
        for code in sorted(before.keys() | after.keys())
    ]


def _score(result: dict[str, Any] | None) -> InstrumentScore | None:
    if result is None:
        return None
    return InstrumentScore(**{name: result[name] for name in InstrumentScore.model_fields})


def _difference(before: dict[str, Any] | None, after: dict[str, Any] | None) -> float | None:
    """Scores of different editions do not compare: other items may have been asked."""
    if before is None or after is None or before["edition"] != after["edition"]:
        return None
    if before["score"] is None or after["score"] is None:
        return None
    return round(float(after["score"]) - float(before["score"]), 2)
