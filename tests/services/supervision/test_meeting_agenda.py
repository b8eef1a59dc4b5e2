"""Agreed actions and next meetings on the agenda of the people who act on them."""

from typing import Any

from tests.support.agenda import list_agenda, list_whole_agenda
from tests.support.responses import expect_json
from tests.support.row_factories import date_in_days
from tests.support.scenario import Scenario, id_of
from tests.support.supervision import create_meeting

PEOPLE = ("worker_north", "supervisor_north", "supervisor_both", "manager")
ACTION = {"what": "Call the school."}


async def list_owners(scenario: Scenario, kind: str) -> list[str]:
    """Return the people who have an entry of a kind on their agenda, without those who left."""
    agendas = {name: await list_whole_agenda(scenario.client_for(name)) for name in PEOPLE}
    return [name for name, items in agendas.items() if any(entry["kind"] == kind for entry in items or ())]


async def patch_user(scenario: Scenario, name: str, change: dict[str, Any]) -> None:
    path = f"/v1/users/{id_of(name)}"
    etag = (await scenario.admin.get(path)).headers["etag"]
    expect_json(await scenario.admin.patch(path, change, etag=etag))


async def test_open_action_is_on_the_agenda_of_its_owner_until_it_is_done(scenario: Scenario) -> None:
    due_on = str(date_in_days(-1))
    meeting = await create_meeting(scenario, actions=[{**ACTION, "due_on": due_on}])
    [action] = meeting["actions"]
    [entry] = await list_agenda(scenario.worker_north)
    assert (entry["kind"], entry["due_on"], entry["is_overdue"], entry["worker_id"]) == (
        "supervision_action",
        due_on,
        True,
        meeting["worker_id"],
    )
    assert (entry["case_id"], entry["child"]) == (None, None)
    linked = expect_json(await scenario.worker_north.get(entry["link"]))
    assert linked == action
    done = {"done_on": str(date_in_days(0))}
    expect_json(await scenario.worker_north.patch(entry["link"], done, etag='"1"'))
    assert await list_owners(scenario, "supervision_action") == []


async def test_supervisors_of_the_team_follow_up_the_action_of_a_worker_who_left(scenario: Scenario) -> None:
    # Catches: OWNER_CANNOT_ACT without the condition on the owner; no source of the supervisor.
    await create_meeting(scenario, actions=[{**ACTION, "due_on": str(date_in_days(3))}])
    assert await list_owners(scenario, "supervision_action") == ["worker_north"]
    await patch_user(scenario, "worker_north", {"is_active": False})
    assert await list_owners(scenario, "supervision_action") == ["supervisor_north", "supervisor_both"]
    for name in ("supervisor_north", "supervisor_both"):
        await patch_user(scenario, name, {"teams": []})
    assert await list_owners(scenario, "supervision_action") == ["manager"]


async def test_next_meeting_is_on_the_agenda_of_both_until_it_is_recorded(scenario: Scenario) -> None:
    # Catches: NEXT_MEETINGS_SQL without the condition on later meetings.
    next_on = str(date_in_days(5))
    meeting = await create_meeting(scenario, next_on=next_on)
    assert await list_owners(scenario, "supervision_meeting") == ["worker_north", "supervisor_north"]
    [entry] = await list_agenda(scenario.supervisor_north)
    assert (entry["due_on"], entry["link"], entry["worker"]["name"]) == (
        next_on,
        f"/v1/supervision-meetings/{meeting['id']}",
        "Worker North",
    )
    await create_meeting(scenario, "supervisor_both", held_on="2026-04-01")
    assert await list_owners(scenario, "supervision_meeting") == []


async def test_successor_holds_the_next_meeting_of_a_supervisor_who_left_the_team(scenario: Scenario) -> None:
    await create_meeting(scenario, next_on=str(date_in_days(5)))
    await patch_user(scenario, "supervisor_north", {"teams": []})
    assert await list_owners(scenario, "supervision_meeting") == ["worker_north", "supervisor_both"]
    await patch_user(scenario, "worker_north", {"is_active": False})
    assert await list_owners(scenario, "supervision_meeting") == []


async def test_next_meeting_ends_when_the_worker_changes_the_team(scenario: Scenario) -> None:
    await create_meeting(scenario, next_on=str(date_in_days(5)))
    teams = [{"team_id": str(id_of("south")), "is_supervisor": False}]
    await patch_user(scenario, "worker_north", {"teams": teams})
    assert await list_owners(scenario, "supervision_meeting") == []
