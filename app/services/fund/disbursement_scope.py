"""Narrows lists of disbursements to those that a caller can see, or that await an act of the caller."""

from typing import Any

from sqlalchemy import ColumnElement, Date, DateTime, and_, bindparam, cast, false, func, or_, select
from sqlalchemy.orm import aliased
from sqlmodel import col

from app.access.caller import Caller
from app.access.permissions import Role
from app.kit.case_scope import (
    ARM_CONDITIONS,
    WORKER_ID,
    ArmBuilder,
    CaseScope,
    Condition,
    build_conditional_arm,
)
from app.kit.dates import CAMBODIA_TIMEZONE
from app.models import Case, Disbursement
from app.services.fund.approval_limits import build_within_limit

DAY = bindparam("day", type_=Date)


def _build_undecided(*, has_limit: bool) -> Condition:
    """Return the condition that a caller who supervises the case can decide a request or approve a payment.

    A recurring request is decided once for all instalments, so that only its first undecided instalment matches. The
    limit applies to the sum of the undecided instalments.
    """
    other, of_child = aliased(Disbursement), aliased(Disbursement)
    of_series = (col(other.series_id) == col(Disbursement.series_id), col(other.status) == "requested")
    # Explicit, because the automatic correlation of SQLAlchemy only finds the directly enclosing query.
    total = select(func.sum(col(other.amount))).where(*of_series).correlate(Disbursement).scalar_subquery()
    earlier = select(col(other.id)).where(*of_series, col(other.instalment) < col(Disbursement.instalment))
    is_next = and_(col(Disbursement.requested_by_id) != WORKER_ID, ~earlier.exists())
    if not has_limit:
        return is_next
    amount = func.coalesce(total, col(Disbursement.amount))
    is_approved = col(of_child.status).in_(("approved", "paid", "reconciled"))
    month = func.date_trunc("month", cast(DAY, DateTime))
    day = _build_local_day(of_child.approved_at)
    approved = _sum_of_child(
        of_child, day, is_approved, func.date_trunc("month", cast(day, DateTime)) == month
    )
    return and_(
        is_next,
        build_within_limit("approve", amount, col(Disbursement.currency)),
        build_within_limit("approve_case_month", amount + approved, col(Disbursement.currency)),
    )


def _build_local_day(timestamp: Any) -> ColumnElement[Any]:
    """Return the day of a time in Cambodia."""
    return cast(func.timezone(CAMBODIA_TIMEZONE.key, timestamp), Date)


def _sum_of_child(
    of_child: type[Disbursement], day: ColumnElement[Any], *conditions: Condition
) -> ColumnElement[Any]:
    """Return the sum of the other disbursements for the child that match the conditions, converted at the rate of a day."""
    amount = func.access.convert_money(
        col(of_child.amount), col(of_child.currency), col(Disbursement.currency), day
    )
    total = select(func.coalesce(func.sum(amount), 0)).where(
        col(of_child.child_id) == col(Disbursement.child_id), *conditions
    )
    return total.correlate(Disbursement).scalar_subquery()


def _build_payable_emergencies() -> Condition:
    """Return the condition that a finance officer can pay an emergency today before its approval."""
    of_child = aliased(Disbursement)
    day = _build_local_day(of_child.paid_at)
    paid_today = _sum_of_child(
        of_child,
        day,
        col(of_child.status).in_(("paid", "reconciled")),
        col(of_child.approval_due_on).is_not(None),
        day == DAY,
    )
    return and_(
        col(Disbursement.status) == "requested",
        col(Disbursement.urgency) == "emergency",
        col(Disbursement.requested_by_id) != WORKER_ID,
        build_within_limit("pay_first", col(Disbursement.amount), col(Disbursement.currency)),
        build_within_limit(
            "pay_first_case_day", col(Disbursement.amount) + paid_today, col(Disbursement.currency)
        ),
    )


