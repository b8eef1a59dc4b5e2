"""The life of a referral."""

from app.access.permissions import Permission
from app.kit.state_machine import Step

OPEN = frozenset({"received", "acknowledged", "information_requested"})
FIRST = "received"

ACKNOWLEDGE = Step("acknowledge", frozenset({"received"}), "acknowledged", Permission.referral_acknowledge)
ASK = Step(
    "request-information", frozenset({"acknowledged"}), "information_requested", Permission.referral_ask
)
ANSWER = Step(
    "provide-information", frozenset({"information_requested"}), "acknowledged", Permission.referral_answer
)
ACCEPT = Step(
    "accept",
    frozenset({"acknowledged"}),
    "accepted",
    Permission.referral_accept,
    "screened against the criteria (age 5 to 17 at referral, concern fits), consent or a recorded basis, "
    "possible duplicates looked at, a lead worker of the team named",
)
DECLINE = Step("decline", OPEN, "declined", Permission.referral_decline, "a reason")
WITHDRAW = Step("withdraw", OPEN, "withdrawn", Permission.referral_withdraw, "a reason")

STEPS = (ACKNOWLEDGE, ASK, ANSWER, ACCEPT, DECLINE, WITHDRAW)
