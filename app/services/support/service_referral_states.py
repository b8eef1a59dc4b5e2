"""State machine of a service referral."""

from app.access.permissions import Permission
from app.errors import Fault
from app.kit.state_machine import Transition

INITIAL_STATUS = "draft"

SEND = Transition(
    "send",
    frozenset({"draft"}),
    "sent",
    Permission.service_referral_send,
    "a consent of the case that is given, not withdrawn and not expired, with the right scope and recipient, and a "
    "consent to services, or a legal basis that a second person confirmed; an active provider with a valid child-safeguarding check",
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
    """Return a fault unless the service referral is a draft. Only a draft can be edited."""
    if status == INITIAL_STATUS:
        return []
    return [Fault("/status", "frozen", f"The service referral is {status}. Only a draft can be edited.")]
