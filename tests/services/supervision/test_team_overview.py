"""The overview of a team: caseloads against the limit, meetings, counts, agenda, and who can read it."""

from typing import Any

import pytest

from tests.support.agenda import list_agenda
from tests.support.case_lifecycle import create_exiting_case, exit_plan_payload
from tests.support.responses import expect_json
from tests.support.row_factories import date_in_days
from tests.support.scenario import Scenario, child_ids_in, id_of, referral_payload
from tests.support.sql_statements import record_statements
from tests.support.supervision import create_meeting


def overview_path(team: str = "north") -> str:
    return f"/v1/teams/{id_of(team)}/overview"


async def get_overview(
    scenario: Scenario, name: str = "supervisor_north", team: str = "north"
) -> dict[str, Any]:
    overview: dict[str, Any] = expect_json(await scenario.client_for(name).get(overview_path(team)))
    return overview


def find_worker(overview: dict[str, Any], name: str) -> dict[str, Any]:
    workers: list[dict[str, Any]] = overview["workers"]
    [worker] = [worker for worker in workers if worker["worker_id"] == str(id_of(name))]
    return worker


async def test_overview_shows_caseloads_meetings_and_counts(scenario: Scenario) -> None:
    for sex in ("male", "unknown"):
        await scenario.open_case(child={**referral_payload()["child"], "sex": sex})
    await scenario.open_case("worker_south")
    next_on = str(date_in_days(6))
    await create_meeting(scenario, held_on="2026-01-05", next_on="2026-02-05")
    await create_meeting(scenario, held_on="2026-02-05", next_on=next_on)
    overview = await get_overview(scenario)
    assert (overview["team"]["name"], overview["cases_per_worker"], overview["workers_per_supervisor"]) == (
        "north", 25, 6,
    )  # fmt: skip
    assert [worker["worker"]["name"] for worker in overview["workers"]] == [
        "Supervisor Both", "Supervisor North", "Worker North", "Worker North 2",
    ]  # fmt: skip
    worker = find_worker(overview, "worker_north")
    assert {name: worker[name] for name in ("cases", "weighted_cases", "is_over_limit", "is_supervisor")} == {
        "cases": 2, "weighted_cases": 2.0, "is_over_limit": False, "is_supervisor": False,
    }  # fmt: skip
    assert (worker["last_meeting_on"], worker["next_meeting_on"]) == ("2026-02-05", next_on)
    idle = find_worker(overview, "worker_north_2")
    assert (idle["cases"], idle["weighted_cases"], idle["last_meeting_on"]) == (0, 0.0, None)
    counts = overview["counts"]
    assert counts["open_cases"] == {"assessment": 2, "planning": 0, "active": 0, "exiting": 0}
    assert (counts["overdue_reviews"], counts["unstaffed_cases"], counts["waiting_referrals"]) == (0, 0, 0)
    missing = expect_json(await scenario.supervisor_north.get("/v1/missing-data"))["items"]
    assert counts["missing_data"] == worker["missing_data"] == len(missing) > 0


async def test_waiting_approvals_are_those_of_the_agenda(
    scenario: Scenario, superuser_connection: Any
) -> None:
    # Catches: the empty exit plan that a review creates counted, in the overview or in `access.count_remaining_work`;
    # the exit plan of an unplanned exit not counted.
    await superuser_connection.execute(
        "DELETE FROM team_members WHERE user_id = $1", id_of("supervisor_both")
    )
    await create_exiting_case(scenario)
    case = await scenario.open_case()
    unplanned = {"checklist": exit_plan_payload()["checklist"], "reason_code": "moved_away"}
    expect_json(await scenario.worker_north.put(f"/v1/cases/{case['id']}/exit-plan", unplanned))
    assert len(await list_agenda(scenario.supervisor_north, kind="approval")) == 1
    assert (await get_overview(scenario))["counts"]["waiting_approvals"] == 1
    path = f"/v1/users/{id_of('supervisor_north')}"
    etag = (await scenario.admin.get(path)).headers["etag"]
    user = expect_json(await scenario.admin.patch(path, {"is_active": False}, etag=etag))
    assert user["remaining_work"]["approvals"] == 1


async def test_weighted_cases_above_the_limit_are_marked(scenario: Scenario) -> None:
    # Catches: `cases > cases_per_worker` instead of the weight.
    for _ in range(2):
        await scenario.open_case()
    change = {"cases_per_worker": 2, "weight_unknown": 1.25}
    expect_json(await scenario.admin.patch("/v1/caseload-standard", change, etag='"1"'))
    worker = find_worker(await get_overview(scenario), "worker_north")
    assert (worker["cases"], worker["weighted_cases"], worker["is_over_limit"]) == (2, 2.5, True)


async def test_only_the_children_of_the_agenda_are_logged(scenario: Scenario) -> None:
    for _ in range(2):
        await scenario.open_case()
    for name in ("supervisor_north", "manager"):
        response = await scenario.client_for(name).get(overview_path())
        entries = await scenario.list_access_entries(response.headers["x-request-id"])
        logged = {entry["child_id"] for entry in entries if entry["child_id"]}
        assert logged == child_ids_in(expect_json(response)["agenda"]), name


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("supervisor_north", 200), ("supervisor_both", 200), ("manager", 200), ("supervisor_south", 404),
        ("worker_north", 403), ("dpo", 403), ("admin", 403), ("me_officer", 403), ("finance", 403),
    ],
)  # fmt: skip
async def test_overview_is_for_supervisors_of_the_team(scenario: Scenario, name: str, status: int) -> None:
    assert (await scenario.client_for(name).get(overview_path())).status_code == status


async def test_unknown_team_is_answered_like_the_team_of_others(scenario: Scenario) -> None:
    for name in ("manager", "supervisor_south"):
        assert (await scenario.client_for(name).get(overview_path("unknown"))).status_code == 404


async def test_cases_of_a_worker_who_left_are_unstaffed(scenario: Scenario) -> None:
    await scenario.open_case()
    path = f"/v1/users/{id_of('worker_north')}"
    etag = (await scenario.admin.get(path)).headers["etag"]
    expect_json(await scenario.admin.patch(path, {"is_active": False}, etag=etag))
    overview = await get_overview(scenario)
    assert overview["counts"]["unstaffed_cases"] == 1
    assert str(id_of("worker_north")) not in {worker["worker_id"] for worker in overview["workers"]}


async def test_transferred_case_moves_to_the_other_team(scenario: Scenario) -> None:
    case = await scenario.open_case()
    payload = {
        "team_id": str(id_of("south")), "lead_worker_id": str(id_of("worker_south")), "reason": "The child moved.",
    }  # fmt: skip
    expect_json(await scenario.manager.act(f"/v1/cases/{case['id']}", "transfer", payload))
    assert (await get_overview(scenario))["counts"]["open_cases"]["assessment"] == 0
    south = await get_overview(scenario, "supervisor_south", "south")
    assert find_worker(south, "worker_south")["cases"] == 1


async def test_number_of_statements_does_not_depend_on_the_team(scenario: Scenario) -> None:
    # Catches: one query per worker for the meetings.
    counts = []
    for _ in range(2):
        await scenario.open_case()
        await create_meeting(scenario, next_on=str(date_in_days(1)))
        await create_meeting(scenario, worker_id=str(id_of("worker_north_2")))
        with record_statements(scenario) as statements:
            await get_overview(scenario)
        counts.append(len(statements))
    assert counts[0] == counts[1] <= 12
