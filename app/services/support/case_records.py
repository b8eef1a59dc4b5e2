"""Add case and child columns, and case filters, to lists that span all cases."""

from datetime import date
from typing import Any

from sqlalchemy import bindparam
from sqlmodel import col

from app.kit.case_scope import Condition, RowSelect, belongs_to_cases
from app.kit.list_query import is_one_of
from app.kit.reference_names import to_case_ref
from app.models import Case, Child
from app.services.cases.cases import build_case_child


def build_case_filters(case_id: Any) -> dict[str, Condition]:
    """Return the filters by the case of a record, and by the team and the lead worker of this case."""
    return {
        "case_id": case_id == bindparam("case_id"),
        "team_id": belongs_to_cases(case_id, is_one_of(col(Case.team_id), "team_id")),
        "lead_worker_id": belongs_to_cases(case_id, is_one_of(col(Case.lead_worker_id), "lead_worker_id")),
    }


def join_case_and_child(records: RowSelect, model: Any) -> RowSelect:
    """Return the query with the number of the case and the identity of the child of each record of `model`."""
    return (
        records.add_columns(
            col(Case.number).label("case_number"), col(Child.sex), col(Child.identity_encrypted)
        )
        .join(Case, col(Case.id) == col(model.case_id))
        .join(Child, col(Child.id) == col(model.child_id))
    )


def build_case_fields(row: Any, day: date) -> dict[str, object]:
    """Return the fields `case` and `child` for a row of a query of `join_case_and_child`."""
    return {
        "case": to_case_ref(row.case_id, row.case_number),
        "child": build_case_child(row, day),
    }
