"""State machine of a support session: planned, then held, missed or cancelled.

A held or missed session can be corrected for 24 hours.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

from app.access.caller import Caller
from app.access.permissions import Permission
from app.errors import Fault
from app.kit.entered_in_error import check_not_entered_in_error
from app.kit.state_machine import Transition
from app.models import SupportSession
from app.models.record import utc_now

EDIT_WINDOW = timedelta(hours=24)
"""Time during which the author can correct a held or missed session."""
INITIAL_STATUS = "planned"
CORRECTION_GATE = "by its author, within 24 hours"

MARK_HELD = Transition(
    "record as held",
    frozenset({"planned"}),
    "held",
    Permission.support_session_record,
    "the time, not in the future, and the attendance",
)
MARK_MISSED = Transition(
    "record as missed",
    frozenset({"planned"}),
    "missed",
    Permission.support_session_record,
    "the planned time is past; who missed the session, and the reason",
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


def is_edit_window_over(recorded_at: datetime) -> bool:
    """Return whether the 24 hours for corrections after `recorded_at` are over."""
    return utc_now() > recorded_at + EDIT_WINDOW


def check_support_session_editable(support_session: SupportSession, caller: Caller) -> list[Fault]:
    """Return the unmet conditions for editing a support session.

    A planned session has none. A recorded session can be edited by its author for 24 hours.
    """
    if support_session.status == "planned":
        return []
    if support_session.recorded_at is None or is_edit_window_over(support_session.recorded_at):
        detail = f"The session is {support_session.status} and cannot be edited. Add an addendum instead."
        return [Fault("/status", "frozen", detail)]
    if support_session.author_id != caller.id:
        detail = "Only the author can correct the record, for 24 hours. Add an addendum instead."
        return [Fault("/author_id", "not_yours", detail)]
    return []


def check_support_session_status_change(old_status: str, new_status: str) -> list[Fault]:
    """Return a fault unless a transition leads from the old status to the new one."""
    if old_status == new_status or any(
        old_status in transition.sources and new_status == transition.target for transition in TRANSITIONS
    ):
        return []
    return [Fault("/status", "status", f"A session that is {old_status} cannot become {new_status}.")]


def check_support_session_recorded(support_session: SupportSession) -> Iterator[Fault]:
    """Yield a fault if a session is neither held nor missed, or was entered in error."""
    yield from check_not_entered_in_error(support_session)
    if support_session.recorded_at is None:
        detail = f"The session is {support_session.status}. Record it as held or missed first."
        yield Fault("/status", "status", detail)
