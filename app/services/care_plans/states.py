"""State machine of a care plan, and the statuses in which progress can be recorded."""

from app.access.permissions import Permission
from app.errors import Fault
from app.kit.approval import EDITABLE_STATUSES, build_approval_transitions
from app.kit.state_machine import Transition
from app.models import CarePlan

INITIAL_STATUS = "draft"
SUBMIT, APPROVE, RETURN = build_approval_transitions(
    Permission.care_plan_submit,
    Permission.care_plan_decide,
    submit_gate="the plan refers to the newest approved assessment; each of the seven areas has a goal with an action, "
    "or 'no need' with a reason; weak areas (rating 1 or 2) have a goal; a safety plan exists where the risk is high; "
    "the child's and the supporter's view are recorded, or, for supporter and family, the gaps in knowledge and "
    "capacity and whether social-work services are needed",
    approve_gate="the caller supervises the case's team and neither wrote nor submitted the plan; the plan still meets "
    "the conditions of submission",
)
SUPERSEDE = Transition(
    "approve the next edition", frozenset({"approved"}), "superseded", Permission.care_plan_decide
)
TRANSITIONS = (SUBMIT, APPROVE, RETURN, SUPERSEDE)


def check_progress_recordable(plan: CarePlan) -> list[Fault]:
    """Return an unmet condition if the plan is neither editable nor approved."""
    if plan.status in EDITABLE_STATUSES | {APPROVE.target}:
        return []
    detail = f"The plan is {plan.status}. Progress can be recorded only in a draft or in the approved plan."
    return [Fault("/status", "frozen", detail)]
