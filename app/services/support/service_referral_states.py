"""The life of a service referral."""

from app.access.permissions import Permission
from app.errors import Fault
from app.kit.state_machine import Transition

INITIAL_STATUS = "draft"

SEND = Transition(
    "send",
    frozenset({"draft"}),
    "sent",
    Permission.service_referral_send,
    "at this moment a consent of this case, given, not withdrawn, not expired, whose scope and recipient fit the "
    "provider, or a recorded legal basis and who decided; a provider that is active and whose child-safeguarding "
    "check is valid",
)
ACCEPT = Transition("accept", frozenset({"sent"}), "accepted", Permission.service_referral_follow)
DECLINE = Transition(
    "decline", frozenset({"sent"}), "declined", Permission.service_referral_follow, "a reason"
)
COMPLETE = Transition(
    "complete", frozenset({"accepted"}), "completed", Permission.service_referral_follow, "an outcome"
)
CANCEL = Transition(
    "cancel", frozenset({"draft", "sent", "accepted"}), "cancelled", Permission.service_referral_follow
)

TRANSITIONS = (SEND, ACCEPT, DECLINE, COMPLETE, CANCEL)


def check_service_referral_is_draft(status: str) -> list[Fault]:
    """Return the unmet condition that what was sent is frozen, or none."""
    if status == INITIAL_STATUS:
        return []
    return [
        Fault("/status", "frozen", f"It is {status}: what was asked of a provider is not changed any more.")
    ]
