"""What happened to a case, written by the acts themselves: the timeline's source."""

from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.access.actor import Actor
from app.access.log import RECORD_KINDS
from app.access.vault import seal
from app.models import Case, CaseHistory
from app.models.record import CaseRecord


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
    session.add(_line((case.child_id, case.id), kind, actor, about, detail, tier))


def record_unseen(
    session: AsyncSession, kind: str, actor: Actor, about: CaseRecord, detail: dict[str, Any]
) -> None:
    """Add a line to the history of a case that the actor does not see: a payment is part of it, whoever pays."""
    session.add(_line((about.child_id, about.case_id), kind, actor, about, detail, "case"))


def _line(
    of: tuple[UUID, UUID], kind: str, actor: Actor, about: Any, detail: dict[str, Any] | None, tier: str
) -> CaseHistory:
    child_id, case_id = of
    line = CaseHistory(
        child_id=child_id,
        case_id=case_id,
        kind=kind,
        by_id=actor.id,
        tier=tier,
        record_kind=RECORD_KINDS[type(about)],
        record_id=about.id,
    )
    if detail:
        seal(line, "sealed", detail)
    return line
