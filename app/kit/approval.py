"""Submitting and deciding: what one person writes, the team's supervisor approves or returns."""

from collections.abc import Iterable
from datetime import datetime
from typing import Protocol
from uuid import UUID

from app.access.actor import Actor
from app.access.permissions import Permission, Role
from app.access.vault import seal, unseal
from app.errors import Fault
from app.kit.state_machine import Step, refuse, unmet_status
from app.models import Case
from app.models.record import now

WRITABLE = frozenset({"draft", "returned"})


class Submitted(Protocol):
    """What such a record is: written by somebody, and decided on."""

    status: str
    author_id: UUID
    submitted_at: datetime | None
    submitted_by_id: UUID | None
    contributor_ids: list[UUID]
    decided_at: datetime | None
    decided_by_id: UUID | None
    decision_sealed: bytes | None


def life(
    submit: Permission, decide: Permission, *, to_submit: str, to_approve: str
) -> tuple[Step, Step, Step]:
    """Return the three steps of such a life: submit, approve, return."""
    return (
        Step("submit", WRITABLE, "submitted", submit, to_submit),
        Step("approve", frozenset({"submitted"}), "approved", decide, to_approve),
        Step("return", frozenset({"submitted"}), "returned", decide, "a comment"),
    )


def submit(record: Submitted, actor: Actor, step: Step, unmet: Iterable[Fault]) -> None:
    """Hand a record in: from here on it is frozen.

    Raises:
        GateRefused: it was handed in before, or something of it is missing.
    """
    refuse([*unmet_status(step, record.status), *unmet])
    record.status = step.target
    record.submitted_at, record.submitted_by_id = now(), actor.id
    record.decided_at = record.decided_by_id = record.decision_sealed = None


def decide(
    record: Submitted, actor: Actor, case: Case, step: Step, comment: str | None, unmet: Iterable[Fault] = ()
) -> None:
    """Approve a record or return it, whichever the step says.

    Raises:
        GateRefused: it waits for no decision, the actor wrote or submitted it, or is no supervisor of the case's team.
    """
    refuse([*unmet_status(step, record.status), *unmet_decider(record, actor, case), *unmet])
    record.status = step.target
    record.decided_at, record.decided_by_id = now(), actor.id
    if comment:
        seal(record, "decision_sealed", comment)


def unmet_decider(record: Submitted, actor: Actor, case: Case) -> list[Fault]:
    """Return what speaks against this actor deciding: separation of duties is on the person, not the role."""
    unmet = []
    if actor.id in {record.author_id, record.submitted_by_id, *record.contributor_ids}:
        unmet.append(Fault(None, "own_work", "Somebody else decides on what you wrote or submitted."))
    if not (actor.has(Role.supervisor) and case.team_id in actor.supervises):
        unmet.append(Fault(None, "not_your_team", "A supervisor of the case's team decides."))
    return unmet


def unmet_writable(record: Submitted) -> list[Fault]:
    """Return the unmet condition that a record is frozen, or none."""
    if record.status in WRITABLE:
        return []
    return [
        Fault("/status", "frozen", f"It is {record.status}: what others rely on is not changed any more.")
    ]


def comment_of(record: Submitted) -> str | None:
    """Return what was said in deciding."""
    return unseal(record, "decision_sealed") or None
