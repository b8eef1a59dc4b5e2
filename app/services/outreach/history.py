"""Record and list the values of the fields of an outreach activity before and after each change."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.caller import Caller
from app.access.reader import NoShownRecord, RecordReader
from app.kit.list_query import ListQuery, overlaps
from app.kit.records import ensure_visible
from app.kit.reference_names import staff_names, to_ref
from app.models import OutreachActivity, OutreachChange
from app.models.outreach import StoredOutreachChange
from app.schemas.outreach_history import OutreachHistory, OutreachHistoryFilters

NO_CHILD = NoShownRecord("an outreach activity belongs to no child")
HISTORY = ListQuery(
    "outreach_history",
    OutreachChange,
    select(
        col(OutreachChange.id),
        col(OutreachChange.changed_at),
        col(OutreachChange.changed_by_id),
        *staff_names(OutreachChange, "changed_by"),
        col(OutreachChange.changes_encrypted),
    ),
    filters={
        "activity_id": col(OutreachChange.activity_id) == bindparam("activity_id"),
        "field": overlaps(col(OutreachChange.fields), "field"),
    },
    sorts={"at": col(OutreachChange.changed_at)},
    default_sort="-at",
    shows=NO_CHILD,
)


def record_outreach_change(
    session: AsyncSession,
    caller: Caller,
    activity_id: UUID,
    before: Mapping[str, Any],
    after: Mapping[str, Any],
) -> None:
    """Add an entry with the fields that differ between two JSON documents. Without a difference, add nothing.

    An absent field equals null.
    """
    names = sorted(name for name in {*before, *after} if before.get(name) != after.get(name))
    if not names:
        return
    entry = OutreachChange(activity_id=activity_id, changed_by_id=caller.id, fields=names)
    entry.changes = {
        name: StoredOutreachChange(before=before.get(name), after=after.get(name)) for name in names
    }
    session.add(entry)


async def list_outreach_history(
    reader: RecordReader, caller: Caller, activity_id: UUID, filters: OutreachHistoryFilters
) -> OutreachHistory:
    """List the changes of an activity and of its attachments, newest first.

    Raises:
        NotFound: the activity does not exist.
    """
    page = await HISTORY.fetch_page(reader, caller, filters, within={"activity_id": activity_id})
    if not page.rows:
        await ensure_visible(reader, OutreachActivity, activity_id)
    return OutreachHistory.from_trusted_items([*map(_row_to_entry, page.rows)], **page.fields)


def _row_to_entry(row: Any) -> dict[str, Any]:
    changes = OutreachChange.changes.decrypt(row.id, row.changes_encrypted)
    return {
        "id": row.id,
        "at": row.changed_at,
        "by_id": row.changed_by_id,
        "by": to_ref(row.changed_by_id, row.changed_by_name),
        "changes": [{"field": name, **change} for name, change in changes.items()],
    }
