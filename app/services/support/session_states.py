"""The life of a support session: planned, then held, missed or cancelled; a day to correct it, then it is frozen."""

from collections.abc import Iterator
from datetime import datetime, timedelta

from app.access.actor import Actor
from app.access.permissions import Permission
from app.errors import Fault
from app.kit.state_machine import Step
from app.models import SupportSession
from app.models.record import now

EDITABLE = timedelta(hours=24)
"""How long what was written down may be corrected by its author (gate 'any edit of a record others rely on')."""
FIRST = "planned"
CORRECTING = "its author, within 24 hours"

HOLD = Step(
    "record as held",
    frozenset({"planned"}),
    "held",
    Permission.support_session_record,
    "when, not in the future, and who attended",
)
MISS = Step(
    "record as missed",
    frozenset({"planned"}),
    "missed",
    Permission.support_session_record,
    "its time is past, who missed it, and why",
)
CANCEL = Step("cancel", frozenset({"planned"}), "cancelled", Permission.support_session_record, "a reason")
NOT_HELD = Step(
    "correct to missed", frozenset({"held"}), "missed", Permission.support_session_record, CORRECTING
)
NOT_MISSED = Step(
    "correct to held", frozenset({"missed"}), "held", Permission.support_session_record, CORRECTING
)

STEPS = (HOLD, MISS, CANCEL, NOT_HELD, NOT_MISSED)


def is_over(since: datetime) -> bool:
    """Whether the day is over in which something written down then may be corrected."""
    return now() > since + EDITABLE


def unmet_editable(contact: SupportSession, actor: Actor) -> list[Fault]:
    """Return what speaks against this actor changing a session: planned, anybody who sees the case may."""
    if contact.status == "planned":
        return []
    if contact.recorded_at is None or is_over(contact.recorded_at):
        return [Fault("/status", "frozen", f"It is {contact.status}, and frozen: write an addendum.")]
    if contact.author_id != actor.id:
        detail = "For 24 hours its author may correct it: write an addendum."
        return [Fault("/author_id", "not_yours", detail)]
    return []


def unmet_move(before: str, after: str) -> list[Fault]:
    """Return the unmet condition that no step leads from one status to the other, or none."""
    if before == after or any(before in step.sources and after == step.target for step in STEPS):
        return []
    return [Fault("/status", "status", f"What is {before} does not become {after} again.")]


def unmet_recorded(contact: SupportSession) -> Iterator[Fault]:
    """Yield the unmet condition that a session was neither held nor missed."""
    if contact.recorded_at is None:
        detail = f"The session is {contact.status}; record it as held or missed first."
        yield Fault("/status", "status", detail)
