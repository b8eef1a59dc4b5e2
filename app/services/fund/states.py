"""State machine of a disbursement. Requester, approver and payer are three different people."""

from app.access.caller import Caller
from app.access.permissions import Permission
from app.errors import Fault
from app.kit.state_machine import Transition
from app.models import Disbursement

INITIAL_STATUS = "requested"

APPROVE = Transition(
    "approve",
    frozenset({INITIAL_STATUS}),
    "approved",
    Permission.disbursement_decide,
    "by a supervisor of the case's team or a programme manager who is not the requester, within the limit of the role; "
    "the fund is open, accepts the currency, category, age, province and day, and has enough money",
)
APPROVE_AFTER_PAYMENT = Transition(
    "approve afterwards",
    frozenset({"paid"}),
    "paid",
    Permission.disbursement_decide,
    "after an emergency payment, by a person who is neither the requester nor the payer",
)
REJECT = Transition(
    "reject", frozenset({INITIAL_STATUS}), "rejected", Permission.disbursement_decide, "a reason"
)
PAY = Transition(
    "pay",
    frozenset({"approved"}),
    "paid",
    Permission.disbursement_pay,
    "by a person who is neither the requester nor the approver; the release date is reached; the tenders equal the "
    "amount at stored rates",
)
PAY_FIRST = Transition(
    "pay first",
    frozenset({INITIAL_STATUS}),
    "paid",
    Permission.disbursement_pay,
    "an emergency within the limit `pay_first`; it must be approved within three days",
)
RECONCILE = Transition(
    "reconcile",
    frozenset({"paid"}),
    "reconciled",
    Permission.disbursement_reconcile,
    "the payment is approved; receipts of the case; not more spent than paid; the unspent money returns to the fund",
)
CANCEL = Transition(
    "cancel",
    frozenset({INITIAL_STATUS, "approved"}),
    "cancelled",
    Permission.disbursement_cancel,
    "not paid yet",
)
REVERSE = Transition(
    "reverse",
    frozenset({"paid", "reconciled"}),
    "reversed",
    Permission.disbursement_reverse,
    "a reason; by a person who is not the requester",
)

ENDED = frozenset({REJECT.target, CANCEL.target, REVERSE.target})
TRANSITIONS = (APPROVE, REJECT, PAY, PAY_FIRST, APPROVE_AFTER_PAYMENT, RECONCILE, CANCEL, REVERSE)


def check_separation_of_duties(
    caller: Caller, disbursement: Disbursement, *, exclude_payer: bool = False, exclude_approver: bool = False
) -> list[Fault]:
    """Return a fault if the caller is the requester, or optionally the payer or the approver."""
    excluded_ids = {disbursement.requested_by_id}
    if exclude_approver and disbursement.approved_by_id:
        excluded_ids.add(disbursement.approved_by_id)
    if exclude_payer and disbursement.paid_by_id:
        excluded_ids.add(disbursement.paid_by_id)
    if caller.id not in excluded_ids:
        return []
    return [Fault(None, "own_work", "Requester, approver and payer must be three different people.")]
