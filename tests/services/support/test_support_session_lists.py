"""The lists of support sessions, of one case and of all cases: filters, orders, visible records, names and log entries."""

import uuid
from typing import Any

from tests.support.list_pages import check_order, fetch_ids, fetch_items
from tests.support.payloads import HELD_SESSION_PAYLOAD, MISSED_SESSION_PAYLOAD, PLANNED_VISIT_PAYLOAD
from tests.support.responses import expect_json
from tests.support.scenario import Scenario, id_of
from tests.support.sql_statements import record_statements
from tests.support.support_sessions import create_support_session, support_session_path

SESSIONS = "/v1/support-sessions"
NORTH, NORTH_2, SOUTH = (str(id_of(name)) for name in ("worker_north", "worker_north_2", "worker_south"))


async def create_sessions(scenario: Scenario) -> dict[str, dict[str, Any]]:
    """Create sessions of three workers in a case of the team north and a case of the team south, by name."""
    north, south = await scenario.open_case(), await scenario.open_case("worker_south")
    staff = {"lead_worker_id": NORTH, "co_worker_ids": [NORTH_2]}
    expect_json(await scenario.supervisor_north.act(f"/v1/cases/{north['id']}", "assign", staff))
    north_path, south_path = f"/v1/cases/{north['id']}", f"/v1/cases/{south['id']}"
    worker = scenario.worker_north
    return {
        "held": await create_support_session(worker, north_path, **HELD_SESSION_PAYLOAD),
        "planned": await create_support_session(
            worker, north_path, **{**PLANNED_VISIT_PAYLOAD, "worker_id": NORTH_2}
        ),
        "missed": await create_support_session(
            worker, north_path, **MISSED_SESSION_PAYLOAD, kind="phone_call", planned_at="2026-01-10T02:00:00Z"
        ),
        "south": await create_support_session(
            scenario.worker_south, south_path, kind="therapy", form="art", held_at="2026-01-16T02:00:00Z"
        ),
    }


async def test_support_sessions_are_filtered(scenario: Scenario) -> None:
    # Catches: `from` and `to` applied to `planned_at`; the filter by area requires all areas.
    sessions = await create_sessions(scenario)
    case_id = sessions["held"]["case_id"]
    for params, names in (
        ({"worker_id": NORTH}, {"held", "missed"}),
        ({"worker_id": f"{NORTH_2},{SOUTH}"}, {"planned", "south"}),
        ({"case_id": case_id}, {"held", "planned", "missed"}),
        ({"team_id": str(id_of("south"))}, {"south"}),
        ({"team_id": f"{id_of('south')},{id_of('north')}", "status": "planned"}, {"planned"}),
        ({"status": "planned,missed"}, {"planned", "missed"}),
        ({"kind": "therapy"}, {"held", "south"}),
        ({"kind": "home_visit,phone_call"}, {"planned", "missed"}),
        ({"form": "art"}, {"south"}),
        ({"form": "play,art"}, {"held", "south"}),
        ({"area": "shelter_safety,relationships"}, {"held", "planned"}),
        ({"area": "relationships"}, {"held"}),
        ({"from": "2026-01-13T02:00:00Z", "to": "2026-01-16T02:00:00Z"}, {"held"}),
        ({"from": "2026-01-16T02:00:00Z"}, {"planned", "south"}),
        ({"to": "2026-01-11T00:00:00Z"}, {"missed"}),
        ({"series_id": str(uuid.uuid4())}, set()),
        ({"worker_id": str(uuid.uuid4())}, set()),
    ):
        expected = {sessions[name]["id"] for name in names}
        assert set(await fetch_ids(scenario.manager, SESSIONS, **params)) == expected, params
        counted = await scenario.manager.get(SESSIONS, params={**params, "count": "true"})
        assert expect_json(counted)["total"] == len(expected), params
        if not params.keys() & {"case_id", "team_id"}:
            of_case = await fetch_ids(
                scenario.worker_north, f"/v1/cases/{case_id}/support-sessions", **params
            )
            assert set(of_case) == expected - {sessions["south"]["id"]}, params
    for params in ({"status": "open"}, {"sort": "kind"}, {"sort": "created_at"}, {"area": "x"}):
        expect_json(await scenario.manager.get(SESSIONS, params=params), 422)


