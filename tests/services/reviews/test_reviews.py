"""Scheduling, update, listing and completion of reviews."""

import asyncio
import uuid
from datetime import timedelta
from typing import Any

from app.kit.dates import add_months, today
from tests.support.case_lifecycle import (
    complete_next_review,
    create_active_case,
    fill_next_review,
    get_next_review,
)
from tests.support.responses import expect_json, parse_faults, parse_unmet_pointers
from tests.support.scenario import Scenario, id_of
from tests.support.sql_statements import record_statements

DAY = timedelta(days=1)
MOVE_SUPPORT_START_SQL = "UPDATE care_plans SET decided_at = decided_at - make_interval(days => $1)"
"""Moves the start of support a number of days into the past."""


async def test_approval_of_the_plan_schedules_the_first_review_three_months_later(
    scenario: Scenario,
) -> None:
    case, plan = await create_active_case(scenario)
    due_on = add_months(today(), 3).isoformat()
    assert (case["status"], case["next_review_on"]) == ("active", due_on)
    review = await get_next_review(scenario, case["id"])
    assert (review["number"], review["due_on"], review["plan_id"]) == (1, due_on, plan["id"])
    assert (review["status"], review["held_on"], review["areas"]) == ("scheduled", None, {})
    assert review["active_areas"] == ["emotional_health"]
    [goal] = review["happened"]["goals"]
    assert (goal["statement"], goal["actions_open"], goal["actions_done"]) == (
        "Sleeps through the night.",
        1,
        0,
    )
    assert (review["happened"]["since"], review["happened"]["money_spent"]) == (None, [])
    for name, status in {
        "worker_south": 404, "worker_north_2": 404, "supervisor_south": 404, "partner_one": 403, "finance": 403,
        "me_officer": 403, "dpo": 403, "admin": 403, "supervisor_north": 200, "manager": 200,
    }.items():  # fmt: skip
        assert (await scenario.client_for(name).get(f"/v1/reviews/{review['id']}")).status_code == status, (
            name
        )
        response = await scenario.client_for(name).get("/v1/reviews")
        assert [item["id"] for item in response.json().get("items", [])] == (
            [review["id"]] if status == 200 else []
        )


async def test_review_accepts_partial_updates_and_rejects_invalid_fields(
    scenario: Scenario,
) -> None:
    case, _ = await create_active_case(scenario)
    review = await get_next_review(scenario, case["id"])
    path, worker = f"/v1/reviews/{review['id']}", scenario.worker_north
    goal_id = review["happened"]["goals"][0]["goal_id"]
    first_patch = {"areas": {"emotional_health": {"rating": 3}}, "goals": {goal_id: "Nearly there."}}
    expect_json(await worker.patch(path, first_patch, etag='"1"'))
    second_patch = {"areas": {"emotional_health": {"progress": "Laughs."}, "legal": {"rating": 2}}}
    expect_json(await worker.patch(path, second_patch, etag='"2"'))
    updated_review = expect_json(
        await worker.patch(path, {"areas": {"legal": None}, "decision": "continue"}, etag='"3"')
    )
    assert updated_review["areas"] == {
        "emotional_health": {"rating": 3, "progress": "Laughs.", "decision": None}
    }
    assert (updated_review["goals"], updated_review["decision"], updated_review["version"]) == (
        {goal_id: "Nearly there."},
        "continue",
        4,
    )
    assert (await worker.patch(path, {"decision": None}, etag='"3"')).status_code == 412
    assert (await worker.patch(path, {"decision": None})).status_code == 428
    unknown_goal_id = str(uuid.uuid4())
    for invalid_patch, fault in (
        (
            {"areas": {"emotional_health": {"rating": 5}}},
            ("/areas/emotional_health/rating", "less_than_equal"),
        ),
        ({"goals": {unknown_goal_id: "Whose?"}}, (f"/goals/{unknown_goal_id}", "goal_unknown")),
        ({"decision": "end"}, ("/decision", "literal_error")),
        ({"status": "completed"}, ("/status", "extra_forbidden")),
        ({"held_on": "2026-02-30"}, ("/held_on", "date_from_datetime_parsing")),
    ):
        assert parse_faults(await worker.patch(path, invalid_patch, etag='"4"')) == {fault}
    assert (await scenario.manager.patch(path, {"decision": "adapt"}, etag='"4"')).status_code == 403
    assert (await scenario.worker_south.patch(path, {"decision": "adapt"}, etag='"4"')).status_code == 404


