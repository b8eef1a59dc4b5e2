"""Printable care plans with invented content."""

from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from app.schemas.care_plans import Action, CarePlan, CarePlanArea, CarePlanAreas, Goal
from app.schemas.codes import get_codes
from app.schemas.references import StaffRef
from app.services.care_plans.pdf_content import PrintableCarePlan

RECORD: dict[str, Any] = {
    **dict.fromkeys(("id", "child_id", "case_id", "plan_id", "goal_id", "origin_id"), UUID(int=1)),
    "version": 1, "created_at": datetime(2026, 1, 1, tzinfo=UTC), "updated_at": datetime(2026, 1, 1, tzinfo=UTC),
}  # fmt: skip
UNANSWERED = CarePlanArea(
    rating=None, need=None, strengths=None, risk=None, status=None, reason=None, goals=[]
)


def build_area(goal_count: int = 1, action_count: int = 1) -> CarePlanArea:
    action: dict[str, Any] = {
        "what": "Play therapy.",
        "by": "worker",
        "by_whom": None,
        "due_on": date(2027, 1, 31),
        "status": "open",
    }
    actions = [Action.model_construct(**RECORD, **action, done_on=None, note=None)] * action_count
    goal: dict[str, Any] = {
        "area": "legal",
        "statement": "Sleeps well.",
        "strengths_used": None,
        "status": "open",
    }
    goals = [Goal.model_construct(**RECORD, **goal, actions=actions)] * goal_count
    return CarePlanArea(
        rating=2, need=None, strengths="A caring aunt.", risk=None, status="goals", reason=None, goals=goals
    )


def build_printable(
    subject: str = "child", areas: dict[str, CarePlanArea] | None = None, language: str = "en", **changes: Any
) -> PrintableCarePlan:
    """Return a printable plan. `changes` replace fields of the plan or of the printable plan."""
    texts = (
        "safety_plan",
        "child_view",
        "supporter_view",
        "knowledge_gaps",
        "capacity_gaps",
        "needs_social_work",
    )
    plan = CarePlan.model_construct(
        **RECORD,
        subject=subject,
        status=changes.pop("status", "approved"),
        edition=1,
        submitted_at=None,
        decided_at=None,
        author=StaffRef.model_construct(id=UUID(int=2), name="Worker North"),
        areas=CarePlanAreas(**{**dict.fromkeys(get_codes("area"), UNANSWERED), **(areas or {})}),
        **{name: changes.pop(name, None) for name in texts},
    )
    fields: dict[str, Any] = {
        "case_number": "FSC-2026-0001", "child_names": ["Keo Intrea"], "age": "12", "person_name": "Keo Bopha",
        "author_name": "Worker North", "approver_name": "Supervisor North", "printed_on": date(2026, 5, 4),
    }  # fmt: skip
    return PrintableCarePlan(plan=plan, language=language, **(fields | changes))
