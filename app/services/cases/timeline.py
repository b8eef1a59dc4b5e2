"""The timeline of a case: a list of the events in its history."""

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Uuid, any_, bindparam, case, select, union_all
from sqlmodel import col

from app.access.caller import Caller
from app.access.reader import ReadQuery, RecordReader, ShownRecord
from app.kit.dates import CAMBODIA_TIMEZONE
from app.kit.list_query import ListQuery, is_one_of
from app.kit.records import ensure_visible
from app.kit.reference_names import person_name, to_ref
from app.models import Case, CaseHistoryEntry, ClinicalNote, Provider, SessionAddendum, Team, User
from app.schemas.dates import EARLIEST_LIFE_DATE, LATEST_FILTER_DATE
from app.schemas.timeline import TimelineEntry, TimelineEntryList, TimelineFilters
from app.services.cases.record_links import find_record_path

COLUMN_FIELDS = [name for name in TimelineEntry.model_fields if name in CaseHistoryEntry.model_fields]
NAMED_IDS = ("from_lead", "to_lead", "from_team", "to_team", "provider_id")
"""Facts about an event that are ids of users, teams and providers."""
SESSION_ID = case(
    {
        kind: select(col(model.session_id))
        .where(col(model.id) == col(CaseHistoryEntry.record_id))
        .scalar_subquery()
        for kind, model in (("clinical_note", ClinicalNote), ("session_addendum", SessionAddendum))
    },
    value=col(CaseHistoryEntry.record_kind),
)
"""The id of the support session, for records whose path contains it."""
TIMELINE = ListQuery(
    "timeline",
    CaseHistoryEntry,
    select(
        *(getattr(CaseHistoryEntry, name) for name in COLUMN_FIELDS),
        person_name(col(CaseHistoryEntry.by_id)).label("by_name"),
        SESSION_ID.label("session_id"),
        col(CaseHistoryEntry.detail_encrypted),
    ),
    filters={
        "case_id": col(CaseHistoryEntry.case_id) == bindparam("case_id"),
        "kind": is_one_of(col(CaseHistoryEntry.kind), "kind"),
        "record_kind": is_one_of(col(CaseHistoryEntry.record_kind), "record_kind"),
        "since": col(CaseHistoryEntry.at) >= bindparam("start"),
        "until": col(CaseHistoryEntry.at) < bindparam("end"),
    },
    sorts={"at": col(CaseHistoryEntry.at)},
    default_sort="-at",
    shows=ShownRecord("case_history"),
)
IDS = bindparam("ids", type_=ARRAY(Uuid))
NAMES = union_all(
    *(
        select(col(model.id), col(model.name)).where(col(model.id) == any_(IDS))
        for model in (User, Team, Provider)
    )
).subquery()
NAMES_QUERY = ReadQuery(select(NAMES.c.id, NAMES.c.name))


async def list_case_timeline(
    reader: RecordReader, caller: Caller, case_id: UUID, filters: TimelineFilters
) -> TimelineEntryList:
    """List the history entries of a case, latest event first.

    Row-level security hides the entries of tiers that the caller cannot see.

    Raises:
        NotFound: The case does not exist, or the caller cannot see it.
    """
    start = _start_of_day(filters.since or EARLIEST_LIFE_DATE)
    end = _start_of_day((filters.until or LATEST_FILTER_DATE) + timedelta(days=1))
    page = await TIMELINE.fetch_page(
        reader, caller, filters, within={"case_id": case_id}, start=start, end=end
    )
    if not page.rows:
        await ensure_visible(reader, Case, case_id)
    return TimelineEntryList.from_trusted_items(await _build_items(reader, page.rows), **page.fields)


def _start_of_day(day: date) -> datetime:
    """Return the start of a day in Cambodia."""
    return datetime.combine(day, time(), CAMBODIA_TIMEZONE)


async def _build_items(reader: RecordReader, rows: Sequence[Any]) -> list[dict[str, Any]]:
    """Return the fields of entries. One query loads the names of all users, teams and providers in their details."""
    details: list[dict[str, Any]] = [
        dict(CaseHistoryEntry.detail.decrypt(row.id, row.detail_encrypted) or {}) for row in rows
    ]
    ids = {detail[key] for detail in details for key in NAMED_IDS if detail.get(key)}
    names = {row.id: row.name for row in await reader.fetch(NAMES_QUERY, ids=list(ids))} if ids else {}
    return [
        {
            **dict(zip(COLUMN_FIELDS, row, strict=False)),
            "by": row.by_name and to_ref(row.by_id, row.by_name),
            "link": find_record_path(row.record_kind, row.record_id, row.case_id, row.session_id),
            "detail": {**detail, **_format_time(detail), **_name_ids(detail, names)},
        }
        for row, detail in zip(rows, details, strict=True)
    ]


def _format_time(detail: dict[str, Any]) -> dict[str, str]:
    """Return the stored time of a support session in the format of the API, with `Z`."""
    return {"at": detail["at"].replace("+00:00", "Z")} if detail.get("at") else {}


def _name_ids(detail: dict[str, Any], names: dict[str, str]) -> dict[str, str]:
    """Return the name of each id in the facts about an event, for example `from_lead_name` for `from_lead`."""
    return {
        f"{key.removesuffix('_id')}_name": names[detail[key]] for key in NAMED_IDS if detail.get(key) in names
    }
