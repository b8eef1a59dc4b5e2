"""State machine of a review.

It is not in the package `reviews`, because `reviews` imports `exit`, and `exit` uses this module.
"""

from app.access.permissions import Permission
from app.kit.state_machine import Transition

INITIAL_STATUS = "scheduled"

COMPLETE = Transition(
    "complete",
    frozenset({"scheduled"}),
    "completed",
    Permission.review_hold,
    "every active area has a rating, progress and a decision; the case has a decision; the date of the review lies in "
    "the period of support; after 24 months the case has an extension, unless the decision begins the exit",
)
CANCEL = Transition("close the case", frozenset({"scheduled"}), "cancelled", Permission.case_close)

TRANSITIONS = (COMPLETE, CANCEL)
