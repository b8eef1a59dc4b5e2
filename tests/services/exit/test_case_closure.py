"""Closing a case, planned or unplanned."""

import asyncio
from typing import Any
from uuid import UUID

from app.kit.dates import add_months, today
from tests.support.case_lifecycle import (
    complete_next_review,
    create_active_case,
    create_approved_exit_plan,
    create_exiting_case,
    exit_plan_payload,
    fill_next_review,
    iso_day,
)
from tests.support.responses import expect_json, parse_unmet_pointers
from tests.support.scenario import Scenario

PLANNED_CLOSURE = {"reason_code": "goals_met", "outcome": "Goes to school, sleeps well."}
UNPLANNED_CLOSURE = {"reason_code": "moved_away", "outcome": "The family went to Thailand."}


async def test_closing_requires_every_condition_and_cancels_scheduled_work(
    scenario: Scenario, superuser_connection: Any
) -> None:
    case, _ = await create_active_case(scenario)
    case_path, worker = f"/v1/cases/{case['id']}", scenario.worker_north
    session_payload = {"kind": "home_visit", "planned_at": "2027-01-05T02:00:00Z"}
    expect_json(await worker.post(f"{case_path}/support-sessions", session_payload), 201)
    assert parse_unmet_pointers(await worker.act(case_path, "close", PLANNED_CLOSURE)) == {
        "exit_plan_not_approved": None,
        "final_review_missing": None,
    }
    await complete_next_review(scenario, case["id"], "begin_exit")
    await create_approved_exit_plan(scenario, case["id"])
    await complete_next_review(scenario, case["id"], "continue")
    assert parse_unmet_pointers(await worker.act(case_path, "close", PLANNED_CLOSURE)) == {
        "final_review_missing": None
    }
    await complete_next_review(scenario, case["id"], "begin_exit")
    break_glass_response = await scenario.worker_north_2.post(
        f"{case_path}/break-glass", {"reason": "On call tonight."}
    )
    assert break_glass_response.status_code == 200
    assert parse_unmet_pointers(await scenario.worker_north_2.act(case_path, "close", PLANNED_CLOSURE)) == {
        "not_on_case": None
    }
    assert (await scenario.manager.act(case_path, "close", PLANNED_CLOSURE)).status_code == 403
    assert (
        await worker.act(case_path, "close", {**PLANNED_CLOSURE, "reason_code": "tired"})
    ).status_code == 422
    # The supervisor who approved the exit plan can close the case, because another person wrote the plan.
    closed_case = expect_json(await scenario.supervisor_north.act(case_path, "close", PLANNED_CLOSURE))
    assert (closed_case["status"], closed_case["closed_on"], closed_case["next_review_on"]) == (
        "closed",
        today().isoformat(),
        None,
    )
    assert (closed_case["close_reason"], closed_case["outcome"]) == ("goals_met", PLANNED_CLOSURE["outcome"])
    reviews = await superuser_connection.fetch("SELECT status FROM reviews ORDER BY number")
    assert [row[0] for row in reviews] == ["completed", "completed", "completed", "cancelled"]
    assert await superuser_connection.fetchval("SELECT status FROM support_sessions") == "cancelled"
    follow_ups = expect_json(await worker.get(f"{case_path}/follow-ups"))["items"]
    assert {(follow_up["months"], follow_up["due_on"], follow_up["status"]) for follow_up in follow_ups} == {
        (months, add_months(today(), months).isoformat(), "due") for months in (1, 3, 6)
    }
    assert parse_unmet_pointers(await worker.act(case_path, "close", PLANNED_CLOSURE)) == {
        "status": "/status"
    }
    patch_response = await worker.patch(case_path, {"summary": "Later."}, etag=f'"{closed_case["version"]}"')
    assert parse_unmet_pointers(patch_response) == {"status": "/status"}
    extend_response = await scenario.manager.act(
        case_path, "extend", {"until": add_months(today(), 30).isoformat(), "reason": "Too late."}
    )
    assert parse_unmet_pointers(extend_response) == {"status": "/status"}


async def test_unplanned_closure_requires_only_an_approved_exit_plan(
    scenario: Scenario,
) -> None:
    case = await scenario.open_case()
    case_path, worker = f"/v1/cases/{case['id']}", scenario.worker_north
    assert parse_unmet_pointers(await worker.act(case_path, "close", UNPLANNED_CLOSURE)) == {
        "exit_plan_not_approved": None
    }
    checklist = {
        name: {"met": False, "note": "They moved before we could ask."}
        for name in ("in_school", "confident", "friends", "safe_home", "supporter_able", "self_protection")
    }
    exit_plan_payload: dict[str, Any] = {
        "reason_code": "moved_away",
        "checklist": checklist,
        "taper": [],
        "follow_up_months": [3],
        "ends_on": None,
    }
    await create_approved_exit_plan(scenario, case["id"], **exit_plan_payload)
    unmet = parse_unmet_pointers(await worker.act(case_path, "close", PLANNED_CLOSURE))
    assert set(unmet) == {
        "exit_plan_for_another_end",
        "condition_not_met",
        "ends_on_missing",
        "taper_not_falling",
        "follow_ups_missing",
        "final_review_missing",
    }
    death_payload = {"reason_code": "died", "outcome": "An accident."}
    assert parse_unmet_pointers(await worker.act(case_path, "close", death_payload)) == {
        "exit_plan_for_another_end": None
    }
    closed_case = expect_json(await worker.act(case_path, "close", UNPLANNED_CLOSURE))
    assert (closed_case["status"], closed_case["close_reason"]) == ("closed", "moved_away")
    assert [
        follow_up["months"] for follow_up in expect_json(await worker.get(f"{case_path}/follow-ups"))["items"]
    ] == [3]


