"""Add case and child columns, case filters, and warnings about dates to queries of records of cases."""

from datetime import date
from typing import Any

from sqlalchemy import Date, Label, bindparam, cast, func, select
from sqlmodel import col

from app.kit.case_scope import Condition, RowSelect, belongs_to_cases
from app.kit.dates import CAMBODIA_TIMEZONE
from app.kit.list_query import is_one_of
from app.kit.reference_names import to_case_ref
from app.models import Case, Child, Referral
from app.schemas.warnings import InputWarning, build_warning, to_warnings
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


def is_before_referral(case_id: Any, moment: Any) -> Label[bool]:
    """Select whether a day or time is before the receipt of the referral that opened a case, as `is_before_referral`.

    It is NULL without a moment, and in a case without a referral.
    """
    received_at: Any = col(Referral.received_at)
    if isinstance(moment.type, Date):
        received_at = cast(func.timezone(CAMBODIA_TIMEZONE.key, received_at), Date)
    query = select(moment < received_at).select_from(Referral)
    query = query.join(Case, col(Case.referral_id) == col(Referral.id)).where(col(Case.id) == case_id)
    query = query.correlate_except(Case, Referral)
    return query.scalar_subquery().label("is_before_referral")


def list_date_warnings(row: Any, pointer: str) -> list[InputWarning]:
    """Return the warning that the date of a row that was selected with `is_before_referral` is before the referral."""
    return to_warnings([build_warning(pointer, "date_before_referral")] if row.is_before_referral else [])
