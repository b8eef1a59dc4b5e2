"""Support sessions: series, lists, and goals."""

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

SERIES_PAYLOAD = {
    "kind": "therapy", "form": "art", "first_at": "2026-11-24T09:00:00+07:00", "count": 8,
    "areas": ["emotional_health"], "participants": ["the child"], "place": "Playroom",
}  # fmt: skip


async def test_series_is_planned_on_one_weekday_at_one_local_time(scenario: Scenario) -> None:
    case_path, worker = await create_case_path(scenario), scenario.worker_north
    series = expect_json(await worker.post(f"{case_path}/support-sessions/series", SERIES_PAYLOAD), 201)
    times = [
        datetime.fromisoformat(item["planned_at"]).astimezone(CAMBODIA_TIMEZONE) for item in series["items"]
    ]
    assert [time.strftime("%a %H:%M") for time in times] == ["Tue 09:00"] * 8
    assert [(time - times[0]).days for time in times] == [7 * n for n in range(8)]
    assert {item["series_id"] for item in series["items"]} == {series["series_id"]}
    assert {item["status"] for item in series["items"]} == {"planned"}
    listed_sessions = expect_json(
        await worker.get(f"{case_path}/support-sessions", params={"series_id": series["series_id"]})
    )["items"]
    assert sorted(listed_sessions, key=lambda item: item["planned_at"]) == series["items"]
    [entry] = await list_timeline_lines(worker, case_path, "session_planned")
    assert entry["detail"] == {
        "kind": "therapy", "at": "2026-11-24T02:00:00Z", "count": "8", "every_weeks": "1",
        "series_id": series["series_id"],
    }  # fmt: skip
    expect_json(await worker.act(support_session_path(series["items"][3]), "cancel", {"reason": "Exams."}))
    statuses = [
        expect_json(await worker.get(support_session_path(item)))["status"] for item in series["items"]
    ]
    assert statuses == ["planned"] * 3 + ["cancelled"] + ["planned"] * 4

    fortnightly_series = expect_json(
        await worker.post(f"{case_path}/support-sessions/series", {**SERIES_PAYLOAD, "every_weeks": 2}), 201
    )
    assert fortnightly_series["items"][-1]["planned_at"] == "2027-03-02T02:00:00Z"
    for invalid_fields, expected_fault in (
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
        response = await worker.post(
            f"{case_path}/support-sessions/series", {**SERIES_PAYLOAD, **invalid_fields}
        )
        assert parse_faults(response) == {expected_fault}, invalid_fields


async def test_retried_series_is_planned_once(scenario: Scenario, superuser_connection: Any) -> None:
    series_path, worker = f"{await create_case_path(scenario)}/support-sessions/series", scenario.worker_north
    responses = await asyncio.gather(
        *(worker.post(series_path, SERIES_PAYLOAD, key="tuesdays") for _ in range(3))
    )
    assert {response.status_code for response in responses} <= {201, 409}
    first_response = next(response for response in responses if response.status_code == 201)
    replayed_response = await worker.post(series_path, SERIES_PAYLOAD, key="tuesdays")
    assert (replayed_response.content, replayed_response.headers["idempotent-replayed"]) == (
        first_response.content,
        "true",
    )
    assert await superuser_connection.fetchval("SELECT count(*) FROM support_sessions") == 8
    # Without a key, an id that the client chose has the same effect.
    payload = {**SERIES_PAYLOAD, "id": str(uuid.uuid4())}
    responses = await asyncio.gather(*(worker.post(series_path, payload) for _ in range(3)))
    assert sorted(response.status_code for response in responses) == [201, 409, 409]
    assert await superuser_connection.fetchval("SELECT count(*) FROM support_sessions") == 16
    entry_count_sql = "SELECT count(*) FROM case_history WHERE kind = 'session_planned'"
    assert await superuser_connection.fetchval(entry_count_sql) == 2


async def test_list_of_sessions_filters_with_a_fixed_number_of_statements(
    scenario: Scenario,
) -> None:
    sessions_path, worker = f"{await create_case_path(scenario)}/support-sessions", scenario.worker_north
    payloads = [
        PLANNED_VISIT_PAYLOAD,
        {**PLANNED_VISIT_PAYLOAD, **MISSED_SESSION_PAYLOAD},
        HELD_SESSION_PAYLOAD,
    ]
    statement_counts = []
    for _ in range(2):
        session_ids = [
            expect_json(await worker.post(sessions_path, payload), 201)["id"] for payload in payloads
        ]
        with record_statements(scenario) as statements:
            items = expect_json(await worker.get(sessions_path))["items"]
        statement_counts.append(len(statements))
        assert [item["id"] for item in items[:3]] == session_ids[::-1]
    assert statement_counts[0] == statement_counts[1] <= 4
    planned_id, missed_id, held_id = session_ids

    async def fetch_newest(**query: str) -> list[str]:
        return [item["id"] for item in expect_json(await worker.get(sessions_path, params=query))["items"]][
            :1
        ]

    for query, expected in (
        ({"status": "planned"}, [planned_id]),
        ({"status": "missed"}, [missed_id]),
        ({"status": "held", "kind": "therapy"}, [held_id]),
        ({"status": "held", "kind": "home_visit"}, []),
        ({"from": "2026-01-13T02:00:00Z", "to": "2026-01-13T02:00:01Z"}, [held_id]),
        ({"from": "2026-01-13T02:00:01Z", "status": "held"}, []),
        ({"to": "2026-01-13T02:00:00Z"}, []),
        ({"from": "2026-01-20T09:00:00+07:00", "to": "2026-01-21T00:00:00Z"}, [missed_id]),
    ):
        assert await fetch_newest(**query) == expected, query
    first_page = expect_json(await worker.get(sessions_path, params={"limit": 4, "status": "held"}))
    assert (len(first_page["items"]), first_page["next_cursor"]) == (2, None)
    for invalid_query in ({"status": "done"}, {"from": "2026-01-13"}, {"after": "x"}, {"limit": "201"}):
        assert (await worker.get(sessions_path, params=invalid_query)).status_code == 422, invalid_query


async def test_session_rejects_goals_of_another_case(scenario: Scenario) -> None:
    (case, care_plan), (_, other_plan) = (
        await create_active_case(scenario),
        await create_active_case(scenario),
    )
    own_goal_id, other_goal_id = [
        plan_document["areas"]["emotional_health"]["goals"][0]["id"]
        for plan_document in (care_plan, other_plan)
    ]
    case_path, worker = f"/v1/cases/{case['id']}", scenario.worker_north
    held_session = await create_support_session(
        worker, case_path, **HELD_SESSION_PAYLOAD, goal_ids=[own_goal_id, own_goal_id]
    )
    assert held_session["goal_ids"] == [own_goal_id]
    series = {**SERIES_PAYLOAD, "goal_ids": [other_goal_id]}
    assert parse_faults(await worker.post(f"{case_path}/support-sessions/series", series)) == {
        ("/goal_ids/0", "goal_unknown")}  # fmt: skip
    for response in (
        await worker.post(
            f"{case_path}/support-sessions",
            {**HELD_SESSION_PAYLOAD, "goal_ids": [own_goal_id, other_goal_id]},
        ),
        await patch_latest_fields(
            worker, support_session_path(held_session), goal_ids=[own_goal_id, other_goal_id]
        ),
    ):
        assert parse_faults(response) == {("/goal_ids/1", "goal_unknown")}
    assert (
        expect_json(await patch_latest_fields(worker, support_session_path(held_session), goal_ids=None))[
            "goal_ids"
        ]
        == []
    )
