"""State machines as data: one table of transitions per type of record, from which docs/diagrams.md is generated."""

from collections.abc import Iterable
from dataclasses import dataclass

from app.access.permissions import Permission
from app.errors import Fault, GateRefused


@dataclass(frozen=True, slots=True)
class Transition:
    """An act that changes the status of a record from one of `sources` to `target`. It requires `permission`."""

    act: str
    sources: frozenset[str]
    target: str
    permission: Permission
    gate: str = ""
    """The precondition in words, for the documentation. Functions named `check_…` enforce it."""


def check_status(transition: Transition, status: str) -> list[Fault]:
    """Return a fault if the status does not allow the transition."""
    if status in transition.sources:
        return []
    allowed = " or ".join(sorted(transition.sources))
    return [Fault("/status", "status", f"The status is {status}. This act requires the status {allowed}.")]


def raise_if_unmet(unmet: Iterable[Fault]) -> None:
    """Reject an act if a condition is unmet, and report all unmet conditions.

    Raises:
        GateRefused: at least one condition is unmet.
    """
    faults = list(unmet)
    if faults:
        raise GateRefused(faults)
