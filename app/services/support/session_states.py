"""The life of a support session: planned, then held, missed or cancelled; a day to correct it, then it is frozen."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from app.access.caller import Caller
from app.access.permissions import Permission
from app.errors import Fault
from app.kit.state_machine import Transition
from app.models import SupportSession
from app.models.record import utc_now

EDIT_WINDOW = timedelta(hours=24)
"""How long what was written down may be corrected by its author (gate 'any edit of a record others rely on')."""
INITIAL_STATUS = "planned"
CORRECTION_GATE = "its author, within 24 hours"

MARK_HELD = Transition(
    "record as held",
    frozenset({"planned"}),
    "held",
    Permission.support_session_record,
    "when, not in the future, and who attended",
)
MARK_MISSED = Transition(
    "record as missed",
    frozenset({"planned"}),
    "missed",
    Permission.support_session_record,
    "its time is past, who missed it, and why",
)
CANCEL = Transition(
    "cancel", frozenset({"planned"}), "cancelled", Permission.support_session_record, "a reason"
)
CORRECT_TO_MISSED = Transition(
    "correct to missed", frozenset({"held"}), "missed", Permission.support_session_record, CORRECTION_GATE
)
CORRECT_TO_HELD = Transition(
    "correct to held", frozenset({"missed"}), "held", Permission.support_session_record, CORRECTION_GATE
)

TRANSITIONS = (MARK_HELD, MARK_MISSED, CANCEL, CORRECT_TO_MISSED, CORRECT_TO_HELD)


def is_edit_window_over(since: datetime) -> bool:
    """Whether the day is over in which something written down then may be corrected."""
    return utc_now() > since + EDIT_WINDOW


def check_support_session_editable(contact: SupportSession, caller: Caller) -> list[Fault]:
    """Return what speaks against this actor changing a session: planned, anybody who sees the case may."""
    if contact.status == "planned":
        return []
    if contact.recorded_at is None or is_edit_window_over(contact.recorded_at):
        return [Fault("/status", "frozen", f"It is {contact.status}, and frozen: write an addendum.")]
    if contact.author_id != caller.id:
        detail = "For 24 hours its author may correct it: write an addendum."
        return [Fault("/author_id", "not_yours", detail)]
    return []


def check_support_session_status_change(before: str, after: str) -> list[Fault]:
    """Return the unmet condition that no step leads from one status to the other, or none."""
    if before == after or any(before in step.sources and after == step.target for step in TRANSITIONS):
        return []
    return [Fault("/status", "status", f"What is {before} does not become {after} again.")]


def check_support_session_recorded(contact: SupportSession) -> Iterator[Fault]:
    """Yield the unmet condition that a session was neither held nor missed."""
    if contact.recorded_at is None:
        detail = f"The session is {contact.status}; record it as held or missed first."
        yield Fault("/status", "status", detail)
