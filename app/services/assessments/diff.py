"""Compare an assessment with the previous approved assessment of the same subject."""

from typing import Any
from uuid import UUID

from app.access.reader import RecordReader
from app.models import Assessment
from app.models.assessments import StoredInstrumentResult
from app.schemas.assessments_changes import (
    AssessmentChanges,
    FamilyCircumstanceChanges,
    InstrumentChange,
    InstrumentScore,
    RatingChange,
    RiskLevelChange,
    SymptomChanges,
)
from app.schemas.codes import get_codes
from app.services.assessments.load import ASSESSMENT_QUERY


async def get_assessment_changes(reader: RecordReader, assessment_id: UUID) -> AssessmentChanges:
    """Return the changes of an assessment against the previous approved assessment of the same subject.

    Raises:
        NotFound: the assessment does not exist, or the caller cannot see it.
    """
    after, before = await reader.fetch_required(ASSESSMENT_QUERY, assessment_id=assessment_id), None
    if after.previous_id:
        before = await reader.fetch_required(ASSESSMENT_QUERY, assessment_id=after.previous_id)
    ratings = before.ratings if before else {}
    return AssessmentChanges(
        **{name: getattr(after, name) for name in ("id", "child_id", "case_id", "previous_id")},
        previous_decided_at=before.decided_at if before else None,
        areas={
            area: _compare_ratings(ratings.get(area), after.ratings.get(area)) for area in get_codes("area")
        },
        risk_level=RiskLevelChange(before=before.risk_level if before else None, after=after.risk_level),
        symptoms=SymptomChanges(**_compare_codes(before, after, "symptoms")),
        family_circumstances=FamilyCircumstanceChanges(
            **_compare_codes(before, after, "family_circumstances")
        ),
        instruments=_compare_instruments(_load_results(before) if before else {}, _load_results(after)),
    )


def _compare_codes(before: Any, after: Any, name: str) -> dict[str, list[str]]:
    """Return the codes of a list that were added and those that were removed."""
    previous, current = getattr(before, name) if before else [], getattr(after, name)
    return {
        "added": [code for code in current if code not in previous],
        "removed": [code for code in previous if code not in current],
    }


def _load_results(row: Any) -> dict[str, StoredInstrumentResult]:
    return Assessment.content.decrypt(row.id, row.content_encrypted)["instruments"]


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
