"""Read support sessions: one session, those of a case, and those of all cases of the caller."""

from datetime import date
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, case, select
from sqlmodel import col

from app.access.caller import Caller
from app.access.reader import ReadQuery, RecordReader, ShownRecord
from app.kit.case_scope import CaseScope, belongs_to_cases
from app.kit.dates import today
from app.kit.entered_in_error import build_error_filter, error_mark_columns, to_error_mark
from app.kit.list_query import Filters, ListQuery, is_one_of, overlaps
from app.kit.records import ensure_visible
from app.kit.reference_names import staff_names, to_staff_refs
from app.models import Case, ClinicalNote, SupportSession
from app.schemas.support_session_lists import (
    CaseSupportSessionFilters,
    SupportSessionFilters,
    SupportSessionList,
    SupportSessionSummary,
    SupportSessionSummaryList,
)
from app.schemas.support_sessions import SupportSession as SupportSessionSchema
from app.services.support.case_records import (
    build_case_fields,
    is_before_referral,
    join_case_and_child,
    list_date_warnings,
)
from app.services.support.session_states import EDIT_WINDOW

COLUMN_FIELDS = [name for name in SupportSessionSchema.model_fields if name in SupportSession.model_fields]
SUMMARY_COLUMN_FIELDS = [name for name in COLUMN_FIELDS if name in SupportSessionSummary.model_fields]
SESSION_TIME = case(
    (col(SupportSession.held_at).is_(None), col(SupportSession.planned_at)),
    else_=col(SupportSession.held_at),
)
"""The time held or, if the session was not held, the planned time. It is the key of three indexes."""
HAS_CLINICAL_NOTE = (
    select(col(ClinicalNote.id)).where(col(ClinicalNote.session_id) == col(SupportSession.id)).exists()
)
"""Whether the session has a clinical note. Row-level security makes it false for callers who cannot read the note."""
COMPUTED_COLUMNS = [
    SESSION_TIME.label("at"),
    HAS_CLINICAL_NOTE.label("has_clinical_note"),
    *staff_names(SupportSession, "worker", "author"),
    *error_mark_columns(SupportSession),
    col(SupportSession.content_encrypted),
]
SESSION_COLUMNS = select(
    *(getattr(SupportSession, name) for name in COLUMN_FIELDS),
    *COMPUTED_COLUMNS,
    is_before_referral(col(SupportSession.case_id), col(SupportSession.held_at)),
)
SHOWN_SESSION = ShownRecord("support_session")
SESSION_QUERY = ReadQuery(
    SESSION_COLUMNS.where(col(SupportSession.id) == bindparam("support_session_id")), shows=SHOWN_SESSION
)
SERIES_QUERY = ReadQuery(
    SESSION_COLUMNS.where(col(SupportSession.series_id) == bindparam("series_id")).order_by(SESSION_TIME),
    shows=SHOWN_SESSION,
)
FILTERS: Filters = {
    **build_error_filter(SupportSession),
    "case_id": col(SupportSession.case_id) == bindparam("case_id"),
    "team_id": belongs_to_cases(col(SupportSession.case_id), is_one_of(col(Case.team_id), "team_id")),
    "series_id": col(SupportSession.series_id) == bindparam("series_id"),
    "area": overlaps(col(SupportSession.areas), "area"),
    "topic": overlaps(col(SupportSession.topics), "topic"),
    "since": bindparam("since") <= SESSION_TIME,
    "until": bindparam("until") > SESSION_TIME,
    **{
        name: is_one_of(col(getattr(SupportSession, name)), name)
        for name in ("worker_id", "status", "kind", "form")
    },
}
SORTS = {"created_at": col(SupportSession.created_at), "at": SESSION_TIME}
CASE_SESSIONS = ListQuery(
    "case_support_sessions",
    SupportSession,
    SESSION_COLUMNS,
    filters=FILTERS,
    sorts=SORTS,
    shows=SHOWN_SESSION,
)
SESSIONS = ListQuery(
    "support_sessions",
    SupportSession,
    join_case_and_child(
        select(*(getattr(SupportSession, name) for name in SUMMARY_COLUMN_FIELDS), *COMPUTED_COLUMNS),
        SupportSession,
    ),
    filters=FILTERS,
    sorts=SORTS,
    scope=CaseScope(col(SupportSession.case_id), col(Case.id)),
    shows=SHOWN_SESSION,
)


async def list_case_support_sessions(
    reader: RecordReader, caller: Caller, case_id: UUID, filters: CaseSupportSessionFilters
) -> SupportSessionList:
    """List the support sessions of a case, newest first by creation unless `sort` is given.

    Raises:
        NotFound: the case does not exist, or the caller cannot see it.
    """
    page = await CASE_SESSIONS.fetch_page(reader, caller, filters, within={"case_id": case_id})
    if not page.rows:
        await ensure_visible(reader, Case, case_id)
    return SupportSessionList.from_trusted_items([*map(_row_to_fields, page.rows)], **page.fields)


async def list_support_sessions(
    reader: RecordReader, caller: Caller, filters: SupportSessionFilters
) -> SupportSessionSummaryList:
    """List the support sessions of all cases that the caller can see, latest first unless `sort` is given."""
    page = await SESSIONS.fetch_page(reader, caller, filters)
    day = today()
    items = [_row_to_summary(row, day) for row in page.rows]
    return SupportSessionSummaryList.from_trusted_items(items, **page.fields)


async def get_support_session(reader: RecordReader, support_session_id: UUID) -> SupportSessionSchema:
    """Return one support session.

    Raises:
        NotFound: the session does not exist, or the caller cannot see it.
    """
    row = await reader.fetch_required(SESSION_QUERY, support_session_id=support_session_id)
    return SupportSessionSchema(**_row_to_fields(row))


async def load_series(reader: RecordReader, series_id: UUID) -> list[SupportSessionSchema]:
    """Return the sessions of a series in order of time."""
    rows = await reader.fetch(SERIES_QUERY, series_id=series_id)
    return [SupportSessionSchema(**_row_to_fields(row)) for row in rows]


def _row_to_fields(row: Any) -> dict[str, Any]:
    return {
        **dict(zip(COLUMN_FIELDS, row, strict=False)),
        "cancel_reason": None,
        "warnings": list_date_warnings(row, "/held_at"),
        **SupportSession.content.decrypt(row.id, row.content_encrypted),
        **_build_computed_fields(row),
    }


def _row_to_summary(row: Any, day: date) -> dict[str, Any]:
    return {
        **dict(zip(SUMMARY_COLUMN_FIELDS, row, strict=False)),
        **build_case_fields(row, day),
        "place": SupportSession.content.decrypt(row.id, row.content_encrypted)["place"],
        **_build_computed_fields(row),
    }


def _build_computed_fields(row: Any) -> dict[str, Any]:
    return {
        **to_staff_refs(row, "worker", "author"),
        **to_error_mark(SupportSession, row),
        "at": row.at,
        "editable_until": row.recorded_at and row.recorded_at + EDIT_WINDOW,
        "has_clinical_note": row.has_clinical_note,
    }
