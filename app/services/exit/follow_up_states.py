"""States of a follow-up. A follow-up at which the family was not reached can be recorded again; a held one is final."""

from app.access.permissions import Permission
from app.kit.state_machine import Transition

INITIAL_STATUS = "due"

RECORD_HELD = Transition(
    "record as held",
    frozenset({"due", "missed"}),
    "held",
    Permission.follow_up_record,
    "the date, on or after the exit, and the child's wellbeing as a code or a note",
)
RECORD_MISSED = Transition(
    "record as missed",
    RECORD_HELD.sources,
    "missed",
    Permission.follow_up_record,
    "the family was not reached",
)

TRANSITIONS = (RECORD_HELD, RECORD_MISSED)
