"""The gate 'assessment submitted': the required content of an assessment."""

from collections.abc import Iterator

from app.errors import Fault
from app.fault_codes import FaultCode
from app.schemas.assessments import Assessment as AssessmentSchema

REQUIRED_AREA_FIELDS: dict[str, FaultCode] = {
    "rating": "rating_missing",
    "need": "need_missing",
    "strengths": "strengths_missing",
    "risk": "risk_missing",
}
"""Fields of an area that the submission requires, with the fault code for each."""


def check_assessment_complete(assessment: AssessmentSchema) -> list[Fault]:
    """Return a fault for each missing part of an assessment."""
    return [
        *(
            _missing_fault(f"/sections/{name}", "section_missing")
            for name, text in assessment.sections
            if text is None
        ),
        *_check_areas(assessment),
        *_check_child_wishes(assessment),
        *([] if assessment.risk_level else [_missing_fault("/risk_level", "risk_level_missing")]),
        *(
            Fault(f"/instruments/{code}", "instrument_incomplete", "Some items have no answer.")
            for code, result in assessment.instruments.items()
            if result.missing
        ),
    ]


def _check_areas(assessment: AssessmentSchema) -> Iterator[Fault]:
    for area, area_assessment in assessment.areas:
        for field, code in REQUIRED_AREA_FIELDS.items():
            if getattr(area_assessment, field, None) is None:
                yield _missing_fault(f"/areas/{area}/{field}", code)


def _check_child_wishes(assessment: AssessmentSchema) -> Iterator[Fault]:
    if assessment.child_wishes is None and assessment.no_wishes_reason is None:
        detail = "`child_wishes` or `no_wishes_reason` is required."
        yield Fault("/child_wishes", "child_wishes_missing", detail)


def _missing_fault(pointer: str, code: FaultCode) -> Fault:
    return Fault(pointer, code, "Required before the assessment can be submitted.")
