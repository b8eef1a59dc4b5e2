"""Narrows lists of disbursements to those that a caller can see, or that await an act of the caller."""

from typing import Any

from sqlalchemy import Date, and_, bindparam, false, func, or_, select
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
from app.models import Case, Disbursement
from app.services.fund.approval_limits import build_within_limit

DAY = bindparam("day", type_=Date)


def _build_undecided() -> Condition:
    """Return the condition that a caller who supervises the case can decide a request or approve a payment.

    A recurring request is decided once for all instalments, so that only its first undecided instalment matches. The
    limit applies to the sum of the undecided instalments.
    """
    other = aliased(Disbursement)
    of_series = (col(other.series_id) == col(Disbursement.series_id), col(other.status) == "requested")
    # Explicit, because the automatic correlation of SQLAlchemy only finds the directly enclosing query.
    total = select(func.sum(col(other.amount))).where(*of_series).correlate(Disbursement).scalar_subquery()
    earlier = select(col(other.id)).where(*of_series, col(other.instalment) < col(Disbursement.instalment))
    return and_(
        col(Disbursement.requested_by_id) != WORKER_ID,
        ~earlier.exists(),
        build_within_limit(
            "approve", func.coalesce(total, col(Disbursement.amount)), col(Disbursement.currency)
        ),
    )


# Each condition has one status, so that PostgreSQL reads the newest disbursements with this status by index.
UNDECIDED = _build_undecided()
APPROVABLE_REQUESTS = and_(col(Disbursement.status) == "requested", UNDECIDED)
APPROVABLE_PAYMENTS = and_(
    col(Disbursement.status) == "paid",
    col(Disbursement.approved_by_id).is_(None),
    col(Disbursement.paid_by_id) != WORKER_ID,
    UNDECIDED,
)
PAYABLE = and_(
    col(Disbursement.status) == "approved",
    col(Disbursement.requested_by_id) != WORKER_ID,
    col(Disbursement.approved_by_id) != WORKER_ID,
    col(Disbursement.release_on) <= DAY,
)
PAYABLE_EMERGENCIES = and_(
    col(Disbursement.status) == "requested",
    col(Disbursement.urgency) == "emergency",
    col(Disbursement.requested_by_id) != WORKER_ID,
    build_within_limit("pay_first", col(Disbursement.amount), col(Disbursement.currency)),
)
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
            "approvable_requests": build_conditional_arm(APPROVABLE_REQUESTS),
            "approvable_payments": build_conditional_arm(APPROVABLE_PAYMENTS),
            "approvable_of_teams": build_conditional_arm(
                and_(of_teams, or_(APPROVABLE_REQUESTS, APPROVABLE_PAYMENTS))
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
