"""The life of an assessment: draft, submitted, then approved or returned for more work."""

from collections.abc import Iterator

from app.access.permissions import Permission
from app.errors import Fault
from app.kit import approval as decisions
from app.schemas.assessments import AssessmentOut

FIRST = "draft"
ASKED = ("rating", "need", "strengths", "risk")
"""What must be said of each area."""

SUBMIT, APPROVE, RETURN = STEPS = decisions.life(
    Permission.assessment_submit,
    Permission.assessment_decide,
    to_submit="the five sections written; each of the seven areas rated, with need, strengths and risk; the "
    "child's wishes, or why there are none; the level of risk; no questionnaire half answered",
    to_approve="a supervisor of the case's team, neither its author nor who submitted it",
)


def unmet_content(assessment: AssessmentOut) -> list[Fault]:
    """Return what is still missing of an assessment (the gate 'assessment submitted' of the domain), one by one."""
    return [
        *(_missing(f"/sections/{name}", "section") for name, said in assessment.sections if said is None),
        *_unmet_areas(assessment),
        *_unmet_wishes(assessment),
        *([] if assessment.risk_level else [_missing("/risk_level", "risk_level")]),
        *(
            Fault(f"/instruments/{code}", "instrument_incomplete", "Some items have no answer yet.")
            for code, result in assessment.instruments.items()
            if result.missing
        ),
    ]


def _unmet_areas(assessment: AssessmentOut) -> Iterator[Fault]:
    for area, found in assessment.areas:
        for field in ASKED:
            if getattr(found, field, None) is None:
                yield _missing(f"/areas/{area}/{field}", field)


def _unmet_wishes(assessment: AssessmentOut) -> Iterator[Fault]:
    if assessment.child_wishes is None and assessment.no_wishes_reason is None:
        detail = "The child's own wishes are recorded, or in no_wishes_reason why they are not."
        yield Fault("/child_wishes", "child_wishes_missing", detail)


def _missing(pointer: str, what: str) -> Fault:
    return Fault(pointer, f"{what}_missing", "Still to be written.")
