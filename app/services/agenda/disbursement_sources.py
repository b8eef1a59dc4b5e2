"""The disbursements on the agenda: requests to approve, payments to make, and payments without receipts.

They are the disbursements of their list with `awaiting=me`, and the payments whose day is near.
"""

from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

from sqlalchemy import (
    Date,
    DateTime,
    Interval,
    and_,
    bindparam,
    cast,
    func,
    literal,
    select,
)
from sqlmodel import col

from app.access.caller import Caller
from app.access.permissions import Role
from app.kit.case_scope import Condition, RowSelect
from app.kit.dates import CAMBODIA_TIMEZONE
from app.models import Case, Disbursement
from app.services.fund.disbursement_scope import (
    DAY,
    PAYABLE_EMERGENCIES,
    RECONCILABLE,
    UNPAID,
    ApprovalScope,
)

TIMEZONE = CAMBODIA_TIMEZONE.key
APPROVALS = ApprovalScope()
"""The disbursements that the caller can approve."""
UNTIL = bindparam("until", type_=Date)


class DisbursementArms(NamedTuple):
    """The parts of the agenda's disbursements that apply to a caller."""

    approvals: tuple[str, ...]
    """Arms of `APPROVALS`."""
    pays: bool
    """Whether the caller pays and reconciles."""


def list_disbursement_arms(caller: Caller) -> DisbursementArms:
    """Return the parts of the agenda's disbursements that apply to a caller."""
    return DisbursementArms(APPROVALS.list_arms(caller), caller.has_role(Role.finance_officer))


def select_disbursements(
    arms: DisbursementArms, kinds: Collection[str] | None, column_types: Mapping[str, Any]
) -> list[RowSelect]:
    """Return the selects of the entries of disbursements, each with the columns of the agenda."""
    created_on = _to_local_day(col(Disbursement.created_at))
    approval_on = func.coalesce(
        col(Disbursement.approval_due_on),
        _to_local_day(col(Disbursement.created_at) + _target("approval")),
    )
    receipt_on = cast(col(Disbursement.paid_on) + _target("receipt"), Date)

    def select_kind(kind: str, due_on: Any, condition: Condition) -> RowSelect:
        return _select_entries(kind, due_on, condition, column_types)

    def select_approvals(condition: Condition) -> RowSelect:
        return select_kind("approval", approval_on, condition)

    selects = {"approval": APPROVALS.build_arms(arms.approvals, select_approvals)}
    if arms.pays:
        selects["payment"] = [
            select_kind("payment", col(Disbursement.release_on), UNPAID),
            select_kind("payment", created_on, PAYABLE_EMERGENCIES),
        ]
        selects["receipt"] = [select_kind("receipt", receipt_on, RECONCILABLE)]
    return [arm for kind, group in selects.items() if kinds is None or kind in kinds for arm in group]


def _select_entries(
    kind: str, due_on: Any, condition: Condition, column_types: Mapping[str, Any]
) -> RowSelect:
    lead_worker = select(col(Case.lead_worker_id)).where(col(Case.id) == col(Disbursement.case_id))
    columns: dict[str, Any] = {
        "kind": literal(kind),
        "due_on": due_on,
        "case_id": col(Disbursement.case_id),
        "record_kind": literal("disbursement"),
        "record_id": col(Disbursement.id),
        "detail": col(Disbursement.urgency),
        "worker_id": lead_worker.scalar_subquery(),
        "case_number": col(Disbursement.case_number),
        "child_id": col(Disbursement.child_id),
        "is_overdue": due_on < DAY,
        "rank": literal(1),
        "begins": func.timezone(TIMEZONE, cast(due_on, DateTime)),
    }
    row = (columns.get(name, cast(None, type_)).label(name) for name, type_ in column_types.items())
    return select(*row).where(and_(condition, due_on <= UNTIL))


def _target(name: str) -> Any:
    return func.access.get_target(name, type_=Interval)


def _to_local_day(moment: Any) -> Any:
    return cast(func.timezone(TIMEZONE, moment), Date)