async def test_review_completion_lists_every_unmet_condition(
    scenario: Scenario, superuser_connection: Any
) -> None:
    case, _ = await create_active_case(scenario, weak_areas=("emotional_health", "education"))
    review = await get_next_review(scenario, case["id"])
    path, worker = f"/v1/reviews/{review['id']}", scenario.worker_north
    assert parse_unmet_pointers(await worker.act(path, "complete")) == {
        "rating_missing": "/areas/emotional_health/rating",
        "progress_missing": "/areas/emotional_health/progress",
        "decision_missing": "/decision",
        "held_on_missing": "/held_on",
    }
    unmet = (await worker.act(path, "complete")).json()["unmet"]
    assert len(unmet) == 3 * 2 + 2
    area_review = {"rating": 2, "progress": "Slow.", "decision": "adapt"}
    areas = dict.fromkeys(review["active_areas"], area_review)
    await fill_next_review(scenario, case["id"], areas=areas)
    assert parse_unmet_pointers(await worker.act(path, "complete")) == {
        "decision_contradicts": "/decision",
    }
    tomorrow = (today() + DAY).isoformat()
    response = await worker.patch(path, {"held_on": tomorrow}, etag='"4"')
    assert parse_faults(response) == {("/held_on", "date_in_future")}
    await fill_next_review(scenario, case["id"])
    await superuser_connection.execute("UPDATE cases SET opened_on = $1", add_months(today(), -24) - DAY)
    assert parse_unmet_pointers(await worker.act(path, "complete")) == {"extension_needed": "/decision"}
    extension = {"until": add_months(today(), 6).isoformat(), "reason": "The court sits in spring."}
    assert (
        await scenario.supervisor_north.act(f"/v1/cases/{case['id']}", "extend", extension)
    ).status_code == 403
    expect_json(await scenario.manager.act(f"/v1/cases/{case['id']}", "extend", extension))
    response = await scenario.worker_north_2.post(
        f"/v1/cases/{case['id']}/break-glass", {"reason": "On call tonight."}
    )
    assert response.status_code == 200
    assert parse_unmet_pointers(await scenario.worker_north_2.act(path, "complete")) == {"not_on_case": None}
    completed = expect_json(await scenario.supervisor_north.act(path, "complete"))
    assert completed["completed_by_id"] == str(id_of("supervisor_north"))
    update_response = await worker.patch(path, {"summary": "Later."}, etag=f'"{completed["version"]}"')
    assert parse_unmet_pointers(update_response) == {"status": "/status"}
    assert "status" in parse_unmet_pointers(await worker.act(path, "complete"))


async def test_review_date_before_the_start_of_support_is_rejected(
    scenario: Scenario, superuser_connection: Any
) -> None:
    case, _ = await create_active_case(scenario)
    for held_on in ("2019-06-01", (today() - DAY).isoformat()):
        path = await fill_next_review(scenario, case["id"], held_on=held_on)
        assert parse_unmet_pointers(await scenario.worker_north.act(path, "complete")) == {
            "before_support": "/held_on"
        }
    await superuser_connection.execute(MOVE_SUPPORT_START_SQL, 1)
    expect_json(await scenario.worker_north.act(path, "complete"))


async def test_next_review_is_due_three_months_after_the_completed_review_was_held(
    scenario: Scenario, superuser_connection: Any
) -> None:
    case, _ = await create_active_case(scenario)
    await superuser_connection.execute(MOVE_SUPPORT_START_SQL, 4)
    held_on = today() - 3 * DAY
    first = await complete_next_review(scenario, case["id"], held_on=held_on.isoformat())
    assert (first["status"], first["held_on"]) == ("completed", held_on.isoformat())
    current_case = expect_json(await scenario.worker_north.get(f"/v1/cases/{case['id']}"))
    due_on = add_months(held_on, 3).isoformat()
    assert (current_case["status"], current_case["next_review_on"]) == ("active", due_on)
    assert current_case["version"] > case["version"]
    second = await get_next_review(scenario, case["id"])
    assert (second["number"], second["due_on"], second["happened"]["since"]) == (
        2,
        due_on,
        first["completed_at"],
    )
    path = await fill_next_review(scenario, case["id"], held_on=(held_on - DAY).isoformat())
    assert parse_unmet_pointers(await scenario.worker_north.act(path, "complete")) == {
        "before_last_review": "/held_on"
    }
    timeline = expect_json(await scenario.worker_north.get(f"/v1/cases/{case['id']}/timeline"))["items"]
    kinds = [entry["kind"] for entry in timeline]
    assert (kinds.count("review_scheduled"), kinds.count("review_completed")) == (2, 1)


