"""The approval workflow: an author submits a record, and a supervisor of the case's team approves or returns it."""

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
    """The columns that the approval workflow reads and writes."""

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
    """Return the transitions submit, approve and return for one type of record."""
    return (
        Transition("submit", EDITABLE_STATUSES, "submitted", submit, submit_gate),
        Transition("approve", frozenset({"submitted"}), "approved", decide, approve_gate),
        Transition("return", frozenset({"submitted"}), "returned", decide, "a comment"),
    )


def submit_record(record: Approvable, caller: Caller, transition: Transition, unmet: Iterable[Fault]) -> None:
    """Submit a record for approval. A submitted record cannot be changed until it is returned.

    Raises:
        GateRefused: the status does not allow the submission, or `unmet` is not empty.
    """
    raise_if_unmet([*check_status(transition, record.status), *unmet])
    record.status = transition.target
    record.submitted_at, record.submitted_by_id = utc_now(), caller.id
    record.decided_at = record.decided_by_id = record.decision_comment = None


def record_decision(
    record: Approvable,
    caller: Caller,
    case: Case,
    transition: Transition,
    comment: str | None,
    unmet: Iterable[Fault] = (),
) -> None:
    """Approve or return a record, depending on the transition.

    Raises:
        GateRefused: the record is not submitted, the caller wrote or submitted it, the caller is not a supervisor
            of the case's team, or `unmet` is not empty.
    """
    raise_if_unmet([*check_status(transition, record.status), *check_approver(record, caller, case), *unmet])
    record.status = transition.target
    record.decided_at, record.decided_by_id = utc_now(), caller.id
    if comment:
        record.decision_comment = comment


def check_approver(record: Approvable, caller: Caller, case: Case) -> list[Fault]:
    """Return the reasons why the caller may not decide on the record.

    Duties are separated by person, not by role: a supervisor who wrote the record may not decide on it.
    """
    unmet = []
    if caller.id in {record.author_id, record.submitted_by_id, *record.contributor_ids}:
        detail = "You wrote or submitted this record. Another person must decide on it."
        unmet.append(Fault(None, "own_work", detail))
    if not (caller.has_role(Role.supervisor) and case.team_id in caller.supervised_team_ids):
        detail = "Only a supervisor of the case's team can decide on this record."
        unmet.append(Fault(None, "not_your_team", detail))
    return unmet


def check_editable(record: Approvable) -> list[Fault]:
    """Return a fault if the record cannot be changed, because it is submitted or approved."""
    if record.status in EDITABLE_STATUSES:
        return []
    detail = f"The record is {record.status}. Only a draft or a returned record can be changed."
    return [Fault("/status", "frozen", detail)]
