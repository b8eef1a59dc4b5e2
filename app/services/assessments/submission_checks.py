"""The gate 'assessment submitted': the required content of an assessment."""

from collections.abc import Iterator, Mapping

from app.errors import Fault
from app.fault_codes import FaultCode
from app.models.assessments import StoredInstrumentResult
from app.schemas.assessments import AssessmentContent

REQUIRED_AREA_FIELDS: dict[str, FaultCode] = {
    "rating": "rating_missing",
    "need": "need_missing",
    "strengths": "strengths_missing",
    "risk": "risk_missing",
}
"""Fields of an area that the submission requires, with the fault code for each."""


def check_assessment_complete(
    content: AssessmentContent, results: Mapping[str, StoredInstrumentResult]
) -> list[Fault]:
    """Return a fault for each missing part of an assessment. `results` are its results of questionnaires."""
    return [
        *(
            _missing_fault(f"/sections/{name}", "section_missing")
            for name, text in content.sections
            if text is None
        ),
        *_check_areas(content),
        *_check_child_wishes(content),
        *([] if content.risk_level else [_missing_fault("/risk_level", "risk_level_missing")]),
        *(
            Fault(f"/instruments/{code}", "instrument_incomplete", "Some items have no answer.")
            for code, result in results.items()
            if result["missing"]
        ),
    ]


def _check_areas(content: AssessmentContent) -> Iterator[Fault]:
    for area, area_assessment in content.areas:
        for field, code in REQUIRED_AREA_FIELDS.items():
            if getattr(area_assessment, field, None) is None:
                yield _missing_fault(f"/areas/{area}/{field}", code)


def _check_child_wishes(content: AssessmentContent) -> Iterator[Fault]:
    if content.child_wishes is None and content.no_wishes_reason is None:
        detail = "`child_wishes` or `no_wishes_reason` is required."
        yield Fault("/child_wishes", "child_wishes_missing", detail)


def _missing_fault(pointer: str, code: FaultCode) -> Fault:
    return Fault(pointer, code, "Required before the assessment can be submitted.")
