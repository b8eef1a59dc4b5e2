"""What happened to a case, written by the acts themselves: the timeline's source."""

from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.access.actor import Actor
from app.access.log import RECORD_KINDS
from app.access.vault import seal
from app.models import Case, CaseHistory


def record(
    session: AsyncSession,
    case: Case,
    kind: str,
    actor: Actor,
    about: Any,
    detail: dict[str, Any] | None = None,
    *,
    tier: str = "case",
) -> None:
    """Add a line to a case's history: what happened, by whom, to which record, and what a reader should know.

    A line of the clinical or the legal `tier` is read by whoever reads that tier's records.
    """
    line = CaseHistory(
        child_id=case.child_id,
        case_id=case.id,
        kind=kind,
        by_id=actor.id,
        tier=tier,
        record_kind=RECORD_KINDS[type(about)],
        record_id=about.id,
    )
    if detail:
        seal(line, "sealed", detail)
    session.add(line)
