"""Supervision meetings of the tests."""

from typing import Any

from app.models import SupervisionAction, SupervisionMeeting
from tests.support.agenda_work import TeamWork
from tests.support.responses import expect_json
from tests.support.row_factories import date_in_days, insert_row
from tests.support.scenario import Scenario, id_of

MEETINGS = "/v1/supervision-meetings"
AGREED_ACTION_PAYLOAD = {"what": "Call the school.", "due_on": "2027-01-15"}


def meeting_payload(**changes: Any) -> dict[str, Any]:
    """Return the payload of a meeting of supervisor_north with worker_north. `changes` replace fields."""
    return {
        "worker_id": str(id_of("worker_north")),
        "team_id": str(id_of("north")),
        "held_on": "2026-03-02",
        **changes,
    }


async def create_meeting(scenario: Scenario, by: str = "supervisor_north", **changes: Any) -> dict[str, Any]:
    response = await scenario.client_for(by).post(MEETINGS, meeting_payload(**changes))
    return expect_json(response, 201)


async def insert_supervision_work(superuser: Any, work: TeamWork) -> None:
    """Insert a meeting of the supervisor with the lead worker, and one of the programme manager with the supervisor."""
    for worker, supervisor in (
        (work.id("lead"), work.id("supervisor")),
        (work.id("supervisor"), id_of("manager")),
    ):
        meeting = SupervisionMeeting(
            worker_id=worker,
            supervisor_id=supervisor,
            team_id=work.id("team"),
            held_on=date_in_days(-3),
            next_on=date_in_days(4),
        )
        await insert_row(superuser, meeting)
        for owner in (worker, supervisor):
            action = SupervisionAction(meeting_id=meeting.id, owner_id=owner, due_on=date_in_days(1))
            action.what = "Call the school."
            await insert_row(superuser, action)
