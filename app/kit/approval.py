"""The approval workflow: an author submits a record, and a supervisor of the case's team approves or returns it.

A programme manager decides if the team has no supervisor who can, because it has none or all of them wrote the record.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Protocol
from uuid import UUID

from sqlalchemy import ARRAY, Uuid, func, literal, select
from sqlalchemy.ext.asyncio import AsyncSession

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


async def record_decision(
    session: AsyncSession,
    record: Approvable,
    caller: Caller,
    case: Case,
    transition: Transition,
    comment: str | None,
    unmet: Iterable[Fault] = (),
) -> None:
    """Approve or return a record, depending on the transition.

    Raises:
        GateRefused: the record is not submitted, the caller wrote or submitted it, the caller is neither a supervisor of
            the case's team nor the programme manager of a team without one, or `unmet` is not empty.
    """
    raise_if_unmet(
        [
            *check_status(transition, record.status),
            *await check_approver(session, record, caller, case),
            *unmet,
        ]
    )
    record.status = transition.target
    record.decided_at, record.decided_by_id = utc_now(), caller.id
    if comment:
        record.decision_comment = comment


async def check_approver(
    session: AsyncSession, record: Approvable, caller: Caller, case: Case
) -> list[Fault]:
    """Return the reasons why the caller may not decide on the record.

    Duties are separated by person, not by role: a supervisor who wrote the record may not decide on it.
    """
    unmet = []
    author_ids = {record.author_id, record.submitted_by_id, *record.contributor_ids} - {None}
    if caller.id in author_ids:
        detail = "You wrote or submitted this record. Another person must decide on it."
        unmet.append(Fault(None, "own_work", detail))
    supervises_team = caller.has_role(Role.supervisor) and case.team_id in caller.supervised_team_ids
    if not supervises_team and not await _is_substitute(session, caller, case, sorted(author_ids, key=str)):
        detail = (
            "Only a supervisor of the case's team can decide on this record, or a programme manager if the team has no "
            "other supervisor."
        )
        unmet.append(Fault(None, "not_your_team", detail))
    return unmet


async def _is_substitute(
    session: AsyncSession, caller: Caller, case: Case, author_ids: Sequence[UUID | None]
) -> bool:
    """Return whether the caller decides as a programme manager, because no supervisor of the team can."""
    if not caller.has_role(Role.programme_manager):
        return False
    call = func.access.has_supervisor(case.id, literal(author_ids, ARRAY(Uuid)))
    return not await session.scalar(select(call))


def check_editable(record: Approvable) -> list[Fault]:
    """Return a fault if the record cannot be changed, because it is submitted or approved."""
    if record.status in EDITABLE_STATUSES:
        return []
    detail = f"The record is {record.status}. Only a draft or a returned record can be changed."
    return [Fault("/status", "frozen", detail)]
