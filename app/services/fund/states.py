"""The life of a disbursement: asked for, approved and paid by three different people."""

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
    "by somebody who leads the case's team and did not ask for it, within the limit of their role; the fund is open, "
    "in this currency, for this category, age, province and day, and has so much left",
)
APPROVE_AFTER_PAYMENT = Transition(
    "approve afterwards",
    frozenset({"paid"}),
    "paid",
    Permission.disbursement_decide,
    "it was paid first, in an emergency; by somebody who neither asked nor paid",
)
REJECT = Transition(
    "reject", frozenset({INITIAL_STATUS}), "rejected", Permission.disbursement_decide, "a reason"
)
PAY = Transition(
    "pay",
    frozenset({"approved"}),
    "paid",
    Permission.disbursement_pay,
    "by somebody who neither asked nor approved; its month has come; the tenders come to the amount, at stored rates",
)
PAY_FIRST = Transition(
    "pay first",
    frozenset({INITIAL_STATUS}),
    "paid",
    Permission.disbursement_pay,
    "an emergency, up to a small limit; approved within three days",
)
RECONCILE = Transition(
    "reconcile",
    frozenset({"paid"}),
    "reconciled",
    Permission.disbursement_reconcile,
    "it is approved; receipts of this case; no more spent than was paid; the rest returns to the fund",
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
    "a reason; by somebody who did not ask for it",
)

TRANSITIONS = (APPROVE, REJECT, PAY, PAY_FIRST, APPROVE_AFTER_PAYMENT, RECONCILE, CANCEL, REVERSE)


def check_separation_of_duties(
    caller: Caller, asked: Disbursement, *, exclude_payer: bool = False, exclude_approver: bool = False
) -> list[Fault]:
    """Return what speaks against this person acting: who asked, and where it matters who approved or paid, does not."""
    others = {asked.requested_by_id}
    others |= {asked.approved_by_id} if exclude_approver and asked.approved_by_id else set()
    others |= {asked.paid_by_id} if exclude_payer and asked.paid_by_id else set()
    if caller.id not in others:
        return []
    return [Fault(None, "own_work", "Asking, approving and paying are for three different people.")]
