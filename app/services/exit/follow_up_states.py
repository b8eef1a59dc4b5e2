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
    "a date on or after the closing of the case; the child's wellbeing as a code or a note; consent to contact after "
    "the support",
)
RECORD_MISSED = Transition(
    "record as missed",
    RECORD_HELD.sources,
    "missed",
    Permission.follow_up_record,
    "the family was not reached",
)

CANCEL = Transition(
    "open a new case",
    RECORD_HELD.sources,
    "cancelled",
    Permission.referral_accept,
    "the child has a new case, which replaces the follow-ups of earlier cases, or refuses the contact",
)

TRANSITIONS = (RECORD_HELD, RECORD_MISSED, CANCEL)
