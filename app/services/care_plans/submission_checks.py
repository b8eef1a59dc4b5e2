"""The gate 'care plan approved': the required content of a plan, checked at its submission and at its approval."""

from collections.abc import Iterator, Sequence

from app.errors import Fault
from app.models import CarePlan, Goal, PlanArea
from app.models.care_plans import StoredCarePlanTexts
from app.services.care_plans.load import AREAS, WEAK_RATINGS, LoadedCarePlan

HIGH_RISK = "high"


def check_care_plan_complete(loaded_plan: LoadedCarePlan, risk_level: str | None) -> list[Fault]:
    """Return a fault for each missing part of a plan. The pointers refer to the plan in the response format."""
    plan, texts = loaded_plan.plan, loaded_plan.plan.content
    return [
        *(_check_views(texts) if plan.subject == "child" else _check_gaps(plan, texts)),
        *_check_safety_plan(texts, risk_level),
        *(fault for area in AREAS for fault in _check_area(loaded_plan, area)),
    ]


def _check_views(texts: StoredCarePlanTexts) -> Iterator[Fault]:
    if texts["child_view"] is None:
        yield Fault("/child_view", "child_view_missing", "The child's view of the plan is required.")
    if texts["supporter_view"] is None:
        yield Fault(
            "/supporter_view", "supporter_view_missing", "The supporter's view of the plan is required."
        )


def _check_gaps(plan: CarePlan, texts: StoredCarePlanTexts) -> Iterator[Fault]:
    if texts["knowledge_gaps"] is None:
        detail = "The knowledge that the supporter or family lacks is required."
        yield Fault("/knowledge_gaps", "knowledge_gaps_missing", detail)
    if texts["capacity_gaps"] is None:
        detail = "The abilities that the supporter or family lacks are required."
        yield Fault("/capacity_gaps", "capacity_gaps_missing", detail)
    if plan.needs_social_work is None:
        detail = "`needs_social_work` is required."
        yield Fault("/needs_social_work", "needs_social_work_missing", detail)


def _check_safety_plan(texts: StoredCarePlanTexts, risk_level: str | None) -> Iterator[Fault]:
    if risk_level == HIGH_RISK and texts["safety_plan"] is None:
        detail = "A safety plan is required, because the risk level of the assessment is high."
        yield Fault("/safety_plan", "safety_plan_missing", detail)


def _check_area(loaded_plan: LoadedCarePlan, area: str) -> Iterator[Fault]:
    """Yield a fault for each missing part of an area.

    A child's plan must answer all seven areas. A supporter's or family's plan may leave areas unanswered.
    """
    pointer, plan_area, goals = f"/areas/{area}", loaded_plan.areas[area], loaded_plan.goals[area]
    if plan_area.status is None and loaded_plan.plan.subject == "child":
        yield Fault(pointer, "area_unanswered", "Set the area to `goals` or, with a reason, to `no_need`.")
    elif plan_area.status == "no_need":
        yield from check_no_need(plan_area, goals)
    elif plan_area.status == "goals" and all(goal.status == "dropped" for goal in goals):
        yield Fault(f"{pointer}/goals", "goal_missing", "The area requires at least one goal.")
    for position, goal in enumerate(goals):
        planned = [action for action in loaded_plan.actions[goal.id] if action.status != "dropped"]
        if goal.status == "open" and not planned:
            detail = "An open goal requires at least one action with a responsible person and a due date."
            yield Fault(f"{pointer}/goals/{position}/actions", "action_missing", detail)


def check_no_need(plan_area: PlanArea, goals: Sequence[Goal]) -> Iterator[Fault]:
    """Yield the unmet conditions for the status `no_need` of an area."""
    pointer = f"/areas/{plan_area.area}"
    if plan_area.rating in WEAK_RATINGS:
        detail = "The area requires a goal, because its rating is 1 or 2."
        yield Fault(f"{pointer}/status", "area_weak", detail)
    if any(goal.status == "open" for goal in goals):
        yield Fault(f"{pointer}/goals", "goals_open", "The area has open goals. Drop them first.")
