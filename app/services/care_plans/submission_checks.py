"""What a care plan must say before it is submitted, and still when it is approved (the gate 'care plan approved')."""

from collections.abc import Iterator, Sequence

from app.errors import Fault
from app.models import Goal, PlanArea
from app.schemas.care_plans import CarePlan as CarePlanSchema
from app.services.care_plans.load import AREAS, WEAK_RATINGS, LoadedCarePlan, care_plan_to_schema

HIGH_RISK = "high"


def check_care_plan_complete(found: LoadedCarePlan, risk_level: str | None) -> list[Fault]:
    """Return what is still missing of a plan, one by one; pointers lead into the plan as it is read."""
    plan = care_plan_to_schema(found)
    return [
        *(_check_views(plan) if plan.subject == "child" else _check_gaps(plan)),
        *_check_safety_plan(plan, risk_level),
        *(fault for area in AREAS for fault in _check_area(found, area)),
    ]


def _check_views(plan: CarePlanSchema) -> Iterator[Fault]:
    if plan.child_view is None:
        yield Fault("/child_view", "child_view_missing", "Record how the child sees the plan.")
    if plan.supporter_view is None:
        yield Fault("/supporter_view", "supporter_view_missing", "Record how the supporter sees the plan.")


def _check_gaps(plan: CarePlanSchema) -> Iterator[Fault]:
    if plan.knowledge_gaps is None:
        yield Fault(
            "/knowledge_gaps", "knowledge_gaps_missing", "Name the gaps in knowledge that the plan closes."
        )
    if plan.capacity_gaps is None:
        yield Fault(
            "/capacity_gaps", "capacity_gaps_missing", "Name the gaps in capacity that the plan closes."
        )
    if plan.needs_social_work is None:
        detail = "Say whether social-work services are needed."
        yield Fault("/needs_social_work", "needs_social_work_missing", detail)


def _check_safety_plan(plan: CarePlanSchema, risk_level: str | None) -> Iterator[Fault]:
    if risk_level == HIGH_RISK and plan.safety_plan is None:
        detail = "The assessment found the risk to be high: write a safety plan."
        yield Fault("/safety_plan", "safety_plan_missing", detail)


def _check_area(found: LoadedCarePlan, area: str) -> Iterator[Fault]:
    """A child's plan answers every area; another's plan answers those it is about, and those wholly."""
    here, row, goals = f"/areas/{area}", found.areas[area], found.goals[area]
    if row.status is None and found.plan.subject == "child":
        yield Fault(here, "area_unanswered", "Answer the area: with goals, or with 'no need' and why.")
    elif row.status == "no_need":
        yield from check_no_need(row, goals)
    elif row.status == "goals" and all(goal.status == "dropped" for goal in goals):
        yield Fault(f"{here}/goals", "goal_missing", "Set a goal.")
    for position, goal in enumerate(goals):
        planned = [action for action in found.actions[goal.id] if action.status != "dropped"]
        if goal.status == "open" and not planned:
            detail = "Say what is done towards the goal, by whom and by when."
            yield Fault(f"{here}/goals/{position}/actions", "action_missing", detail)


def check_no_need(row: PlanArea, goals: Sequence[Goal]) -> Iterator[Fault]:
    """Return what speaks against 'no need' in an area."""
    here = f"/areas/{row.area}"
    if row.rating in WEAK_RATINGS:
        detail = "The area was found to be weak (rating 1 or 2): it needs a goal."
        yield Fault(f"{here}/status", "area_weak", detail)
    if any(goal.status == "open" for goal in goals):
        yield Fault(f"{here}/goals", "goals_open", "Goals of the area are open: drop them first.")
