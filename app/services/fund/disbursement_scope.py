"""Narrows lists of disbursements to those that a caller can see, or that await an act of the caller."""

from typing import Any

from sqlalchemy import Date, and_, bindparam, false, func, or_, select
from sqlalchemy.orm import aliased
from sqlmodel import col

from app.access.caller import Caller
from app.access.permissions import Role
from app.kit.case_scope import WORKER_ID, CaseScope, Condition, RowSelect, SelectArm
from app.models import Case, Disbursement
from app.services.fund.approval_limits import build_within_limit

DAY = bindparam("day", type_=Date)


def _build_approvable() -> Condition:
    """Return the condition that a caller who supervises the case can decide a request or approve an emergency payment.

    A recurring request is decided once for all instalments, so that only its first undecided instalment matches. The
    limit applies to the sum of the undecided instalments.
    """
    other = aliased(Disbursement)
    of_series = (col(other.series_id) == col(Disbursement.series_id), col(other.status) == "requested")
    # SQLAlchemy correlates only with the next enclosing query by itself.
    total = select(func.sum(col(other.amount))).where(*of_series).correlate(Disbursement).scalar_subquery()
    earlier = select(col(other.id)).where(*of_series, col(other.instalment) < col(Disbursement.instalment))
    is_emergency_payment = and_(
        col(Disbursement.status) == "paid",
        col(Disbursement.approved_by_id).is_(None),
        col(Disbursement.paid_by_id) != WORKER_ID,
    )
    return and_(
        or_(col(Disbursement.status) == "requested", is_emergency_payment),
        col(Disbursement.requested_by_id) != WORKER_ID,
        ~earlier.exists(),
        build_within_limit(
            "approve", func.coalesce(total, col(Disbursement.amount)), col(Disbursement.currency)
        ),
    )


APPROVABLE = _build_approvable()
PAYABLE = and_(
    col(Disbursement.requested_by_id) != WORKER_ID,
    or_(
        and_(
            col(Disbursement.status) == "approved",
            col(Disbursement.approved_by_id) != WORKER_ID,
            col(Disbursement.release_on) <= DAY,
        ),
        and_(
            col(Disbursement.status) == "requested",
            col(Disbursement.urgency) == "emergency",
            build_within_limit("pay_first", col(Disbursement.amount), col(Disbursement.currency)),
        ),
    ),
)
RECONCILABLE = and_(
    col(Disbursement.status) == "paid",
    col(Disbursement.approved_by_id).is_not(None),
    col(Disbursement.requested_by_id) != WORKER_ID,
)


class DisbursementScope(CaseScope):
    """The disbursements of the caller's cases. Finance officers see all disbursements without seeing the cases."""

    def __init__(self) -> None:
        """Create the narrowing."""
        super().__init__(col(Disbursement.case_id), col(Case.id))

    def list_arms(self, caller: Caller) -> tuple[str, ...]:
        """Return the names of the arms of a caller."""
        return ("all",) if caller.has_role(Role.finance_officer) else super().list_arms(caller)


class AwaitingScope(DisbursementScope):
    """The disbursements that the caller can approve, pay or reconcile next: one arm for each act."""

    def list_arms(self, caller: Caller) -> tuple[str, ...]:
        """Return the names of the arms of a caller."""
        is_manager, is_finance_officer = map(caller.has_role, (Role.programme_manager, Role.finance_officer))
        arms = {
            "approvable": is_manager,
            "approvable_of_teams": not is_manager and "teams" in CaseScope.list_arms(self, caller),
            "payable": is_finance_officer,
            "reconcilable": is_finance_officer,
        }
        return tuple(name for name, is_present in arms.items() if is_present) or ("none",)

    def get_parameters(self, caller: Caller) -> dict[str, Any]:
        """Return the parameters of the arms."""
        return super().get_parameters(caller) | {"limit_roles": sorted(caller.roles)}

    def _build_approvable(self, select_arm: SelectArm) -> RowSelect:
        return select_arm(APPROVABLE)

    def _build_approvable_of_teams(self, select_arm: SelectArm) -> RowSelect:
        return self._build_teams(lambda of_team: select_arm(and_(of_team, APPROVABLE)))

    def _build_payable(self, select_arm: SelectArm) -> RowSelect:
        return select_arm(PAYABLE)

    def _build_reconcilable(self, select_arm: SelectArm) -> RowSelect:
        return select_arm(RECONCILABLE)

    def _build_none(self, select_arm: SelectArm) -> RowSelect:
        return select_arm(false())
