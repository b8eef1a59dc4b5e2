"""The life of a care plan, and what may still be changed in it."""

from app.access.permissions import Permission
from app.errors import Fault
from app.kit.approval import EDITABLE_STATUSES, build_approval_transitions
from app.kit.state_machine import Transition
from app.models import CarePlan

INITIAL_STATUS = "draft"
SUBMIT, APPROVE, RETURN = build_approval_transitions(
    Permission.care_plan_submit,
    Permission.care_plan_decide,
    submit_gate="no newer approved assessment than the one it rests on; all seven areas answered: a goal with an action, or 'no need' and why; weak areas (rating 1 or 2) have a "
    "goal; a safety plan where risk is high; the child's and the supporter's view, or, for supporter and family, the "
    "gaps in knowledge and capacity and whether social-work services are needed",
    approve_gate="by a supervisor of the team who neither wrote nor submitted it; it is still whole",
)
SUPERSEDE = Transition(
    "approve the next edition", frozenset({"approved"}), "superseded", Permission.care_plan_decide
)
TRANSITIONS = (SUBMIT, APPROVE, RETURN, SUPERSEDE)


def check_progress_recordable(plan: CarePlan) -> list[Fault]:
    """Return the unmet condition that a plan is not in force, or none: progress is told of drafts and the current one."""
    if plan.status in EDITABLE_STATUSES | {APPROVE.target}:
        return []
    return [Fault("/status", "frozen", f"It is {plan.status}: progress is recorded on the plan in force.")]
