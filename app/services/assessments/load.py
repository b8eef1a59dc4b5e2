"""Store the content of an assessment, and convert an assessment to its response format."""

from collections.abc import Mapping

from app.models import Assessment
from app.models.assessments import StoredAreaAssessment, StoredInstrumentResult, StoredSections
from app.models.encrypted_field import dump_content
from app.schemas.assessments import Assessment as AssessmentSchema
from app.schemas.assessments import AssessmentAreas, AssessmentContent, AssessmentSummary

COLUMN_FIELDS = set(AssessmentSchema.model_fields) - {"decision_comment", *AssessmentContent.model_fields}
SUMMARY_FIELDS = set(AssessmentSummary.model_fields) - {"ratings"}
AREAS = tuple(AssessmentAreas.model_fields)


def store_assessment_content(
    assessment: Assessment, content: AssessmentContent, results: dict[str, StoredInstrumentResult]
) -> None:
    """Store ratings and the risk level in plain columns, because reports count them, and encrypt all text."""
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


def merge_area_ratings(
    assessment: Assessment, areas: Mapping[str, StoredAreaAssessment | None]
) -> dict[str, object]:
    """Return the areas with their texts and ratings. The value of an area without content is None."""
    return {
        name: texts and {**texts, "rating": assessment.ratings.get(name)} for name, texts in areas.items()
    }


def assessment_to_schema(assessment: Assessment) -> AssessmentSchema:
    """Return an assessment in the response format."""
    stored = assessment.content
    document = {**stored, "areas": merge_area_ratings(assessment, stored["areas"])}
    return AssessmentSchema(
        **assessment.model_dump(include=COLUMN_FIELDS),
        **document,
        risk_level=assessment.risk_level,
        decision_comment=assessment.decision_comment,
    )


def assessment_to_summary(assessment: Assessment) -> AssessmentSummary:
    """Return an assessment as an item of a list."""
    return AssessmentSummary(
        **assessment.model_dump(include=SUMMARY_FIELDS),
        ratings={area: assessment.ratings.get(area) for area in AREAS},
    )
