"""What happened to a case, written by the acts themselves: the timeline's source."""

from datetime import UTC, date, datetime, time
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.access.actor import Actor
from app.access.log import RECORD_KINDS
from app.access.vault import seal
from app.kit.dates import LOCAL, today
from app.models import Case, CaseHistory, ClinicalNote, LegalStep
from app.models.record import CaseRecord, now

TIERS: dict[type[Any], str] = {ClinicalNote: "clinical", LegalStep: "legal"}
"""Kinds of records that are always of one tier; others say theirs, or are of everybody's."""
NOON = time(12, tzinfo=LOCAL)
"""When something happened of which the day is all that is known: it stays that day for readers elsewhere."""


def record(
    session: AsyncSession,
    case: Case,
    kind: str,
    actor: Actor,
    about: Any,
    detail: dict[str, Any] | None = None,
    *,
    at: datetime | date | None = None,
) -> None:
    """Add a line to a case's history: what happened, by whom, to which record, and what a reader should know.

    A line is read by whoever reads its record's tier. `at` is the moment, or the day in Cambodia, when it happened, where
    that was not just now; what still lies ahead happens as it is written.
    """
    session.add(_line((case.child_id, case.id), kind, actor, about, detail, at))


def record_unseen(
    session: AsyncSession, kind: str, actor: Actor, about: CaseRecord, detail: dict[str, Any]
) -> None:
    """Add a line to the history of a case that the actor does not see: a payment is part of it, whoever pays."""
    session.add(_line((about.child_id, about.case_id), kind, actor, about, detail, None))


def _line(
    of: tuple[UUID, UUID],
    kind: str,
    actor: Actor,
    about: Any,
    detail: dict[str, Any] | None,
    at: datetime | date | None,
) -> CaseHistory:
    child_id, case_id = of
    line = CaseHistory(
        child_id=child_id,
        case_id=case_id,
        at=_moment(at),
        kind=kind,
        by_id=actor.id,
        tier=_tier(about),
        record_kind=RECORD_KINDS[type(about)],
        record_id=about.id,
    )
    if detail:
        seal(line, "sealed", detail)
    return line


def _tier(about: Any) -> str:
    own: str = getattr(about, "tier", "case")
    return TIERS.get(type(about), own)


def _moment(at: datetime | date | None) -> datetime:
    if isinstance(at, datetime):
        return min(at, now())
    if at is None or at >= today():
        return now()
    return datetime.combine(at, NOON).astimezone(UTC)
