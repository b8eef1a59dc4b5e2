"""Simulate the three-monthly reviews of a case, and the feedback of children and caregivers."""

from datetime import date
from typing import Any

from app.access.permissions import Permission
from app.access.reader import session_reader
from app.demo.case_scenarios import AREAS, to_workday
from app.demo.case_simulation import CaseSimulation
from app.kit.dates import CAMBODIA_TIMEZONE
from app.models.record import utc_now
from app.schemas.feedback import FeedbackCreate
from app.schemas.reviews import ReviewUpdate
from app.schemas.wire import CountedPageQuery
from app.services.reviews import complete, feedback, review_lists, reviews

RATINGS = (4, 5, 3, 5, 4, 2, 5)
HELPERS = (None, "family_member", None, "social_worker", "caregiver")
"""Persons who help children to answer."""


async def simulate_review(simulation: CaseSimulation, number: int, day: date, decision: str) -> None:
    """Hold a review. It answers the areas with goals; the final review answers all seven areas."""
    ratings = simulation.scenario.ratings_at_review(number)
    async with simulation.run_as(simulation.worker, Permission.review_hold, day) as (session, caller):
        page = await review_lists.list_case_reviews(
            session_reader(session), caller, simulation.case_id, CountedPageQuery(limit=1)
        )
        scheduled = page.validate_items().items[0]
        payload = {
            "areas": _build_areas(simulation, number, ratings, decision),
            "decision": decision,
            "held_on": to_workday(day).isoformat(),
            "summary": simulation.choose_text("review_summary", decision),
        }
        patch = ReviewUpdate.model_validate(payload)
        review = await reviews.update_review(session, scheduled.id, scheduled.version, patch)
        await complete.complete_review(session, caller, review.id, review.version)


def _build_areas(
    simulation: CaseSimulation, number: int, ratings: dict[str, int], decision: str
) -> dict[str, Any]:
    previous_ratings = (
        simulation.scenario.ratings_at_review(number - 1)
        if number > 1
        else simulation.scenario.initial_ratings()
    )
    areas_with_goals = [
        area
        for area in AREAS
        if simulation.current_plan and getattr(simulation.current_plan.areas, area).status == "goals"
    ]
    return {
        area: {
            "rating": ratings[area],
            "progress": simulation.choose_text(
                "progress", _progress_direction(previous_ratings[area], ratings[area])
            ),
            "decision": "adapt" if decision == "adapt" and area == areas_with_goals[0] else "continue",
        }
        for area in (AREAS if decision == "begin_exit" else areas_with_goals)
    }


def _progress_direction(previous_rating: int, rating: int) -> str:
    if rating == previous_rating:
        return "same"
    return "better" if rating > previous_rating else "worse"


async def simulate_feedback(simulation: CaseSimulation, giver: str, occasion: str, day: date) -> None:
    """Record feedback on a day, as the lead worker."""
    number = simulation.scenario.number + len(simulation.actions_per_day)
    async with simulation.run_as(simulation.worker, Permission.feedback_record, day) as (session, caller):
        payload: dict[str, Any] = {
            "given_by": giver,
            "rating": RATINGS[number % len(RATINGS)],
            "occasion": occasion,
            "given_on": utc_now().astimezone(CAMBODIA_TIMEZONE).date().isoformat(),
            "helped_by": HELPERS[number % len(HELPERS)] if giver == "child" else None,
            "comment": simulation.choose_text("feedback", giver) if number % 3 else None,
        }
        await feedback.create_case_feedback(
            session, caller, simulation.case_id, FeedbackCreate.model_validate(payload)
        )
