"""Simulate the feedback of children and caregivers at reviews and at the end of support."""

from datetime import date
from typing import Any

from app.access.permissions import Permission
from app.demo.case_simulation import CaseSimulation
from app.kit.dates import CAMBODIA_TIMEZONE
from app.models.record import utc_now
from app.schemas.feedback import FeedbackCreate
from app.services.reviews import feedback

RATINGS = (4, 5, 3, 5, 4, 2, 5)
HELPERS = (None, "family_member", None, "social_worker", "caregiver")
"""Persons who help children to answer."""


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
