"""Record the values of fields before and after a change of a child, a case or a person."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.access.accessed_records import RECORD_KINDS
from app.access.caller import Caller
from app.models import Case, Child, Person, RecordChange
from app.models.cases import StoredFieldChange


def record_field_changes(
    session: AsyncSession,
    caller: Caller,
    record: Child | Case | Person,
    before: Mapping[str, Any],
    after: Mapping[str, Any],
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
        by_id=caller.id,
        record_kind=RECORD_KINDS[type(record)],
        record_id=record.id,
        fields=names,
    )
    entry.changes = {
        name: StoredFieldChange(before=before.get(name), after=after.get(name)) for name in names
    }
    session.add(entry)
