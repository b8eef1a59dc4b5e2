"""The life of an assessment: draft, submitted, then approved or returned for more work."""

from collections.abc import Iterator

from app.access.permissions import Permission
from app.errors import Fault
from app.kit import approval as decisions
from app.schemas.assessments import Assessment as AssessmentSchema

INITIAL_STATUS = "draft"
REQUIRED_AREA_FIELDS = ("rating", "need", "strengths", "risk")
"""What must be said of each area."""

SUBMIT, APPROVE, RETURN = TRANSITIONS = decisions.build_approval_transitions(
    Permission.assessment_submit,
    Permission.assessment_decide,
    submit_gate="the five sections written; each of the seven areas rated, with need, strengths and risk; the "
    "child's wishes, or why there are none; the level of risk; no questionnaire half answered",
    approve_gate="a supervisor of the case's team, neither its author nor who submitted it",
)


def check_assessment_content(assessment: AssessmentSchema) -> list[Fault]:
    """Return what is still missing of an assessment (the gate 'assessment submitted' of the domain), one by one."""
    return [
        *(
            _missing_fault(f"/sections/{name}", "section")
            for name, said in assessment.sections
            if said is None
        ),
        *_check_areas(assessment),
        *_check_child_wishes(assessment),
        *([] if assessment.risk_level else [_missing_fault("/risk_level", "risk_level")]),
        *(
            Fault(f"/instruments/{code}", "instrument_incomplete", "Some items have no answer yet.")
            for code, result in assessment.instruments.items()
            if result.missing
        ),
    ]


def _check_areas(assessment: AssessmentSchema) -> Iterator[Fault]:
    for area, found in assessment.areas:
        for field in REQUIRED_AREA_FIELDS:
            if getattr(found, field, None) is None:
                yield _missing_fault(f"/areas/{area}/{field}", field)


def _check_child_wishes(assessment: AssessmentSchema) -> Iterator[Fault]:
    if assessment.child_wishes is None and assessment.no_wishes_reason is None:
        detail = "The child's own wishes are recorded, or in no_wishes_reason why they are not."
        yield Fault("/child_wishes", "child_wishes_missing", detail)


def _missing_fault(pointer: str, what: str) -> Fault:
    return Fault(pointer, f"{what}_missing", "Still to be written.")
