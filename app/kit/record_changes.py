"""Record the values of fields before and after a change of a child, a case, a person or a consent."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from app.access.accessed_records import RECORD_KINDS
from app.access.caller import Caller
from app.models import Case, Child, Consent, Person, RecordChange
from app.models.people import StoredFieldChange
from app.models.record import utc_now


@dataclass(frozen=True, slots=True)
class ReferralAct:
    """The acceptance or the detachment of a referral that makes changes.

    All changes of an acceptance have the time of the decision. The detachment finds them by this time.
    """

    referral_id: UUID
    at: datetime


def record_field_changes(
    session: AsyncSession,
    caller: Caller,
    record: Child | Case | Person | Consent,
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    referral_act: ReferralAct | None = None,
) -> None:
    """Add an entry with the fields that differ between two JSON documents of a record. Without a difference, add nothing.

    An absent field equals null.
    """
    names = sorted(name for name in {*before, *after} if before.get(name) != after.get(name))
    if not names:
        return
    entry = RecordChange(
        child_id=record.child_id,
        case_id=None
        if isinstance(record, Child)
        else record.id
        if isinstance(record, Case)
        else record.case_id,
        at=referral_act.at if referral_act else utc_now(),
        by_id=caller.id,
        referral_id=referral_act.referral_id if referral_act else None,
        record_kind=RECORD_KINDS[type(record)],
        record_id=record.id,
        fields=names,
    )
    entry.changes = {
        name: StoredFieldChange(before=before.get(name), after=after.get(name)) for name in names
    }
    session.add(entry)