async def test_support_sessions_are_sorted_in_both_directions(scenario: Scenario) -> None:
    # Catches: the sort value without `held_at`.
    sessions = await create_sessions(scenario)
    ids = {name: support_session["id"] for name, support_session in sessions.items()}
    of_north = [ids[name] for name in ("missed", "held", "planned")]
    for caller in (scenario.worker_north, scenario.worker_north_2, scenario.supervisor_north):
        await check_order(caller, SESSIONS, "at", of_north)
        assert await fetch_ids(caller, SESSIONS) == of_north[::-1]
    for caller in (scenario.supervisor_both, scenario.manager):
        await check_order(
            caller, SESSIONS, "at", [ids[name] for name in ("missed", "held", "south", "planned")]
        )
    path = f"/v1/cases/{sessions['held']['case_id']}/support-sessions"
    await check_order(scenario.worker_north, path, "at", of_north)
    by_creation = [ids[name] for name in ("held", "planned", "missed")]
    await check_order(scenario.worker_north, path, "created_at", by_creation)
    assert await fetch_ids(scenario.worker_north, path) == by_creation[::-1]


async def test_list_of_support_sessions_contains_the_visible_cases_only(scenario: Scenario) -> None:
    sessions = await create_sessions(scenario)
    south = sessions["south"]
    assert await fetch_ids(scenario.worker_south, SESSIONS) == [south["id"]]
    for params in (
        {"case_id": south["case_id"]},
        {"worker_id": SOUTH},
        {"team_id": str(id_of("south"))},
    ):
        assert await fetch_ids(scenario.worker_north, SESSIONS, **params) == [], params
    path = f"/v1/cases/{south['case_id']}"
    expect_json(await scenario.worker_north.get(f"{path}/support-sessions"), 404)
    emergency = {"reason": "The child is in hospital now."}
    expect_json(await scenario.worker_north.post(f"{path}/break-glass", emergency))
    assert await fetch_ids(scenario.worker_north, SESSIONS, worker_id=SOUTH) == [south["id"]]
    for name in ("finance", "me_officer", "dpo", "admin"):
        expect_json(await scenario.client_for(name).get(SESSIONS), 403)


async def test_row_carries_child_case_number_and_names(scenario: Scenario) -> None:
    sessions = await create_sessions(scenario)
    case = expect_json(await scenario.worker_north.get(f"/v1/cases/{sessions['held']['case_id']}"))
    rows = {row["id"]: row for row in await fetch_items(scenario.worker_north, SESSIONS)}
    row = rows[sessions["held"]["id"]]
    assert row["case"] == {"id": case["id"], "number": case["number"]}
    assert row["child"] == case["child"]
    assert row["worker"] == row["author"] == {"id": NORTH, "name": "Worker North"}
    assert rows[sessions["planned"]["id"]]["worker"] == {"id": NORTH_2, "name": "Worker North 2"}
    assert (row["at"], row["place"]) == (HELD_SESSION_PAYLOAD["held_at"], HELD_SESSION_PAYLOAD["place"])
    assert not {"summary", "mood", "participants"} & row.keys()
    for name in ("held", "planned", "missed"):
        session = expect_json(await scenario.worker_north.get(support_session_path(sessions[name])))
        assert session == sessions[name]
        assert {field: session[field] for field in rows[session["id"]] if field in session} == {
            field: value for field, value in rows[session["id"]].items() if field in session
        }
    path = f"/v1/cases/{case['id']}/support-sessions"
    for item in await fetch_items(scenario.worker_north, path):
        assert item in sessions.values()


async def test_lists_of_support_sessions_log_returned_rows_and_use_one_statement(scenario: Scenario) -> None:
    for number in range(3):
        case = await scenario.open_case()
        await create_support_session(
            scenario.worker_north,
            f"/v1/cases/{case['id']}",
            kind="therapy",
            held_at=f"2026-01-1{number}T02:00:00Z",
        )
    latest = {row["child_id"] for row in (await fetch_items(scenario.worker_north, SESSIONS))[:2]}
    for path, expected_count in ((f"{SESSIONS}?limit=2", 1), (f"{SESSIONS}?limit=2&count=true", 2)):
        for caller in (scenario.worker_north, scenario.supervisor_north, scenario.manager):
            with record_statements(scenario) as statements:
                response = await caller.get(path)
            assert len(statements) == expected_count, statements
            entries = await scenario.list_access_entries(response.headers["x-request-id"])
            assert {entry["child_id"] for entry in entries} == latest
    with record_statements(scenario) as statements:
        expect_json(await scenario.worker_north.get(f"/v1/cases/{case['id']}/support-sessions"))
    assert len(statements) == 1, statements
