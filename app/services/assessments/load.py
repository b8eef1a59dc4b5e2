"""Store and load assessments. Their ratings and risk level are plain columns, all texts are encrypted."""

from collections.abc import Mapping
from uuid import UUID

from sqlalchemy import bindparam, select
from sqlmodel import col

from app.access.reader import ReadQuery, RecordReader, ShownRecord
from app.kit.reference_names import staff_names, to_staff_refs
from app.models import Assessment
from app.models.assessments import StoredAreaAssessment, StoredInstrumentResult, StoredSections
from app.models.encrypted_field import dump_content
from app.schemas.assessments import Assessment as AssessmentSchema
from app.schemas.assessments import AssessmentContent
from app.services.cases.people import select_person, to_person_ref

COLUMN_FIELDS = [name for name in AssessmentSchema.model_fields if name in Assessment.model_fields]
CODED_FIELDS = ("symptoms", "family_circumstances")
STAFF_FIELDS = ("author", "submitted_by", "decided_by")
ASSESSMENT_QUERY = ReadQuery(
    select(
        *(getattr(Assessment, name) for name in COLUMN_FIELDS),
        *staff_names(Assessment, *STAFF_FIELDS),
        select_person(col(Assessment.person_id)),
        col(Assessment.ratings),
        col(Assessment.content_encrypted),
        col(Assessment.decision_comment_encrypted),
    ).where(col(Assessment.id) == bindparam("assessment_id")),
    shows=ShownRecord("assessment"),
)


async def get_assessment(reader: RecordReader, assessment_id: UUID) -> AssessmentSchema:
    """Return one assessment.

    Raises:
        NotFound: the assessment does not exist, or the caller cannot see it.
    """
    row = await reader.fetch_required(ASSESSMENT_QUERY, assessment_id=assessment_id)
    stored = Assessment.content.decrypt(row.id, row.content_encrypted)
    return AssessmentSchema(
        **dict(zip(COLUMN_FIELDS, row, strict=False)),
        **to_staff_refs(row, *STAFF_FIELDS),
        person=to_person_ref(row),
        **{**stored, "areas": _merge_area_ratings(row.ratings, stored["areas"])},
        decision_comment=Assessment.decision_comment.decrypt(row.id, row.decision_comment_encrypted),
    )


def store_assessment_content(
    assessment: Assessment, content: AssessmentContent, results: dict[str, StoredInstrumentResult]
) -> None:
    """Store ratings, codes and the risk level in plain columns, because reports count them, and encrypt all text."""
    for name in CODED_FIELDS:
        setattr(assessment, name, list(dict.fromkeys(getattr(content, name))))
    assessment.ratings = {
        name: area.rating for name, area in content.areas if area and area.rating is not None
    }
    assessment.risk_level = content.risk_level
    assessment.content = {
        "sections": dump_content(StoredSections, content.sections),
        "areas": {name: area and dump_content(StoredAreaAssessment, area) for name, area in content.areas},
        "child_wishes": content.child_wishes,
        "no_wishes_reason": content.no_wishes_reason,
        "instruments": results,
    }


def load_assessment_document(assessment: Assessment) -> dict[str, object]:
    """Return the content of an assessment as a JSON document of the form `AssessmentContent`."""
    stored = assessment.content
    return {
        **stored,
        "areas": _merge_area_ratings(assessment.ratings, stored["areas"]),
        "risk_level": assessment.risk_level,
        **assessment.model_dump(include=set(CODED_FIELDS)),
        "instruments": {code: result["answers"] for code, result in stored["instruments"].items()},
    }


def _merge_area_ratings(
    ratings: Mapping[str, int], areas: Mapping[str, StoredAreaAssessment | None]
) -> dict[str, object]:
    """Return the areas with their texts and ratings. The value of an area without content is None."""
    return {name: texts and {**texts, "rating": ratings.get(name)} for name, texts in areas.items()}
