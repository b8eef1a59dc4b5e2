"""State machine of a referral."""

from app.access.permissions import Permission
from app.errors import Fault
from app.kit.state_machine import Transition

OPEN_STATUSES = frozenset({"received", "acknowledged", "information_requested"})
INITIAL_STATUS = "received"

ACKNOWLEDGE = Transition(
    "acknowledge", frozenset({"received"}), "acknowledged", Permission.referral_acknowledge
)
REQUEST_INFORMATION = Transition(
    "request-information",
    frozenset({"acknowledged"}),
    "information_requested",
    Permission.referral_request_information,
)
PROVIDE_INFORMATION = Transition(
    "provide-information",
    frozenset({"information_requested"}),
    "acknowledged",
    Permission.referral_provide_information,
)
ACCEPT = Transition(
    "accept",
    frozenset({"acknowledged"}),
    "accepted",
    Permission.referral_accept,
    "screened against the criteria (age 5 to 17 at referral, concern fits); consent or a recorded legal basis; "
    "possible duplicates reviewed; a lead worker of the team",
)
DECLINE = Transition("decline", OPEN_STATUSES, "declined", Permission.referral_decline, "a reason")
WITHDRAW = Transition("withdraw", OPEN_STATUSES, "withdrawn", Permission.referral_withdraw, "a reason")
REINSTATE = Transition(
    "reinstate", frozenset({"declined"}), "acknowledged", Permission.referral_reinstate, "a reason"
)

DETACH = Transition("detach", frozenset({"accepted"}), "acknowledged", Permission.referral_detach, "a reason")

TRANSITIONS = (
    ACKNOWLEDGE,
    REQUEST_INFORMATION,
    PROVIDE_INFORMATION,
    ACCEPT,
    DECLINE,
    WITHDRAW,
    REINSTATE,
    DETACH,
)


def check_referral_open(status: str) -> list[Fault]:
    """Return a fault if the referral was accepted, declined or withdrawn."""
    if status in OPEN_STATUSES:
        return []
    detail = f"The referral is {status}. Only a referral that is not decided yet can be updated."
    return [Fault("/status", "status", detail)]


def has_only_open_statuses(statuses: list[str] | None) -> bool:
    """Return whether a filter selects only referrals that are not decided."""
    return statuses is not None and OPEN_STATUSES.issuperset(statuses)
