"""The life of a care plan, and what may still be changed in it."""

from app.access.permissions import Permission
from app.errors import Fault
from app.kit.approval import WRITABLE, life
from app.kit.state_machine import Step
from app.models import CarePlan

FIRST = "draft"
SUBMIT, APPROVE, RETURN = life(
    Permission.care_plan_submit,
    Permission.care_plan_decide,
    to_submit="no newer approved assessment than the one it rests on; all seven areas answered: a goal with an action, or 'no need' and why; weak areas (rating 1 or 2) have a "
    "goal; a safety plan where risk is high; the child's and the supporter's view, or, for supporter and family, the "
    "gaps in knowledge and capacity and whether social-work services are needed",
    to_approve="by a supervisor of the team who neither wrote nor submitted it; it is still whole",
)
SUPERSEDE = Step(
    "approve the next edition", frozenset({"approved"}), "superseded", Permission.care_plan_decide
)
STEPS = (SUBMIT, APPROVE, RETURN, SUPERSEDE)


def unmet_progress(plan: CarePlan) -> list[Fault]:
    """Return the unmet condition that a plan is not in force, or none: progress is told of drafts and the current one."""
    if plan.status in WRITABLE | {APPROVE.target}:
        return []
    return [Fault("/status", "frozen", f"It is {plan.status}: progress is recorded on the plan in force.")]
