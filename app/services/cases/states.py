"""The life of a case: it moves only by what is decided about its assessment, plan, reviews and exit."""

from app.access.permissions import Permission
from app.errors import Fault
from app.kit.state_machine import Step
from app.models import Case

FIRST = "assessment"
OPEN = frozenset({"assessment", "planning", "active", "exiting"})

ASSESS = Step(
    "approve the child's assessment", frozenset({"assessment"}), "planning", Permission.assessment_decide
)
ACTIVATE = Step(
    "approve the child's care plan",
    frozenset({"assessment", "planning"}),
    "active",
    Permission.care_plan_decide,
    "an approved child care plan; the first review is scheduled three calendar months later",
)
BEGIN_EXIT = Step(
    "complete a review",
    frozenset({"active"}),
    "exiting",
    Permission.review_hold,
    "its decision is to begin exit",
)
CLOSE = Step(
    "close",
    OPEN,
    "closed",
    Permission.case_close,
    "an exit plan approved by the supervisor: a final review, the checklist answered, the taper of contacts, "
    "the dates of follow-up; nothing unpaid in the fund",
)

STEPS = (ASSESS, ACTIVATE, BEGIN_EXIT, CLOSE)


def unmet_open(case: Case) -> list[Fault]:
    """Return the unmet condition that a case is closed, or none."""
    return [Fault("/status", "status", "The case is closed.")] if case.status == "closed" else []
