"""State machine of an assessment."""

from app.access.permissions import Permission
from app.kit.approval import build_approval_transitions

INITIAL_STATUS = "draft"

SUBMIT, APPROVE, RETURN = TRANSITIONS = build_approval_transitions(
    Permission.assessment_submit,
    Permission.assessment_decide,
    submit_gate="all five sections are written; each of the seven areas has a rating, need, strengths and risk; the "
    "child's wishes are recorded, or the reason why not; the risk level is set; every questionnaire is complete",
    approve_gate="the caller supervises the case's team and neither wrote nor submitted the assessment",
)
