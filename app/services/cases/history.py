"""What happened to a case, written by the acts themselves: the timeline's source."""

from datetime import UTC, date, datetime, time
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.access.caller import Caller
from app.access.log import RECORD_KINDS
from app.access.vault import encrypt
from app.kit.dates import CAMBODIA_TIMEZONE, today
from app.models import Case, CaseHistoryEntry, ClinicalNote, LegalStep
from app.models.record import CaseRecord, utc_now

TIER_BY_RECORD_TYPE: dict[type[Any], str] = {ClinicalNote: "clinical", LegalStep: "legal"}
"""Kinds of records that are always of one tier; others say theirs, or are of everybody's."""
LOCAL_NOON = time(12, tzinfo=CAMBODIA_TIMEZONE)
"""When something happened of which the day is all that is known: it stays that day for readers elsewhere."""


def record_case_history(
    session: AsyncSession,
    case: Case,
    kind: str,
    caller: Caller,
    about: Any,
    detail: dict[str, Any] | None = None,
    *,
    occurred_at: datetime | date | None = None,
) -> None:
    """Add a line to a case's history: what happened, by whom, to which record, and what a reader should know.

    A line is read by whoever reads its record's tier. `at` is the moment, or the day in Cambodia, when it happened, where
    that was not just now; what still lies ahead happens as it is written.
    """
    session.add(_build_entry((case.child_id, case.id), kind, caller, about, detail, occurred_at))


def record_case_history_without_access(
    session: AsyncSession, kind: str, caller: Caller, about: CaseRecord, detail: dict[str, Any]
) -> None:
    """Add a line to the history of a case that the actor does not see: a payment is part of it, whoever pays."""
    session.add(_build_entry((about.child_id, about.case_id), kind, caller, about, detail, None))


def _build_entry(
    of: tuple[UUID, UUID],
    kind: str,
    caller: Caller,
    about: Any,
    detail: dict[str, Any] | None,
    at: datetime | date | None,
) -> CaseHistoryEntry:
    child_id, case_id = of
    line = CaseHistoryEntry(
        child_id=child_id,
        case_id=case_id,
        at=_to_timestamp(at),
        kind=kind,
        by_id=caller.id,
        tier=_get_tier(about),
        record_kind=RECORD_KINDS[type(about)],
        record_id=about.id,
    )
    if detail:
        encrypt(line, "sealed", detail)
    return line


def _get_tier(about: Any) -> str:
    own: str = getattr(about, "tier", "case")
    return TIER_BY_RECORD_TYPE.get(type(about), own)


def _to_timestamp(at: datetime | date | None) -> datetime:
    if isinstance(at, datetime):
        return min(at, utc_now())
    if at is None or at >= today():
        return utc_now()
    return datetime.combine(at, LOCAL_NOON).astimezone(UTC)
