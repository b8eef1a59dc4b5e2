"""Read releases. Callers who only read see published releases; those who prepare or publish see drafts too."""

from typing import Any
from uuid import UUID

from sqlalchemy import Boolean, Text, bindparam, exists, func, or_, select, true
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.caller import Caller
from app.access.permissions import POLICY, Permission
from app.access.reader import ReadQuery, RecordReader, session_reader
from app.kit.list_query import ListQuery, is_one_of
from app.kit.reference_names import staff_names, to_ref
from app.models import Release, ReleasedTable
from app.schemas.codes import get_code_label
from app.schemas.releases import Release as ReleaseSchema
from app.schemas.releases import ReleaseFilters, ReleaseList
from app.services.releases.menu_reports import MENU
from app.services.reports.catalogue import REPORTS

RECORD_KIND = "release"
NOTE = {
    "en": "Every count is rounded at random to a multiple of 5. A printed 0 means 0 to 4. Totals are rounded independently, so "
    "that they can differ from the sums of their parts. Counts about public outreach activities are exact.",
    "km": "ចំនួននីមួយៗត្រូវបានបង្គត់ដោយចៃដន្យទៅពហុគុណនៃ ៥។ លេខ 0 មានន័យថា 0 ដល់ 4។ ចំនួនសរុបត្រូវបានបង្គត់ដោយឡែក "
    "ដូច្នេះអាចខុសពីផលបូកនៃផ្នែករបស់វា។ ចំនួនអំពីសកម្មភាពផ្សព្វផ្សាយសាធារណៈគឺជាចំនួនពិត មិនបានបង្គត់ទេ។",
}
DRAFT_READERS = POLICY[Permission.release_prepare] | POLICY[Permission.release_publish]
_OF_RELEASE = col(ReleasedTable.release_id) == col(Release.id)
_TABLE_NAMES = (
    select(func.array_agg(aggregate_order_by(col(ReleasedTable.name), col(ReleasedTable.position))))
    .where(_OF_RELEASE)
    .correlate(Release)
    .scalar_subquery()
)
SUMMARY_FIELDS = (
    "id", "version", "period", "first_day", "last_day", "edition", "status", "created_at", "published_at",
)  # fmt: skip
SUMMARY_COLUMNS = select(
    *(getattr(Release, name) for name in SUMMARY_FIELDS), _TABLE_NAMES.label("table_names")
)
_IS_PUBLISHED = col(Release.status) == "published"
RELEASES = ListQuery(
    "releases",
    Release,
    SUMMARY_COLUMNS,
    filters={
        "report": exists().where(
            _OF_RELEASE, is_one_of(col(ReleasedTable.report), "report")
        ).correlate(Release),
        "period": is_one_of(col(Release.period), "period"),
        "status": is_one_of(col(Release.status), "status"),
        "visibility": {"all": true(), "published": _IS_PUBLISHED},
    },
    sorts={"last_day": col(Release.last_day), "created_at": col(Release.created_at)},
    default_sort="-last_day",
)  # fmt: skip
"""The list has at most a few hundred rows."""
RELEASE_QUERY = ReadQuery(
    SUMMARY_COLUMNS.add_columns(
        Release.audited_reports,  # type: ignore[arg-type]  # a column
        Release.tables_to_drop,  # type: ignore[arg-type]  # a column
        Release.prepared_by_id,  # type: ignore[arg-type]  # a column
        Release.approved_by_id,  # type: ignore[arg-type]  # a column
        *staff_names(Release, "prepared_by", "approved_by"),
    ).where(
        col(Release.id) == bindparam("release_id"),
        or_(_IS_PUBLISHED, bindparam("sees_drafts", type_=Boolean)),
    )
)
TABLES_QUERY = ReadQuery(
    select(
        col(ReleasedTable.name),
        col(ReleasedTable.report),
        col(ReleasedTable.dimensions),
        col(ReleasedTable.content),
        func.encode(col(ReleasedTable.hash), "hex", type_=Text).label("sha256"),
    )
    .where(col(ReleasedTable.release_id) == bindparam("release_id"))
    .order_by(col(ReleasedTable.position))
)


def _sees_drafts(caller: Caller) -> bool:
    return not caller.roles.isdisjoint(DRAFT_READERS)


async def list_releases(reader: RecordReader, caller: Caller, filters: ReleaseFilters) -> ReleaseList:
    """Return one page of the releases that the caller can see."""
    visibility = "all" if _sees_drafts(caller) else "published"
    page = await RELEASES.fetch_page(reader, caller, filters, within={"visibility": visibility})
    for row in page.rows:
        reader.record_access(RECORD_KIND, row.id)
    return ReleaseList.from_trusted_items([*map(_row_to_summary, page.rows)], **page.fields)


async def get_release(reader: RecordReader, caller: Caller, release_id: UUID) -> ReleaseSchema:
    """Return a release with its tables.

    Raises:
        NotFound: the release does not exist, or is not published and the caller cannot see drafts.
    """
    row = await reader.fetch_required(RELEASE_QUERY, release_id=release_id, sees_drafts=_sees_drafts(caller))
    reader.record_access(RECORD_KIND, row.id)
    tables = await reader.fetch(TABLES_QUERY, release_id=release_id)
    is_person = caller.kind == "person"
    return ReleaseSchema(
        **_row_to_summary(row),
        note=NOTE,
        tables=[*map(_row_to_table, tables)],
        reports=len({table.report for table in tables}),
        audited_reports=row.audited_reports,
        tables_to_drop=row.tables_to_drop,
        prepared_by=to_ref(row.prepared_by_id, row.prepared_by_name) if is_person else None,
        approved_by=to_ref(row.approved_by_id, row.approved_by_name) if is_person else None,
    )


async def save_release(session: AsyncSession, caller: Caller, release: Release) -> ReleaseSchema:
    """Write a new or changed release and return it.

    Raises:
        AlreadyExists: the id is taken.
    """
    session.add(release)
    await session.flush()  # the query of the response bypasses the session
    return await get_release(session_reader(session), caller, release.id)


def _row_to_summary(row: Any) -> dict[str, Any]:
    return {name: getattr(row, name) for name in (*SUMMARY_FIELDS, "table_names")}


def _row_to_table(row: Any) -> dict[str, Any]:
    definition = REPORTS[row.report].definition
    code_lists = {dimension.name: dimension.code_list for dimension in MENU[row.report].dimensions}
    return {
        "name": row.name,
        "title": {language: get_code_label("release_table", row.name, language) for language in ("en", "km")},
        "report": row.report,
        "definition": definition._asdict(),
        "dimensions": [{"name": name, "code_list": code_lists[name]} for name in row.dimensions],
        "is_exact": MENU[row.report].is_exact,
        **row.content,
        "sha256": row.sha256,
    }
