"""Support sessions in number: series, lists, and the goals they work on."""

import asyncio
import uuid
from datetime import datetime
from typing import Any

from app.kit.dates import CAMBODIA_TIMEZONE
from tests.support.case_lifecycle import create_active_case, create_case_path, list_timeline_lines
from tests.support.payloads import HELD_SESSION_PAYLOAD, MISSED_SESSION_PAYLOAD, PLANNED_VISIT_PAYLOAD
from tests.support.responses import expect_json, parse_faults, patch_latest_fields
from tests.support.scenario import Scenario
from tests.support.sql_statements import record_statements
from tests.support.support_sessions import create_support_session, support_session_path

SERIES = {
    "kind": "therapy", "form": "art", "first_at": "2026-11-24T09:00:00+07:00", "count": 8,
    "areas": ["emotional_health"], "participants": ["the child"], "place": "Playroom",
}  # fmt: skip


async def test_a_series_is_planned_at_once_at_the_same_local_time(scenario: Scenario) -> None:
    path, worker = await create_case_path(scenario), scenario.worker_north
    made = expect_json(await worker.post(f"{path}/support-sessions/series", SERIES), 201)
    moments = [
        datetime.fromisoformat(item["planned_at"]).astimezone(CAMBODIA_TIMEZONE) for item in made["items"]
    ]
    assert [m.strftime("%a %H:%M") for m in moments] == ["Tue 09:00"] * 8
    assert [(m - moments[0]).days for m in moments] == [7 * n for n in range(8)]
    assert {item["series_id"] for item in made["items"]} == {made["series_id"]}
    assert {item["status"] for item in made["items"]} == {"planned"}
    found = expect_json(
        await worker.get(f"{path}/support-sessions", params={"series_id": made["series_id"]})
    )["items"]
    assert sorted(found, key=lambda item: item["planned_at"]) == made["items"]
    [line] = await list_timeline_lines(worker, path, "session_planned")
    assert line["detail"] == {
        "kind": "therapy", "at": "2026-11-24T02:00:00Z", "count": "8", "every_weeks": "1",
        "series_id": made["series_id"],
    }  # fmt: skip
    expect_json(await worker.act(support_session_path(made["items"][3]), "cancel", {"reason": "Exams."}))
    statuses = [expect_json(await worker.get(support_session_path(item)))["status"] for item in made["items"]]
    assert statuses == ["planned"] * 3 + ["cancelled"] + ["planned"] * 4

    fortnight = expect_json(
        await worker.post(f"{path}/support-sessions/series", {**SERIES, "every_weeks": 2}), 201
    )
    assert fortnight["items"][-1]["planned_at"] == "2027-03-02T02:00:00Z"
    for wrong, fault in (
        ({"count": 61}, ("/count", "less_than_equal")),
        ({"count": 1}, ("/count", "greater_than_equal")),
        ({"every_weeks": 0}, ("/every_weeks", "greater_than_equal")),
        ({"every_weeks": 12, "count": 60}, ("/count", "date_too_late")),
        ({"first_at": "9999-12-31T23:59:59Z"}, ("/first_at", "date_too_late")),
        ({"first_at": "2026-11-24"}, ("/first_at", "datetime_parsing")),
        ({"goal_ids": [str(uuid.uuid4())]}, ("/goal_ids/0", "goal_unknown")),
        ({"kind": "home_visit"}, ("/form", "form_without_therapy")),
        ({"held_at": HELD_SESSION_PAYLOAD["held_at"]}, ("/held_at", "extra_forbidden")),
    ):
        refused = await worker.post(f"{path}/support-sessions/series", {**SERIES, **wrong})
        assert parse_faults(refused) == {fault}, wrong


