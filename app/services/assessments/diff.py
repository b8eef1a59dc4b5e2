"""Compare an assessment with the previous approved assessment of the same subject."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.kit.records import get_record
from app.models import Assessment
from app.models.assessments import StoredInstrumentResult
from app.schemas.assessments_changes import (
    AssessmentChanges,
    InstrumentChange,
    InstrumentScore,
    RatingChange,
    RiskLevelChange,
)
from app.services.assessments.load import AREAS


async def get_assessment_changes(session: AsyncSession, assessment_id: UUID) -> AssessmentChanges:
    """Return the changes of an assessment against the previous approved assessment of the same subject."""
    after = await get_record(session, Assessment, assessment_id)
    before = await get_record(session, Assessment, after.previous_id) if after.previous_id else None
    ratings = before.ratings if before else {}
    return AssessmentChanges(
        **after.model_dump(include={"id", "child_id", "case_id", "previous_id"}),
        previous_decided_at=before.decided_at if before else None,
        areas={area: _compare_ratings(ratings.get(area), after.ratings.get(area)) for area in AREAS},
        risk_level=RiskLevelChange(before=before.risk_level if before else None, after=after.risk_level),
        instruments=_compare_instruments(
            before.content["instruments"] if before else {}, after.content["instruments"]
        ),
    )


def _compare_ratings(before: int | None, after: int | None) -> RatingChange:
    change = None if before is None or after is None else after - before
    return RatingChange(before=before, after=after, change=change)


def _compare_instruments(
    before: dict[str, StoredInstrumentResult], after: dict[str, StoredInstrumentResult]
) -> list[InstrumentChange]:
    return [
        InstrumentChange(
            code=code,
            title=(after.get(code) or before[code])["title"],
            before=_to_instrument_score(before.get(code)),
            after=_to_instrument_score(after.get(code)),
            change=_score_difference(before.get(code), after.get(code)),
        )
        for code in sorted(before.keys() | after.keys())
    ]


def _to_instrument_score(result: StoredInstrumentResult | None) -> InstrumentScore | None:
    if result is None:
        return None
    return InstrumentScore(
        instrument_id=result["instrument_id"],
        edition=result["edition"],
        score=result["score"],
        band=result["band"],
    )


def _score_difference(
    before: StoredInstrumentResult | None, after: StoredInstrumentResult | None
) -> float | None:
    """Return the difference of two scores. Return None if a score is missing or the editions differ.

    Editions may have different items, so their scores cannot be compared.
    """
    if before is None or after is None or before["edition"] != after["edition"]:
        return None
    if before["score"] is None or after["score"] is None:
        return None
    return round(after["score"] - before["score"], 2)
