"""State machine of an exit plan."""

from app.access.permissions import Permission
from app.kit.state_machine import Transition

INITIAL_STATUS = "draft"

APPROVE = Transition(
    "approve",
    frozenset({"draft"}),
    "approved",
    Permission.exit_plan_decide,
    "by a supervisor of the team who is not the author; every condition of the checklist is answered; for a planned "
    "end also: a taper in which contacts never increase, with a reason if it is shorter than 28 days, and follow-ups after 1, 3 and 6 months",
)
REVISE = Transition("revise", frozenset({"approved"}), "draft", Permission.exit_plan_write)

TRANSITIONS = (APPROVE, REVISE)
