"""The life of a follow-up: it is due until somebody was reached, and frozen from then on."""

from app.access.permissions import Permission
from app.kit.state_machine import Step

FIRST = "due"

HOLD = Step(
    "record",
    frozenset({"due", "missed"}),
    "held",
    Permission.follow_up_record,
    "the day, on or after the exit, and how the child is, by code or in words",
)
MISS = Step("record that nobody was reached", HOLD.sources, "missed", Permission.follow_up_record)

STEPS = (HOLD, MISS)