# Each condition has one status, so that PostgreSQL reads the newest disbursements with this status by index.
REQUESTED = col(Disbursement.status) == "requested"
PAID_WITHOUT_APPROVAL = and_(
    col(Disbursement.status) == "paid",
    col(Disbursement.approved_by_id).is_(None),
    col(Disbursement.paid_by_id) != WORKER_ID,
)
WITHIN_LIMIT = _build_undecided(has_limit=True)
UNDECIDED = _build_undecided(has_limit=False)
"""A programme manager decides requests above the limits of the supervisors, and can reject those above every limit."""
UNPAID = and_(
    col(Disbursement.status) == "approved",
    col(Disbursement.requested_by_id) != WORKER_ID,
    col(Disbursement.approved_by_id) != WORKER_ID,
)
"""The approved disbursements that the caller can pay when their day is reached."""
PAYABLE = and_(UNPAID, col(Disbursement.release_on) <= DAY)
PAYABLE_EMERGENCIES = _build_payable_emergencies()
RECONCILABLE = and_(
    col(Disbursement.status) == "paid",
    col(Disbursement.approved_by_id).is_not(None),
    col(Disbursement.requested_by_id) != WORKER_ID,
)


class DisbursementScope(CaseScope):
    """The disbursements of the caller's cases. Finance officers see all disbursements without seeing the cases."""

    def __init__(self) -> None:
        """Create the scope of a list of disbursements."""
        super().__init__(col(Disbursement.case_id), col(Case.id))

    def list_arms(self, caller: Caller) -> tuple[str, ...]:
        """Return the names of the arms that apply to the caller."""
        return ("all",) if caller.has_role(Role.finance_officer) else super().list_arms(caller)


class ApprovalScope(DisbursementScope):
    """The disbursements that the caller can approve next. Programme managers have one arm for each status."""

    @property
    def has_ordered_arms(self) -> bool:
        """Return True: an index contains the disbursements of each status, newest first."""
        return True

    def list_arms(self, caller: Caller) -> tuple[str, ...]:
        """Return the names of the arms that apply to the caller: none if the caller cannot approve disbursements."""
        if caller.has_role(Role.programme_manager):
            return ("approvable_requests", "approvable_payments")
        return ("approvable_of_teams",) if "teams" in CaseScope.list_arms(self, caller) else ()

    def get_parameters(self, caller: Caller) -> dict[str, Any]:
        """Return the parameters of the arms."""
        return super().get_parameters(caller) | {"limit_roles": sorted(caller.roles)}

    def _get_arm_builders(self) -> dict[str, ArmBuilder]:
        of_teams = self._refer_to(ARM_CONDITIONS["teams"])
        return {
            "approvable_requests": build_conditional_arm(and_(REQUESTED, UNDECIDED)),
            "approvable_payments": build_conditional_arm(and_(PAID_WITHOUT_APPROVAL, UNDECIDED)),
            "approvable_of_teams": build_conditional_arm(
                and_(of_teams, or_(REQUESTED, PAID_WITHOUT_APPROVAL), WITHIN_LIMIT)
            ),
        }


class AwaitingScope(ApprovalScope):
    """The disbursements that the caller can approve, pay or reconcile next: one more arm for each act and status."""

    def list_arms(self, caller: Caller) -> tuple[str, ...]:
        """Return the names of the arms that apply to the caller."""
        payments = ("payable", "payable_emergencies", "reconcilable")
        arms = super().list_arms(caller) + (payments if caller.has_role(Role.finance_officer) else ())
        return arms or ("none",)

    def _get_arm_builders(self) -> dict[str, ArmBuilder]:
        return super()._get_arm_builders() | {
            "payable": build_conditional_arm(PAYABLE),
            "payable_emergencies": build_conditional_arm(PAYABLE_EMERGENCIES),
            "reconcilable": build_conditional_arm(RECONCILABLE),
            "none": build_conditional_arm(false()),
        }
