"""Add entries to the history of a case. The timeline lists them."""

from datetime import UTC, date, datetime, time
from typing import Protocol
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.access.accessed_records import RECORD_KINDS
from app.access.caller import Caller
from app.kit.dates import CAMBODIA_TIMEZONE, today
from app.models import Case, CaseHistoryEntry, ClinicalNote, LegalStep
from app.models.cases import StoredHistoryDetail
from app.models.record import CaseRecord, utc_now

TIER_BY_RECORD_TYPE: dict[type, str] = {ClinicalNote: "clinical", LegalStep: "legal"}
"""Record types with a fixed tier. Other records have a `tier` column or belong to the tier `case`."""
LOCAL_NOON = time(12, tzinfo=CAMBODIA_TIMEZONE)
"""Time of an event of which only the date is known. At noon in Cambodia, the date is the same in most other time zones.
"""


class IdentifiedRecord(Protocol):
    """A record that a history entry can reference."""

    id: UUID


def record_case_history(
    session: AsyncSession,
    case: Case,
    kind: str,
    caller: Caller,
    record: IdentifiedRecord,
    detail: StoredHistoryDetail | None = None,
    *,
    occurred_at: datetime | date | None = None,
) -> None:
    """Add an entry to the history of a case.

    The entry is visible to the callers who can see the tier of `record`. `occurred_at` is the time of an earlier event,
    or its date in Cambodia. If it is absent or in the future, the entry gets the current time.
    """
    session.add(_build_entry((case.child_id, case.id), kind, caller, record, detail, occurred_at))


def record_case_history_without_access(
    session: AsyncSession, kind: str, caller: Caller, record: CaseRecord, detail: StoredHistoryDetail
) -> None:
    """Add an entry to the history of a record's case, for a caller who cannot see the case.

    A finance officer pays a disbursement without access to its case.
    """
    session.add(_build_entry((record.child_id, record.case_id), kind, caller, record, detail, None))


def _build_entry(
    child_and_case_id: tuple[UUID, UUID],
    kind: str,
    caller: Caller,
    record: IdentifiedRecord,
    detail: StoredHistoryDetail | None,
    occurred_at: datetime | date | None,
) -> CaseHistoryEntry:
    child_id, case_id = child_and_case_id
    entry = CaseHistoryEntry(
        child_id=child_id,
        case_id=case_id,
        at=_to_timestamp(occurred_at),
        kind=kind,
        by_id=caller.id,
        tier=_get_tier(record),
        record_kind=RECORD_KINDS[type(record)],
        record_id=record.id,
    )
    if detail:
        entry.detail = detail
    return entry


def _get_tier(record: IdentifiedRecord) -> str:
    own_tier: str = getattr(record, "tier", "case")
    return TIER_BY_RECORD_TYPE.get(type(record), own_tier)


def _to_timestamp(occurred_at: datetime | date | None) -> datetime:
    if isinstance(occurred_at, datetime):
        return min(occurred_at, utc_now())
    if occurred_at is None or occurred_at >= today():
        return utc_now()
    return datetime.combine(occurred_at, LOCAL_NOON).astimezone(UTC)