async def test_period_activity_is_stored_at_completion_and_counted_once(scenario: Scenario) -> None:
    case, _ = await create_active_case(scenario)
    case_path, worker = f"/v1/cases/{case['id']}", scenario.worker_north
    await create_held_session(scenario, case_path)
    first = await complete_next_review(scenario, case["id"])
    assert first["happened"]["sessions_held"] == 1
    await create_held_session(scenario, case_path)
    await create_held_session(scenario, case_path)
    assert expect_json(await worker.get(f"/v1/reviews/{first['id']}"))["happened"] == first["happened"]
    path = f"/v1/reviews/{(await get_next_review(scenario, case['id']))['id']}"
    with record_statements(scenario) as statements_for_few:
        assert expect_json(await worker.get(path))["happened"]["sessions_held"] == 2
    for _ in range(3):
        await create_held_session(scenario, case_path)
    with record_statements(scenario) as statements_for_many:
        assert expect_json(await worker.get(path))["happened"]["sessions_held"] == 5
    # the review, five parts of the activity, the ratings of earlier reviews and the areas with goals
    assert len(statements_for_few) == len(statements_for_many) == 8


async def create_held_session(scenario: Scenario, case_path: str) -> None:
    payload = {"kind": "home_visit", "planned_at": "2026-01-05T02:00:00Z"}
    session = expect_json(await scenario.worker_north.post(f"{case_path}/support-sessions", payload), 201)
    path = f"/v1/support-sessions/{session['id']}"
    attendance = {"attendance": "attended", "held_at": "2026-01-05T02:00:00Z"}
    expect_json(await scenario.worker_north.patch(path, attendance, etag=f'"{session["version"]}"'))


async def test_closed_area_is_not_active_in_the_next_review(scenario: Scenario) -> None:
    case, _ = await create_active_case(scenario, weak_areas=("emotional_health", "education"))
    closed = {"rating": 4, "progress": "Back in school.", "decision": "close"}
    continued = {"rating": 3, "progress": "Better.", "decision": "continue"}
    first_review = await complete_next_review(
        scenario, case["id"], areas={"education": closed, "emotional_health": continued}
    )
    assert first_review["active_areas"] == ["education", "emotional_health"]
    assert (await get_next_review(scenario, case["id"]))["active_areas"] == ["emotional_health"]
    reopened = {"rating": 2, "progress": "Stays away again.", "decision": "continue"}
    await complete_next_review(
        scenario, case["id"], areas={"education": reopened, "emotional_health": continued}
    )
    next_review = await get_next_review(scenario, case["id"])
    assert next_review["active_areas"] == ["education", "emotional_health"], "the latest decision applies"


async def test_decision_to_adapt_creates_a_draft_of_the_next_edition(scenario: Scenario) -> None:
    case, plan = await create_active_case(scenario)
    area_review = {"rating": 2, "progress": "Slow.", "decision": "adapt"}
    await complete_next_review(scenario, case["id"], "adapt", areas={"emotional_health": area_review})
    plans = expect_json(await scenario.worker_north.get(f"/v1/cases/{case['id']}/care-plans"))["items"]
    assert {(item["edition"], item["status"]) for item in plans} == {(1, "approved"), (2, "draft")}
    next_review = await get_next_review(scenario, case["id"])
    assert next_review["plan_id"] == plan["id"], (
        "the review evaluates the approved edition until the next one is approved"
    )


async def test_decision_to_begin_exit_creates_an_exit_plan_and_reviews_continue(
    scenario: Scenario,
) -> None:
    case, _ = await create_active_case(scenario)
    case_path = f"/v1/cases/{case['id']}"
    assert (await scenario.worker_north.get(f"{case_path}/exit-plan")).status_code == 404
    await complete_next_review(scenario, case["id"], "begin_exit")
    current_case = expect_json(await scenario.worker_north.get(case_path))
    assert (current_case["status"], current_case["next_review_on"]) == (
        "exiting",
        add_months(today(), 3).isoformat(),
    )
    assert expect_json(await scenario.worker_north.get(f"{case_path}/exit-plan"))["status"] == "draft"
    second_review = await complete_next_review(scenario, case["id"], "begin_exit")
    assert second_review["number"] == 2
    assert expect_json(await scenario.worker_north.get(case_path))["status"] == "exiting"


