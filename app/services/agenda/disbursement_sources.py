"""The disbursements on the agenda: requests to approve, payments to make, and payments without receipts.

They are the disbursements of their list with `awaiting=me`, and the payments whose day is near. Payments and receipts that no
finance officer can handle are unstaffed work of the programme managers.
"""

from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

from sqlalchemy import (
    ARRAY,
    Date,
    DateTime,
    Interval,
    Text,
    Uuid,
    and_,
    any_,
    bindparam,
    case,
    cast,
    func,
    literal,
    literal_column,
    select,
)
from sqlmodel import col

from app.access.caller import Caller
from app.access.permissions import Role
from app.kit.case_scope import Condition, RowSelect
from app.kit.dates import CAMBODIA_TIMEZONE
from app.models import Case, Disbursement, User
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
FINANCE_OFFICER = f"'{Role.finance_officer.value}'::text"


class DisbursementArms(NamedTuple):
    """The parts of the agenda's disbursements that apply to a caller."""

    approvals: tuple[str, ...]
    """Arms of `APPROVALS`."""
    pays: bool
    """Whether the caller pays and reconciles."""
    manages: bool = False
    """Whether the caller is responsible for the work of missing finance officers."""


def list_disbursement_arms(caller: Caller) -> DisbursementArms:
    """Return the parts of the agenda's disbursements that apply to a caller."""
    return DisbursementArms(
        APPROVALS.list_arms(caller),
        caller.has_role(Role.finance_officer),
        caller.has_role(Role.programme_manager),
    )


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
    if arms.manages:
        without_officer = _build_without_officer()
        detail = literal("no_finance_officer")
        selects["unstaffed"] = [
            _select_entries("unstaffed", due_on, and_(condition, without_officer), column_types, detail)
            for due_on, condition in (
                (col(Disbursement.release_on), col(Disbursement.status) == "approved"),
                (
                    receipt_on,
                    and_(col(Disbursement.status) == "paid", col(Disbursement.approved_by_id).is_not(None)),
                ),
            )
        ]
    return [arm for kind, group in selects.items() if kinds is None or kind in kinds for arm in group]


def _build_without_officer() -> Condition:
    """Return the condition that no finance officer who can act may pay or reconcile a disbursement.

    The requester can do neither, and the approver cannot pay. PostgreSQL reads the finance officers once.
    """
    officers = (
        select(func.coalesce(func.array_agg(col(User.id)), literal_column("'{}'::uuid[]", ARRAY(Uuid))))
        .where(literal_column(FINANCE_OFFICER, Text) == any_(col(User.roles)))
        .where(func.access.can_act(col(User.id), literal_column(f"ARRAY[{FINANCE_OFFICER}]", ARRAY(Text))))
        .scalar_subquery()
    )
    payers = func.array_remove(officers, col(Disbursement.requested_by_id))
    is_approved = col(Disbursement.status) == "approved"
    payers = func.array_remove(payers, case((is_approved, col(Disbursement.approved_by_id))))
    return func.cardinality(payers) == 0


def _select_entries(
    kind: str,
    due_on: Any,
    condition: Condition,
    column_types: Mapping[str, Any],
    detail: Any = None,
) -> RowSelect:
    lead_worker = select(col(Case.lead_worker_id)).where(col(Case.id) == col(Disbursement.case_id))
    columns: dict[str, Any] = {
        "kind": literal(kind),
        "due_on": due_on,
        "case_id": col(Disbursement.case_id),
        "record_kind": literal("disbursement"),
        "record_id": col(Disbursement.id),
        "detail": col(Disbursement.urgency) if detail is None else detail,
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
