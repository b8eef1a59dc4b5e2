"""State machine of a case. Decisions on its assessment, care plan, reviews and exit change its status."""

from app.access.permissions import Permission
from app.errors import Fault
from app.kit.state_machine import Transition
from app.models import Case

INITIAL_STATUS = "assessment"
OPEN_STATUSES = frozenset({"assessment", "planning", "active", "exiting"})

START_PLANNING = Transition(
    "approve the child's assessment", frozenset({"assessment"}), "planning", Permission.assessment_decide
)
ACTIVATE = Transition(
    "approve the child's care plan",
    frozenset({"assessment", "planning"}),
    "active",
    Permission.care_plan_decide,
    "an approved child care plan; the first review is scheduled three calendar months later",
)
BEGIN_EXIT = Transition(
    "complete a review",
    frozenset({"active"}),
    "exiting",
    Permission.review_hold,
    "its decision is to begin exit",
)
RETURN_TO_ACTIVE = Transition(
    "complete a review",
    frozenset({"exiting"}),
    "active",
    Permission.review_hold,
    "its decision is to return to active support; the exit plan becomes a draft",
)
CLOSE = Transition(
    "close",
    OPEN_STATUSES,
    "closed",
    Permission.case_close,
    "an exit plan approved by the supervisor: a final review, the checklist answered, the taper of contacts and the end "
    "of support reached, the dates of follow-up; nothing unpaid in the fund; every condition met for the reason goals_met",
)

TRANSITIONS = (START_PLANNING, ACTIVATE, BEGIN_EXIT, RETURN_TO_ACTIVE, CLOSE)


def check_case_open(case: Case) -> list[Fault]:
    """Return a fault if the case is closed."""
    return [Fault("/status", "status", "The case is closed.")] if case.status == "closed" else []
