"""Addenda: texts added to a support session after it was recorded.

Clinical addenda have the same readers as clinical notes.
"""

from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.caller import Caller
from app.access.reader import ReadQuery, RecordReader, ShownRecord, session_reader
from app.errors import Fault
from app.kit.list_query import ListQuery
from app.kit.records import ensure_visible, get_case_for_share, get_record
from app.kit.reference_names import staff_names, to_staff_refs
from app.kit.state_machine import raise_if_unmet
from app.models import Case, SessionAddendum, SupportSession
from app.models.record import new_id
from app.schemas.support_session_notes import (
    SupportSessionAddendum,
    SupportSessionAddendumCreate,
    SupportSessionAddendumList,
)
from app.schemas.wire import PageQuery
from app.services.cases import history as case_history
from app.services.cases.states import check_case_open
from app.services.cases.write_access import check_works_on_case
from app.services.support.session_states import check_support_session_recorded

COLUMN_FIELDS = [name for name in SupportSessionAddendum.model_fields if name in SessionAddendum.model_fields]
ADDENDUM_COLUMNS = select(
    *(getattr(SessionAddendum, name) for name in COLUMN_FIELDS),
    *staff_names(SessionAddendum, "author"),
    col(SessionAddendum.text_encrypted),
)
ADDENDUM_QUERY = ReadQuery(
    ADDENDUM_COLUMNS.where(col(SessionAddendum.id) == bindparam("addendum_id")),
    shows=ShownRecord("session_addendum"),
)
ADDENDA = ListQuery(
    "addenda",
    SessionAddendum,
    ADDENDUM_COLUMNS,
    filters={"session_id": col(SessionAddendum.session_id) == bindparam("session_id")},
    sorts={"created_at": col(SessionAddendum.created_at)},
    shows=ShownRecord("session_addendum"),
)


async def create_support_session_addendum(
    session: AsyncSession, caller: Caller, support_session_id: UUID, payload: SupportSessionAddendumCreate
) -> SupportSessionAddendum:
    """Add an addendum to a support session.

    The staff of the case can add addenda. The worker of the session can too, even if they are not staff of the case.

    Raises:
        GateRefused: the session was not recorded as held or missed, the case is closed, or the caller is neither staff
            of the case nor the worker of the session.
        AlreadyExists: the id is taken.
    """
    case = await get_case_for_share(session, SupportSession, support_session_id)
    support_session = await get_record(session, SupportSession, support_session_id)
    raise_if_unmet(
        [
            *check_case_open(case),
            *check_support_session_recorded(support_session),
            *await _check_write_access(session, caller, case, support_session),
        ]
    )
    addendum = SessionAddendum(
        id=payload.id or new_id(),
        session_id=support_session.id,
        child_id=support_session.child_id,
        case_id=support_session.case_id,
        author_id=caller.id,
        tier=payload.tier,
    )
    addendum.text = payload.text
    session.add(addendum)
    await session.flush()  # the query of the response runs without autoflush
    case_history.record_case_history(session, case, "addendum_added", caller, addendum)
    row = await session_reader(session).fetch_required(ADDENDUM_QUERY, addendum_id=addendum.id)
    return SupportSessionAddendum(**_row_to_fields(row))


async def _check_write_access(
    session: AsyncSession, caller: Caller, case: Case, support_session: SupportSession
) -> list[Fault]:
    return [] if support_session.worker_id == caller.id else await check_works_on_case(session, case)


async def list_support_session_addenda(
    reader: RecordReader, caller: Caller, support_session_id: UUID, query: PageQuery
) -> SupportSessionAddendumList:
    """List the addenda of a support session that the caller can read, newest first.

    Raises:
        NotFound: the session does not exist, or the caller cannot see it.
    """
    page = await ADDENDA.fetch_page(reader, caller, query, within={"session_id": support_session_id})
    if not page.rows:
        await ensure_visible(reader, SupportSession, support_session_id)
    return SupportSessionAddendumList.from_trusted_items([*map(_row_to_fields, page.rows)], **page.fields)


def _row_to_fields(row: Any) -> dict[str, Any]:
    return {
        **dict(zip(COLUMN_FIELDS, row, strict=False)),
        **to_staff_refs(row, "author"),
        "text": SessionAddendum.text.decrypt(row.id, row.text_encrypted),
    }
