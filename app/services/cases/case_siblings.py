"""Cases of siblings, or of children of one household. Unlike a link of cases, they create no conflict wall."""

from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlmodel import col

from app.access.caller import Caller
from app.access.reader import ReadQuery, RecordReader, ShownRecord, open_response_reader
from app.errors import Fault, InvalidInput
from app.kit.entered_in_error import build_error_filter, error_mark_columns, to_error_mark
from app.kit.list_query import ListQuery
from app.kit.records import ensure_visible, get_for_share
from app.kit.reference_names import case_number, staff_names, to_case_ref, to_staff_refs
from app.kit.state_machine import raise_if_unmet
from app.models import Case, CaseSibling
from app.schemas.case_siblings import CaseSibling as CaseSiblingSchema
from app.schemas.case_siblings import CaseSiblingCreate, CaseSiblingFilters, CaseSiblingList
from app.services.cases.write_access import check_works_on_case

COLUMN_FIELDS = [name for name in CaseSiblingSchema.model_fields if name in CaseSibling.model_fields]
SIBLING_COLUMNS = select(
    *(getattr(CaseSibling, name) for name in COLUMN_FIELDS),
    *staff_names(CaseSibling, "named_by"),
    *error_mark_columns(CaseSibling),
    case_number(col(CaseSibling.case_id)).label("case_number"),
    case_number(col(CaseSibling.sibling_case_id)).label("sibling_case_number"),
    col(CaseSibling.note_encrypted),
).where(
    col(CaseSibling.child_id) != col(CaseSibling.sibling_child_id)
)  # after a merge, both records of a pair can belong to the same child
SHOWN_CASES = [
    ShownRecord("case_sibling"),
    ShownRecord("case_sibling", child_id="sibling_child_id", case_id="sibling_case_id"),
]
SIBLING_QUERY = ReadQuery(
    SIBLING_COLUMNS.where(col(CaseSibling.id) == bindparam("pair_id")), shows=SHOWN_CASES
)
CHILD_OF_CASE = select(col(Case.child_id)).where(col(Case.id) == bindparam("case_id")).scalar_subquery()
CASE_SIBLINGS = ListQuery(
    "case_siblings",
    CaseSibling,
    SIBLING_COLUMNS,
    filters={
        "case_id": or_(
            col(CaseSibling.child_id) == CHILD_OF_CASE, col(CaseSibling.sibling_child_id) == CHILD_OF_CASE
        ),
        **build_error_filter(CaseSibling),
    },
    sorts={"named_at": col(CaseSibling.named_at)},
    default_sort="-named_at",
    shows=SHOWN_CASES,
)


async def create_case_sibling(
    session: AsyncSession, caller: Caller, case_id: UUID, payload: CaseSiblingCreate
) -> CaseSiblingSchema:
    """Record that another case is the case of a sibling. The cases and their workers do not change.

    Raises:
        NotFound: The caller cannot see one of the cases.
        GateRefused: The caller is not staff of the case.
        InvalidInput: Both cases belong to one child.
    """
    # The lock keeps both cases visible to the caller. The order of the ids avoids deadlocks.
    case_ids = sorted((case_id, payload.sibling_case_id), key=lambda each: each.bytes)
    first, second = [await get_for_share(session, Case, each) for each in case_ids]
    if first.child_id == second.child_id:
        raise InvalidInput([Fault("/sibling_case_id", "same_child", "Both cases belong to the same child.")])
    raise_if_unmet(await check_works_on_case(session, first if first.id == case_id else second))
    pair = CaseSibling(
        child_id=first.child_id,
        case_id=first.id,
        sibling_child_id=second.child_id,
        sibling_case_id=second.id,
        named_by_id=caller.id,
    )
    pair.note = payload.note
    session.add(pair)
    return await get_case_sibling(await open_response_reader(session), pair.id)


async def get_case_sibling(reader: RecordReader, pair_id: UUID) -> CaseSiblingSchema:
    """Return two cases of siblings.

    Raises:
        NotFound: The caller cannot see one of the cases.
    """
    return CaseSiblingSchema(**_row_to_fields(await reader.fetch_required(SIBLING_QUERY, pair_id=pair_id)))


async def list_case_siblings(
    reader: RecordReader, caller: Caller, case_id: UUID, query: CaseSiblingFilters
) -> CaseSiblingList:
    """List the cases of siblings of a case's child, newest first, if the caller can see both cases.

    Raises:
        NotFound: The case does not exist, or the caller cannot see it.
    """
    page = await CASE_SIBLINGS.fetch_page(reader, caller, query, within={"case_id": case_id})
    if not page.rows:
        await ensure_visible(reader, Case, case_id)
    return CaseSiblingList.from_trusted_items([*map(_row_to_fields, page.rows)], **page.fields)


def _row_to_fields(row: Any) -> dict[str, Any]:
    return {
        **dict(zip(COLUMN_FIELDS, row, strict=False)),
        **to_staff_refs(row, "named_by"),
        "case": to_case_ref(row.case_id, row.case_number),
        "sibling_case": to_case_ref(row.sibling_case_id, row.sibling_case_number),
        **to_error_mark(CaseSibling, row),
        "note": CaseSibling.note.decrypt(row.id, row.note_encrypted),
    }