async def test_retries_of_a_series_make_one_series(scenario: Scenario, superuser_connection: Any) -> None:
    path, worker = f"{await create_case_path(scenario)}/support-sessions/series", scenario.worker_north
    tried = await asyncio.gather(*(worker.post(path, SERIES, key="tuesdays") for _ in range(3)))
    assert {answer.status_code for answer in tried} <= {201, 409}
    first = next(answer for answer in tried if answer.status_code == 201)
    again = await worker.post(path, SERIES, key="tuesdays")
    assert (again.content, again.headers["idempotent-replayed"]) == (first.content, "true")
    assert await superuser_connection.fetchval("SELECT count(*) FROM support_sessions") == 8
    # and without a key, where the client has chosen the id
    named = {**SERIES, "id": str(uuid.uuid4())}
    tried = await asyncio.gather(*(worker.post(path, named) for _ in range(3)))
    assert sorted(answer.status_code for answer in tried) == [201, 409, 409]
    assert await superuser_connection.fetchval("SELECT count(*) FROM support_sessions") == 16
    lines_told = "SELECT count(*) FROM case_history WHERE kind = 'session_planned'"
    assert await superuser_connection.fetchval(lines_told) == 2


async def test_sessions_are_listed_by_status_kind_and_time_in_a_fixed_number_of_statements(
    scenario: Scenario,
) -> None:
    path, worker = f"{await create_case_path(scenario)}/support-sessions", scenario.worker_north
    told = [PLANNED_VISIT_PAYLOAD, {**PLANNED_VISIT_PAYLOAD, **MISSED_SESSION_PAYLOAD}, HELD_SESSION_PAYLOAD]
    counts = []
    for _ in range(2):
        made = [expect_json(await worker.post(path, one), 201)["id"] for one in told]
        with record_statements(scenario) as statements:
            items = expect_json(await worker.get(path))["items"]
        counts.append(len(statements))
        assert [item["id"] for item in items[:3]] == made[::-1]
    assert counts[0] == counts[1] <= 4
    visit, missed, held = made

    async def newest(**query: str) -> list[str]:
        return [item["id"] for item in expect_json(await worker.get(path, params=query))["items"]][:1]

    for query, expected in (
        ({"status": "planned"}, [visit]),
        ({"status": "missed"}, [missed]),
        ({"status": "held", "kind": "therapy"}, [held]),
        ({"status": "held", "kind": "home_visit"}, []),
        ({"from": "2026-01-13T02:00:00Z", "to": "2026-01-13T02:00:01Z"}, [held]),
        ({"from": "2026-01-13T02:00:01Z", "status": "held"}, []),
        ({"to": "2026-01-13T02:00:00Z"}, []),
        ({"from": "2026-01-20T09:00:00+07:00", "to": "2026-01-21T00:00:00Z"}, [missed]),
    ):
        assert await newest(**query) == expected, query
    first = expect_json(await worker.get(path, params={"limit": 4, "status": "held"}))
    assert (len(first["items"]), first["next_cursor"]) == (2, None)
    for wrong in ({"status": "done"}, {"from": "2026-01-13"}, {"after": "x"}, {"limit": "201"}):
        assert (await worker.get(path, params=wrong)).status_code == 422, wrong


async def test_goals_worked_on_are_goals_of_this_case(scenario: Scenario) -> None:
    (case, plan), (_, foreign) = await create_active_case(scenario), await create_active_case(scenario)
    ours, theirs = [found["areas"]["emotional_health"]["goals"][0]["id"] for found in (plan, foreign)]
    path, worker = f"/v1/cases/{case['id']}", scenario.worker_north
    held = await create_support_session(worker, path, **HELD_SESSION_PAYLOAD, goal_ids=[ours, ours])
    assert held["goal_ids"] == [ours]
    series = {**SERIES, "goal_ids": [theirs]}
    assert parse_faults(await worker.post(f"{path}/support-sessions/series", series)) == {
        ("/goal_ids/0", "goal_unknown")}  # fmt: skip
    for refused in (
        await worker.post(f"{path}/support-sessions", {**HELD_SESSION_PAYLOAD, "goal_ids": [ours, theirs]}),
        await patch_latest_fields(worker, support_session_path(held), goal_ids=[ours, theirs]),
    ):
        assert parse_faults(refused) == {("/goal_ids/1", "goal_unknown")}
    assert (
        expect_json(await patch_latest_fields(worker, support_session_path(held), goal_ids=None))["goal_ids"]
        == []
    )
