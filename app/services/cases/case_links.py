"""Links between the cases of two children. A link creates a conflict wall between their workers."""

from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.caller import Caller
from app.access.log import refresh_context
from app.access.reader import ReadQuery, RecordReader, ShownRecord, session_reader
from app.errors import Fault, InvalidInput
from app.kit.entered_in_error import build_error_filter, error_mark_columns, to_error_mark
from app.kit.list_query import ListQuery
from app.kit.records import ensure_visible, get_for_update, get_record
from app.kit.reference_names import case_number, staff_names, to_case_ref, to_staff_refs
from app.kit.state_machine import raise_if_unmet
from app.models import Case, CaseLink
from app.schemas.case_links import CaseLink as CaseLinkSchema
from app.schemas.case_links import CaseLinkCreate, CaseLinkFilters, CaseLinkList
from app.services.cases.open import lock_case_opening
from app.services.cases.staffing_checks import check_shared_worker
from app.services.cases.write_access import check_works_on_case

COLUMN_FIELDS = [name for name in CaseLinkSchema.model_fields if name in CaseLink.model_fields]
LINK_COLUMNS = select(
    *(getattr(CaseLink, name) for name in COLUMN_FIELDS),
    *staff_names(CaseLink, "linked_by"),
    *error_mark_columns(CaseLink),
    case_number(col(CaseLink.case_id)).label("case_number"),
    case_number(col(CaseLink.linked_case_id)).label("linked_case_number"),
    col(CaseLink.reason_encrypted),
)
SHOWN_CASES = [
    ShownRecord("case_link"),
    ShownRecord("case_link", child_id="linked_child_id", case_id="linked_case_id"),
]
LINK_QUERY = ReadQuery(LINK_COLUMNS.where(col(CaseLink.id) == bindparam("link_id")), shows=SHOWN_CASES)
CHILD_OF_CASE = select(col(Case.child_id)).where(col(Case.id) == bindparam("case_id")).scalar_subquery()
CASE_LINKS = ListQuery(
    "case_links",
    CaseLink,
    LINK_COLUMNS,
    filters={
        "case_id": or_(
            col(CaseLink.child_id) == CHILD_OF_CASE, col(CaseLink.linked_child_id) == CHILD_OF_CASE
        ),
        **build_error_filter(CaseLink),
    },
    sorts={"linked_at": col(CaseLink.linked_at)},
    default_sort="-linked_at",
    shows=SHOWN_CASES,
)


async def create_case_link(
    session: AsyncSession, caller: Caller, case_id: UUID, payload: CaseLinkCreate
) -> CaseLinkSchema:
    """Link two cases, such as those of a survivor and of a child with HSB in the same matter.

    The link creates a conflict wall: a worker of one child cannot see the cases of the other child.

    Raises:
        NotFound: The caller cannot see one of the cases.
        GateRefused: The children have a worker in common, or the caller is not staff of both cases.
        InvalidInput: Both cases belong to one child.
    """
    # A case of either child can be opened at the same time. Lock in id order to avoid deadlocks.
    case_ids = sorted((case_id, payload.linked_case_id), key=lambda each: each.bytes)
    child_ids = [(await get_record(session, Case, each)).child_id for each in case_ids]
    for child_id in sorted(child_ids, key=lambda each: each.bytes):
        await lock_case_opening(session, child_id)
    # Locked, so that a worker who writes to one of the cases at the same time is checked against the conflict wall.
    first, second = [await get_for_update(session, Case, each) for each in case_ids]
    if first.child_id == second.child_id:
        raise InvalidInput([Fault("/linked_case_id", "same_child", "Both cases belong to the same child.")])
    raise_if_unmet(await check_works_on_case(session, first) or await check_works_on_case(session, second))
    raise_if_unmet(await check_shared_worker(session, first, second))
    link = CaseLink(
        child_id=first.child_id,
        case_id=first.id,
        linked_child_id=second.child_id,
        linked_case_id=second.id,
        linked_by_id=caller.id,
    )
    link.reason = payload.reason
    session.add(link)
    await session.flush()  # the query of the response runs without autoflush
    # Before the context is refreshed, because the conflict wall can then hide the link from the caller.
    row = await session_reader(session).fetch_required(LINK_QUERY, link_id=link.id)
    await refresh_context(session)
    return to_link_schema(row)


async def list_case_links(
    reader: RecordReader, caller: Caller, case_id: UUID, query: CaseLinkFilters
) -> CaseLinkList:
    """List the links of a case's child, newest first.

    A link is visible to callers who can see both cases, and therefore not to the workers of either child.

    Raises:
        NotFound: The case does not exist, or the caller cannot see it.
    """
    page = await CASE_LINKS.fetch_page(reader, caller, query, within={"case_id": case_id})
    if not page.rows:
        await ensure_visible(reader, Case, case_id)
    return CaseLinkList.from_trusted_items([*map(_row_to_fields, page.rows)], **page.fields)


def to_link_schema(row: Any) -> CaseLinkSchema:
    """Return the link of a row of `LINK_QUERY`."""
    return CaseLinkSchema(**_row_to_fields(row))


def _row_to_fields(row: Any) -> dict[str, Any]:
    return {
        **dict(zip(COLUMN_FIELDS, row, strict=False)),
        **to_staff_refs(row, "linked_by"),
        "case": to_case_ref(row.case_id, row.case_number),
        "linked_case": to_case_ref(row.linked_case_id, row.linked_case_number),
        **to_error_mark(CaseLink, row),
        "reason": CaseLink.reason.decrypt(row.id, row.reason_encrypted),
    }
