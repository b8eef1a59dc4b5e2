"""The reviews of the demonstration."""

from datetime import date
from typing import Any

from app.access.permissions import Permission
from app.demo.case_scenarios import AREAS, to_workday
from app.demo.case_simulation import CaseSimulation
from app.schemas.reviews import ReviewUpdate
from app.schemas.wire import PageQuery
from app.services.reviews import complete, reviews


async def simulate_review(life: CaseSimulation, number: int, day: date, decision: str) -> None:
    """Hold a review: every area that the plan works on is answered, of the last one all seven."""
    rated = life.scenario.ratings_at_review(number)
    async with life.run_as(life.worker, Permission.review_hold, day) as (session, actor):
        latest = (await reviews.list_case_reviews(session, actor, life.case_id, PageQuery(limit=1))).items[0]
        told = {
            "areas": _build_areas(life, number, rated, decision),
            "decision": decision,
            "held_on": to_workday(day).isoformat(),
            "summary": life.choose_text("review_summary", decision),
        }
        patch = ReviewUpdate.model_validate(told)
        written = await reviews.update_review(session, latest.id, latest.version, patch)
        await complete.complete_review(session, actor, latest.id, written.version)


def _build_areas(life: CaseSimulation, number: int, rated: dict[str, int], decision: str) -> dict[str, Any]:
    before = life.scenario.ratings_at_review(number - 1) if number > 1 else life.scenario.initial_ratings()
    worked_on = [
        area
        for area in AREAS
        if life.current_plan and getattr(life.current_plan.areas, area).status == "goals"
    ]
    return {
        area: {
            "rating": rated[area],
            "progress": life.choose_text("progress", _progress_direction(before[area], rated[area])),
            "decision": "adapt" if decision == "adapt" and area == worked_on[0] else "continue",
        }
        for area in (AREAS if decision == "begin_exit" else worked_on)
    }


def _progress_direction(before: int, after: int) -> str:
    return "better" if after > before else "worse" if after < before else "same"
