"""The states of a pending change."""

from app.access.permissions import Permission
from app.kit.state_machine import Transition

INITIAL_STATUS = "pending"
OPEN = frozenset({INITIAL_STATUS})
CONFIRM = Transition(
    "confirm",
    OPEN,
    "confirmed",
    Permission.pending_change_decide,
    "by a person who is neither the requester nor the person concerned; within 72 hours; the requester can still "
    "request it; the change is still possible",
)
REJECT = Transition(
    "reject",
    OPEN,
    "rejected",
    Permission.pending_change_decide,
    "by a person who is neither the requester nor the person concerned; a reason",
)
WITHDRAW = Transition("withdraw", OPEN, "withdrawn", Permission.pending_change_withdraw, "by the requester")
TRANSITIONS = (CONFIRM, REJECT, WITHDRAW)
