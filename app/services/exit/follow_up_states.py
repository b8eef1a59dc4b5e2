"""State machine of a follow-up.

A missed follow-up (the family was not reached) can be recorded again, a held one cannot.
"""

from app.access.permissions import Permission
from app.kit.state_machine import Transition

INITIAL_STATUS = "due"

RECORD_HELD = Transition(
    "record as held",
    frozenset({"due", "missed"}),
    "held",
    Permission.follow_up_record,
    "a date on or after the closing of the case, and the child's wellbeing as a code or a note",
)
RECORD_MISSED = Transition(
    "record as missed",
    RECORD_HELD.sources,
    "missed",
    Permission.follow_up_record,
    "the family was not reached",
)

TRANSITIONS = (RECORD_HELD, RECORD_MISSED)
