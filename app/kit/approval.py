"""Submitting and deciding: what one person writes, the team's supervisor approves or returns."""

from collections.abc import Iterable
from datetime import datetime
from typing import Protocol
from uuid import UUID

from app.access.caller import Caller
from app.access.permissions import Permission, Role
from app.errors import Fault
from app.kit.state_machine import Transition, check_status, raise_if_unmet
from app.models import Case
from app.models.record import utc_now

EDITABLE_STATUSES = frozenset({"draft", "returned"})


class Approvable(Protocol):
    """What such a record is: written by somebody, and decided on."""

    status: str
    author_id: UUID
    submitted_at: datetime | None
    submitted_by_id: UUID | None
    contributor_ids: list[UUID]
    decided_at: datetime | None
    decided_by_id: UUID | None
    decision_comment: str | None


def build_approval_transitions(
    submit: Permission, decide: Permission, *, submit_gate: str, approve_gate: str
) -> tuple[Transition, Transition, Transition]:
    """Return the three steps of such a life: submit, approve, return."""
    return (
        Transition("submit", EDITABLE_STATUSES, "submitted", submit, submit_gate),
        Transition("approve", frozenset({"submitted"}), "approved", decide, approve_gate),
        Transition("return", frozenset({"submitted"}), "returned", decide, "a comment"),
    )


def submit_record(record: Approvable, caller: Caller, step: Transition, unmet: Iterable[Fault]) -> None:
    """Hand a record in: from here on it is frozen.

    Raises:
        GateRefused: it was handed in before, or something of it is missing.
    """
    raise_if_unmet([*check_status(step, record.status), *unmet])
    record.status = step.target
    record.submitted_at, record.submitted_by_id = utc_now(), caller.id
    record.decided_at = record.decided_by_id = record.decision_comment = None


def record_decision(
    record: Approvable,
    caller: Caller,
    case: Case,
    step: Transition,
    comment: str | None,
    unmet: Iterable[Fault] = (),
) -> None:
    """Approve a record or return it, whichever the step says.

    Raises:
        GateRefused: it waits for no decision, the actor wrote or submitted it, or is no supervisor of the case's team.
    """
    raise_if_unmet([*check_status(step, record.status), *check_approver(record, caller, case), *unmet])
    record.status = step.target
    record.decided_at, record.decided_by_id = utc_now(), caller.id
    if comment:
        record.decision_comment = comment


def check_approver(record: Approvable, caller: Caller, case: Case) -> list[Fault]:
    """Return what speaks against this actor deciding: separation of duties is on the person, not the role."""
    unmet = []
    if caller.id in {record.author_id, record.submitted_by_id, *record.contributor_ids}:
        unmet.append(Fault(None, "own_work", "Somebody else decides on what you wrote or submitted."))
    if not (caller.has_role(Role.supervisor) and case.team_id in caller.supervised_team_ids):
        unmet.append(Fault(None, "not_your_team", "A supervisor of the case's team decides."))
    return unmet


def check_editable(record: Approvable) -> list[Fault]:
    """Return the unmet condition that a record is frozen, or none."""
    if record.status in EDITABLE_STATUSES:
        return []
    return [
        Fault("/status", "frozen", f"It is {record.status}: what others rely on is not changed any more.")
    ]


def get_decision_comment(record: Approvable) -> str | None:
    """Return what was said in deciding."""
    return record.decision_comment
