"""The life of a disbursement: asked for, approved and paid by three different people."""

from app.access.actor import Actor
from app.access.permissions import Permission
from app.errors import Fault
from app.kit.state_machine import Step
from app.models import Disbursement

FIRST = "requested"

APPROVE = Step(
    "approve",
    frozenset({FIRST}),
    "approved",
    Permission.disbursement_decide,
    "by somebody who leads the case's team and did not ask for it, within the limit of their role; the fund is open, "
    "in this currency, for this category, age, province and day, and has so much left",
)
CONFIRM = Step(
    "approve afterwards",
    frozenset({"paid"}),
    "paid",
    Permission.disbursement_decide,
    "it was paid first, in an emergency; by somebody who neither asked nor paid",
)
REJECT = Step("reject", frozenset({FIRST}), "rejected", Permission.disbursement_decide, "a reason")
PAY = Step(
    "pay",
    frozenset({"approved"}),
    "paid",
    Permission.disbursement_pay,
    "by somebody who neither asked nor approved; its month has come; the tenders come to the amount, at stored rates",
)
PAY_FIRST = Step(
    "pay first",
    frozenset({FIRST}),
    "paid",
    Permission.disbursement_pay,
    "an emergency, up to a small limit; approved within three days",
)
RECONCILE = Step(
    "reconcile",
    frozenset({"paid"}),
    "reconciled",
    Permission.disbursement_reconcile,
    "it is approved; receipts of this case; no more spent than was paid; the rest returns to the fund",
)
CANCEL = Step(
    "cancel", frozenset({FIRST, "approved"}), "cancelled", Permission.disbursement_cancel, "not paid yet"
)
REVERSE = Step(
    "reverse",
    frozenset({"paid", "reconciled"}),
    "reversed",
    Permission.disbursement_reverse,
    "a reason; by somebody who did not ask for it",
)

STEPS = (APPROVE, REJECT, PAY, PAY_FIRST, CONFIRM, RECONCILE, CANCEL, REVERSE)


def unmet_own(
    actor: Actor, asked: Disbursement, *, payer: bool = False, approver: bool = False
) -> list[Fault]:
    """Return what speaks against this person acting: who asked, and where it matters who approved or paid, does not."""
    others = {asked.requested_by_id}
    others |= {asked.approved_by_id} if approver and asked.approved_by_id else set()
    others |= {asked.paid_by_id} if payer and asked.paid_by_id else set()
    if actor.id not in others:
        return []
    return [Fault(None, "own_work", "Asking, approving and paying are for three different people.")]