async def test_scheduled_review_can_only_be_moved_to_an_earlier_date(
    scenario: Scenario, superuser_connection: Any
) -> None:
    case, _ = await create_active_case(scenario)
    path, worker = f"/v1/cases/{case['id']}/reviews", scenario.worker_north
    earlier_date = (today() + 7 * DAY).isoformat()
    payload = {"due_on": earlier_date, "reason": "The mother is back."}
    scheduled = await get_next_review(scenario, case["id"])
    unchanged = expect_json(await worker.post(path, {"due_on": scheduled["due_on"]}), 201)
    assert (unchanged["due_on"], unchanged["version"]) == (scheduled["due_on"], scheduled["version"])
    response = await worker.post(path, payload)
    review = expect_json(response, 201)
    assert response.headers["location"] == f"/v1/reviews/{scheduled['id']}"
    assert (review["number"], review["due_on"]) == (1, earlier_date)
    assert expect_json(await worker.get(f"/v1/cases/{case['id']}"))["next_review_on"] == earlier_date
    for invalid_date in (today() + 8 * DAY, today() - DAY):
        assert parse_unmet_pointers(
            await worker.post(path, {**payload, "due_on": invalid_date.isoformat()})
        ) == {"not_earlier": "/due_on"}
    for _ in range(2):
        assert expect_json(await worker.post(path, {}), 201)["due_on"] == today().isoformat()
    overdue_date = today() - 5 * DAY
    await superuser_connection.execute("UPDATE reviews SET due_on = $1", overdue_date)
    assert expect_json(await worker.post(path, {}), 201)["due_on"] == overdue_date.isoformat()
    timeline = expect_json(await worker.get(f"/v1/cases/{case['id']}/timeline"))["items"]
    assert [entry["detail"] for entry in timeline if entry["kind"] == "review_scheduled"] == [
        {"due_on": today().isoformat()},
        payload,
        {"due_on": scheduled["due_on"]},
    ]
    case_without_plan = await scenario.open_case()
    response_without_review = await worker.post(f"/v1/cases/{case_without_plan['id']}/reviews", payload)
    assert parse_unmet_pointers(response_without_review) == {"no_review_scheduled": None}
    assert (await scenario.worker_south.post(path, payload)).status_code == 404
    assert (await scenario.manager.post(path, payload)).status_code == 403


async def test_concurrent_completions_take_effect_once(scenario: Scenario, superuser_connection: Any) -> None:
    case, _ = await create_active_case(scenario)
    path = await fill_next_review(scenario, case["id"])
    etag = (await scenario.worker_north.get(path)).headers["etag"]
    responses = await asyncio.gather(
        *(
            scenario.client_for(name).post(f"{path}/complete", etag=etag)
            for name in ("worker_north", "supervisor_north") * 2
        )
    )
    assert sorted(response.status_code for response in responses) == [200, 412, 412, 412]
    rows = await superuser_connection.fetch("SELECT number, status FROM reviews ORDER BY number")
    assert [tuple(row) for row in rows] == [(1, "completed"), (2, "scheduled")]


async def test_transfer_concurrent_with_completion_keeps_the_next_review(
    scenario: Scenario, superuser_connection: Any
) -> None:
    for order in range(4):
        case, _ = await create_active_case(scenario)
        case_path = f"/v1/cases/{case['id']}"
        path = await fill_next_review(scenario, case["id"])
        review_etag = (await scenario.worker_north.get(path)).headers["etag"]
        case_etag = (await scenario.manager.get(case_path)).headers["etag"]
        transfer = {
            "team_id": str(id_of("south")),
            "lead_worker_id": str(id_of("worker_south")),
            "reason": "Moved.",
        }
        requests = [
            scenario.worker_north.post(f"{path}/complete", etag=review_etag),
            scenario.manager.post(f"{case_path}/transfer", transfer, etag=case_etag),
        ]
        responses = await asyncio.gather(*(requests if order % 2 else reversed(requests)))
        codes = tuple(response.status_code for response in (responses if order % 2 else reversed(responses)))
        assert codes in {(200, 412), (404, 200)}, codes
        row = await superuser_connection.fetchrow(
            "SELECT c.status, c.next_review_on, r.due_on, r.number FROM cases c JOIN reviews r ON r.case_id = c.id"
            " WHERE c.id = $1 AND r.status = 'scheduled'",
            uuid.UUID(case["id"]),
        )
        assert row["status"] == "active"
        assert row["next_review_on"] == row["due_on"] == add_months(today(), 3)
        assert row["number"] == (2 if codes[0] == 200 else 1)
