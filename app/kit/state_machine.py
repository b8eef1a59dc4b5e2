"""State machines as data: one table of steps per noun, enforced here and drawn in the docs."""

from collections.abc import Iterable
from dataclasses import dataclass

from app.access.permissions import Permission
from app.errors import Fault, GateRefused


@dataclass(frozen=True, slots=True)
class Transition:
    """An act that moves a record from one of `sources` to `target`, by whom `permission` allows, through `gate`."""

    act: str
    sources: frozenset[str]
    target: str
    permission: Permission
    gate: str = ""
    """What must be true, in words; the functions that check it list what is not."""


def check_status(step: Transition, status: str) -> list[Fault]:
    """Return the unmet condition that the record's status is, or none."""
    if status in step.sources:
        return []
    wanted = " or ".join(sorted(step.sources))
    return [Fault("/status", "status", f"The status is {status}; this step asks for {wanted}.")]


def raise_if_unmet(unmet: Iterable[Fault]) -> None:
    """Refuse a step, listing every unmet condition.

    Raises:
        GateRefused: there is at least one.
    """
    listed = list(unmet)
    if listed:
        raise GateRefused(listed)
