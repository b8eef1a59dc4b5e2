"""The life of a follow-up: it is due until somebody was reached, and frozen from then on."""

from app.access.permissions import Permission
from app.kit.state_machine import Transition

INITIAL_STATUS = "due"

RECORD_HELD = Transition(
    "record",
    frozenset({"due", "missed"}),
    "held",
    Permission.follow_up_record,
    "the day, on or after the exit, and how the child is, by code or in words",
)
RECORD_MISSED = Transition(
    "record that nobody was reached", RECORD_HELD.sources, "missed", Permission.follow_up_record
)

TRANSITIONS = (RECORD_HELD, RECORD_MISSED)
