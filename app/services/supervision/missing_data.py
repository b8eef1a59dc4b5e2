"""List the missing data of the open cases that a caller works with or supervises."""

import re
from functools import lru_cache
from typing import Any

from sqlalchemy import ARRAY, Text, Uuid, bindparam, select, text, tuple_
from sqlmodel import col

from app.access.caller import Caller
from app.access.permissions import Role
from app.access.reader import ReadQuery, RecordReader, ShownRecord
from app.kit.cursors import decode_cursor, encode_cursor
from app.kit.dates import today
from app.kit.list_query import get_compiled_limit
from app.kit.reference_names import person_name, team_name, to_ref
from app.models import Child
from app.schemas.missing_data import MissingDataFilters, MissingDataList
from app.services.cases.cases import build_case_child
from app.services.cases.record_links import get_record_path
from app.services.supervision.missing_data_rules import FIELDS, build_missing_sql

SORT_COLUMNS = {"case_number": Text, "kind": Text, "record_id": Uuid}
OWN_CASES = "(c.lead_worker_id = :caller_id OR c.id = ANY (:case_ids) OR c.team_id = ANY (:team_ids))"
"""The cases that the caller works with or supervises. The row policy of cases decides in addition."""
CASE_CONDITIONS = {"team_id": "c.team_id = ANY (:team_id)", "cursor": "c.number >= :cursor_case_number"}
"""The filter and the cursor that exclude whole cases, so that their records are not read."""
CONDITIONS = {"worker_id": "m.worker_id = ANY (:worker_id)", "kind": "m.kind = ANY (:kind)"}
PARAMETER_TYPES: dict[str, Any] = {
    "caller_id": Uuid, "case_ids": ARRAY(Uuid), "team_ids": ARRAY(Uuid),
    "of_team": Uuid, "worker_id": ARRAY(Uuid), "team_id": ARRAY(Uuid), "kind": ARRAY(Text),
    "cursor_case_number": Text,
}  # fmt: skip
COLUMN_TYPES: dict[str, Any] = {
    "kind": Text, "case_id": Uuid, "record_kind": Text, "record_id": Uuid, "worker_id": Uuid,
    "case_number": Text, "child_id": Uuid, "team_id": Uuid,
}  # fmt: skip
MISSING_SQL = """
WITH own AS MATERIALIZED (
    SELECT c.id, c.number, c.child_id, c.status, c.team_id, c.lead_worker_id, c.risk_level
      FROM cases c WHERE c.status <> 'closed' AND {cases}
), missing AS ({missing})
SELECT m.kind, m.case_id, m.record_kind, m.record_id, m.worker_id, c.number AS case_number, c.child_id, c.team_id
  FROM missing m JOIN own c ON c.id = m.case_id WHERE {condition}
"""


async def list_missing_data(
    reader: RecordReader, caller: Caller, filters: MissingDataFilters
) -> MissingDataList:
    """Return one page of the missing data, sorted by case number. The page shows, and logs, the children of its rows."""
    binding = {**filters.get_cursor_binding(), "for": caller.id}
    parameters: dict[str, Any] = {
        **filters.get_cursor_binding(),
        "caller_id": caller.id,
        "case_ids": caller.case_ids,
        "team_ids": list(caller.supervised_team_ids),
    }
    if filters.cursor is not None:
        values = decode_cursor("missing_data", binding, filters.cursor, len(SORT_COLUMNS))
        parameters |= {f"cursor_{name}": value for name, value in zip(SORT_COLUMNS, values, strict=True)}
    query = _build_page_query(
        "true" if caller.has_role(Role.programme_manager) else OWN_CASES,
        tuple(name for name in (*CASE_CONDITIONS, *CONDITIONS) if getattr(filters, name) is not None),
        get_compiled_limit(filters.limit),
    )
    rows, has_more = await reader.fetch_page(query, filters.limit, **parameters)
    next_cursor = None
    if has_more:
        next_cursor = encode_cursor(
            "missing_data", binding, [getattr(rows[-1], name) for name in SORT_COLUMNS]
        )
    day = today()
    return MissingDataList.from_trusted_items([_row_to_item(row, day) for row in rows], next_cursor)


def select_missing_data(cases: str, filter_names: tuple[str, ...] = ()) -> Any:
    """Return a subquery of the missing data of the cases that meet an SQL condition, with the named filters.

    The filter `cursor` excludes the cases before the one of the cursor.
    """
    sql = MISSING_SQL.format(
        cases=" AND ".join(
            [cases, *(CASE_CONDITIONS[name] for name in filter_names if name in CASE_CONDITIONS)]
        ),
        missing=build_missing_sql("own"),
        condition=" AND ".join(["true", *(CONDITIONS[name] for name in filter_names if name in CONDITIONS)]),
    )
    types = {name: type_ for name, type_ in PARAMETER_TYPES.items() if re.search(rf":{name}\b", sql)}
    parameters = (bindparam(name, type_=type_) for name, type_ in types.items())
    return text(sql).bindparams(*parameters).columns(**COLUMN_TYPES).subquery("missing_data")


@lru_cache(200)
def _build_page_query(cases: str, filter_names: tuple[str, ...], limit: int) -> ReadQuery:
    missing = select_missing_data(cases, filter_names)
    order = [missing.c[name] for name in SORT_COLUMNS]
    rows = (
        select(
            *missing.c,
            person_name(missing.c.worker_id).label("worker_name"),
            team_name(missing.c.team_id).label("team_name"),
            col(Child.sex),
            col(Child.identity_encrypted),
        )
        .join(Child, col(Child.id) == missing.c.child_id)
        .order_by(*order)
        .limit(limit + 1)
    )
    if "cursor" in filter_names:
        cursor: list[Any] = [bindparam(f"cursor_{name}", type_=type_) for name, type_ in SORT_COLUMNS.items()]
        rows = rows.where(tuple_(*order) > tuple_(*cursor))
    return ReadQuery(rows, shows=ShownRecord("case", record_id="case_id"))


def _row_to_item(row: Any, day: Any) -> dict[str, Any]:
    return {
        "kind": row.kind,
        "case_id": row.case_id,
        "case_number": row.case_number,
        "child_id": row.child_id,
        "child": build_case_child(row, day),
        "team_id": row.team_id,
        "team": to_ref(row.team_id, row.team_name),
        "worker_id": row.worker_id,
        "worker": to_ref(row.worker_id, row.worker_name),
        "field": FIELDS[row.kind],
        "record": {"kind": row.record_kind, "id": row.record_id},
        "link": get_record_path(row.record_kind, row.record_id, row.case_id),
    }
