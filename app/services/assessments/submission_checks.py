"""The gate 'assessment submitted': the required content of an assessment."""

from collections.abc import Iterator

from app.errors import Fault
from app.schemas.assessments import Assessment as AssessmentSchema

REQUIRED_AREA_FIELDS = ("rating", "need", "strengths", "risk")
"""Fields of an area that the submission requires."""


def check_assessment_complete(assessment: AssessmentSchema) -> list[Fault]:
    """Return a fault for each missing part of an assessment."""
    return [
        *(
            _missing_fault(f"/sections/{name}", "section")
            for name, text in assessment.sections
            if text is None
        ),
        *_check_areas(assessment),
        *_check_child_wishes(assessment),
        *([] if assessment.risk_level else [_missing_fault("/risk_level", "risk_level")]),
        *(
            Fault(f"/instruments/{code}", "instrument_incomplete", "Some items have no answer.")
            for code, result in assessment.instruments.items()
            if result.missing
        ),
    ]


def _check_areas(assessment: AssessmentSchema) -> Iterator[Fault]:
    for area, area_assessment in assessment.areas:
        for field in REQUIRED_AREA_FIELDS:
            if getattr(area_assessment, field, None) is None:
                yield _missing_fault(f"/areas/{area}/{field}", field)


def _check_child_wishes(assessment: AssessmentSchema) -> Iterator[Fault]:
    if assessment.child_wishes is None and assessment.no_wishes_reason is None:
        detail = "Record the child's own wishes, or the reason for their absence in no_wishes_reason."
        yield Fault("/child_wishes", "child_wishes_missing", detail)


def _missing_fault(pointer: str, field: str) -> Fault:
    return Fault(pointer, f"{field}_missing", "Required before the assessment can be submitted.")
