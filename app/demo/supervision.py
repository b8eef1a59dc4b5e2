"""Simulate supervision meetings: each supervisor of one team meets each worker of the team twice."""

from datetime import date, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlmodel import col

from app.access.permissions import Permission
from app.demo import people as demo_people
from app.demo.case_scenarios import to_workday
from app.demo.organisation import DemoContext
from app.kit.dates import today
from app.models import Case, Team
from app.schemas.supervision_meetings import SupervisionMeetingCreate
from app.services.supervision import meetings

WEEKS_AGO = (5, 1)
"""Number of weeks since each meeting. The next meeting is four weeks after it."""
NOTES = (
    "The number of court dates this month is a strain. We agreed on two afternoons without appointments.",
    "Reflected on the last session together. The worker asks for more time for reports.",
)
ACTIONS = (
    "Prepare the review of the safety plan.",
    "Ask the school for a meeting about the return to class.",
)
MAX_DISCUSSED_CASES = 3


async def simulate_supervision_meetings(context: DemoContext) -> None:
    """Record the meetings of every team."""
    for team, (supervisor, _) in demo_people.SUPERVISORS.items():
        for worker in demo_people.WORKERS[team]:
            for meeting, weeks in enumerate(WEEKS_AGO):
                held_on = to_workday(today() - timedelta(weeks=weeks))
                await _record_meeting(
                    context, supervisor, context.ids.user_ids[worker], team, held_on, meeting
                )


async def _record_meeting(
    context: DemoContext, supervisor: str, worker_id: UUID, team: str, held_on: date, number: int
) -> None:
    async with context.run_as(supervisor, Permission.supervision_hold) as (session, caller):
        team_id = (await session.scalars(select(col(Team.id)).where(col(Team.name) == team))).one()
        led = select(col(Case.number)).where(
            col(Case.lead_worker_id) == worker_id, col(Case.team_id) == team_id, col(Case.status) != "closed"
        )
        numbers = await session.scalars(led.order_by(col(Case.number)).limit(MAX_DISCUSSED_CASES))
        payload: dict[str, Any] = {
            "worker_id": str(worker_id),
            "team_id": str(team_id),
            "held_on": held_on.isoformat(),
            "next_on": to_workday(held_on + timedelta(weeks=4)).isoformat(),
            "case_numbers": list(numbers),
            "notes": NOTES[number],
            "actions": [{"what": ACTIONS[number], "due_on": (held_on + timedelta(weeks=2)).isoformat()}],
        }
        await meetings.create_supervision_meeting(
            session, caller, SupervisionMeetingCreate.model_validate(payload)
        )