async def test_planned_closure_needs_a_plan_that_was_approved_for_a_planned_end(scenario: Scenario) -> None:
    # Catches: `other_end` missing from `check_exit_plan_for_closure`. The taper would never lie ahead.
    case, _ = await create_exiting_case(scenario)
    past: dict[str, Any] = {"taper": [{"from": iso_day(-2), "contacts_per_month": 4}], "ends_on": iso_day(-1)}
    await create_approved_exit_plan(scenario, case["id"], reason_code="moved_away", **past)
    response = await scenario.worker_north.act(f"/v1/cases/{case['id']}", "close", PLANNED_CLOSURE)
    assert parse_unmet_pointers(response) == {"exit_plan_for_another_end": None}


async def test_no_follow_ups_are_planned_after_a_death(scenario: Scenario) -> None:
    case = await scenario.open_case()
    case_path, worker = f"/v1/cases/{case['id']}", scenario.worker_north
    await create_approved_exit_plan(scenario, case["id"], reason_code="died")
    expect_json(await worker.act(case_path, "close", {"reason_code": "died", "outcome": "An accident."}))
    assert expect_json(await worker.get(f"{case_path}/follow-ups"))["items"] == []


async def test_concurrent_closures_leave_one_success(scenario: Scenario, superuser_connection: Any) -> None:
    case, _ = await create_exiting_case(scenario)
    await create_approved_exit_plan(scenario, case["id"])
    case_path, worker = f"/v1/cases/{case['id']}", scenario.worker_north
    etag = (await worker.get(case_path)).headers["etag"]
    responses = await asyncio.gather(
        *(worker.post(f"{case_path}/close", PLANNED_CLOSURE, etag=etag) for _ in range(3))
    )
    assert sorted(response.status_code for response in responses) == [200, 412, 412]
    assert await superuser_connection.fetchval("SELECT count(*) FROM follow_ups") == 3
    assert await superuser_connection.fetchval("SELECT count(*) FROM reviews WHERE status = 'scheduled'") == 0


async def test_concurrent_review_and_closure_leave_no_scheduled_review(
    scenario: Scenario, superuser_connection: Any
) -> None:
    for attempt in range(3):
        case, _ = await create_exiting_case(scenario)
        await create_approved_exit_plan(scenario, case["id"])
        case_path, worker = f"/v1/cases/{case['id']}", scenario.worker_north
        review_path = await fill_next_review(scenario, case["id"], "begin_exit")
        review_etag, case_etag = [
            (await worker.get(path)).headers["etag"] for path in (review_path, case_path)
        ]
        requests = [
            worker.post(f"{review_path}/complete", etag=review_etag),
            worker.post(f"{case_path}/close", PLANNED_CLOSURE, etag=case_etag),
        ]
        responses = await asyncio.gather(*(requests if attempt % 2 else reversed(requests)))
        assert sorted(response.status_code for response in responses) == [200, 412]
        row = await superuser_connection.fetchrow(
            "SELECT c.status, c.next_review_on IS NULL AS ended, count(r.id) AS waiting FROM cases c LEFT JOIN"
            " reviews r ON r.case_id = c.id AND r.status = 'scheduled' WHERE c.id = $1 GROUP BY c.id",
            UUID(case["id"]),
        )
        assert tuple(row) in {("closed", True, 0), ("exiting", False, 1)}


async def test_taper_and_end_must_be_reached_before_the_closing(scenario: Scenario) -> None:
    # Catches: `check_dates_reached` missing from `check_exit_plan_for_closure`.
    case, _ = await create_exiting_case(scenario)
    case_path, worker = f"/v1/cases/{case['id']}", scenario.worker_north
    ahead = {name: exit_plan_payload()[name] for name in ("taper", "ends_on")}
    await create_approved_exit_plan(scenario, case["id"], **ahead)
    assert set(parse_unmet_pointers(await worker.act(case_path, "close", PLANNED_CLOSURE))) == {
        "taper_not_reached",
        "end_not_reached",
    }
    await create_approved_exit_plan(scenario, case["id"])
    assert expect_json(await worker.act(case_path, "close", PLANNED_CLOSURE))["status"] == "closed"


async def test_goals_met_requires_every_condition_to_be_met(scenario: Scenario) -> None:
    # Catches: `check_conditions_met` missing from `check_exit_plan_for_closure`.
    case, _ = await create_exiting_case(scenario)
    case_path, worker = f"/v1/cases/{case['id']}", scenario.worker_north
    unmet_answer = {"supporter_able": {"met": False, "note": "The aunt helps the grandmother."}}
    checklist = {**exit_plan_payload()["checklist"], **unmet_answer}
    await create_approved_exit_plan(scenario, case["id"], checklist=checklist)
    response = await worker.act(case_path, "close", PLANNED_CLOSURE)
    assert set(parse_unmet_pointers(response)) == {"condition_not_met"}
    other_reason = {**PLANNED_CLOSURE, "reason_code": "support_period_ended"}
    assert expect_json(await worker.act(case_path, "close", other_reason))["status"] == "closed"
