"""The history of a child: changes of its identity, its cases, the people around it, and the consents of joined referrals."""

from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, select
from sqlmodel import col

from app.access.caller import Caller
from app.access.reader import RecordReader, ShownRecord
from app.kit.list_query import ListQuery, is_one_of, overlaps
from app.kit.records import ensure_visible
from app.kit.reference_names import person_name, to_ref
from app.models import Child, RecordChange
from app.schemas.child_history import ChildHistory, ChildHistoryFilters
from app.services.cases.record_links import get_record_path

COLUMN_FIELDS = ("id", "at", "by_id", "record_kind", "record_id", "case_id", "referral_id")
HISTORY = ListQuery(
    "child_history",
    RecordChange,
    select(
        *(getattr(RecordChange, name) for name in COLUMN_FIELDS),
        col(RecordChange.child_id),
        person_name(col(RecordChange.by_id)).label("by_name"),
        col(RecordChange.changes_encrypted),
    ),
    filters={
        "child_id": col(RecordChange.child_id) == bindparam("child_id"),
        "record_kind": is_one_of(col(RecordChange.record_kind), "record_kind"),
        "record_id": col(RecordChange.record_id) == bindparam("record_id"),
        "field": overlaps(col(RecordChange.fields), "field"),
        "since": col(RecordChange.at) >= bindparam("since"),
        "until": col(RecordChange.at) < bindparam("until"),
    },
    sorts={"at": col(RecordChange.at)},
    default_sort="-at",
    shows=ShownRecord("record_change"),
)


async def list_child_history(
    reader: RecordReader, caller: Caller, child_id: UUID, filters: ChildHistoryFilters
) -> ChildHistory:
    """List the changes of a child, its cases and people, and the additions of joined referrals, newest first.

    Changes of a case, and of people in it, are visible to the callers who can see the case.

    Raises:
        NotFound: The child does not exist, or the caller cannot see it.
    """
    page = await HISTORY.fetch_page(reader, caller, filters, within={"child_id": child_id})
    if not page.rows:
        await ensure_visible(reader, Child, child_id)
    return ChildHistory.from_trusted_items([*map(_row_to_entry, page.rows)], **page.fields)


def _row_to_entry(row: Any) -> dict[str, Any]:
    changes = RecordChange.changes.decrypt(row.id, row.changes_encrypted)
    return {
        **dict(zip(COLUMN_FIELDS, row, strict=False)),
        "by": to_ref(row.by_id, row.by_name),
        "link": get_record_path(row.record_kind, row.record_id, row.case_id),
        "changes": [{"field": name, **change} for name, change in changes.items()],
    }
