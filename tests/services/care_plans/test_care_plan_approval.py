"""Deciding on a care plan: by whom, what then becomes of the case, what stays frozen; and who sees a plan at all."""

from typing import Any

from app.kit.dates import add_months, today
from tests.support.case_lifecycle import (
    ACTION_PAYLOAD,
    GOAL_PAYLOAD,
    NO_NEED_PAYLOAD,
    care_plan_payload,
    create_active_case,
    create_approved_care_plan,
    create_assessed_case,
    create_care_plan_draft,
    fill_care_plan,
    list_timeline_kinds,
)
from tests.support.responses import (
    expect_json,
    get_etag,
    parse_faults,
    parse_unmet_conditions,
    parse_unmet_pointers,
    patch_latest,
)
from tests.support.scenario import Scenario


async def test_approving_the_childs_plan_begins_the_support_and_schedules_a_look_in_three_months(
    scenario: Scenario,
) -> None:
    case, assessment = await create_assessed_case(scenario)
    assert (case["status"], case["next_review_on"]) == ("planning", None)
    plan = await create_approved_care_plan(scenario, case, assessment)
    assert (plan["status"], plan["decided_by_id"]) == ("approved", str(scenario.supervisor_north.id))
    now_ = expect_json(await scenario.worker_north.get(f"/v1/cases/{case['id']}"))
    assert (now_["status"], now_["version"]) == ("active", case["version"] + 1)
    assert now_["next_review_on"] == add_months(today(), 3).isoformat()
    happened = ["review_scheduled", "case_activated", "care_plan_approved", "care_plan_submitted"]
    assert (await list_timeline_kinds(scenario, case["id"]))[:4] == happened


async def test_somebody_elses_supervisor_decides(scenario: Scenario) -> None:
    case, assessment = await create_assessed_case(scenario)
    here, boss, both = (
        f"/v1/cases/{case['id']}/care-plans",
        scenario.supervisor_north,
        scenario.supervisor_both,
    )
    plan = expect_json(await boss.post(here, care_plan_payload(assessment)), 201)
    path = f"/v1/care-plans/{plan['id']}"
    too_early = parse_unmet_conditions(await boss.act(path, "approve"))
    assert {("/status", "status"), (None, "own_work"), ("/child_view", "child_view_missing")} <= too_early
    await fill_care_plan(scenario, plan)
    expect_json(await scenario.worker_north.act(path, "submit"))
    assert parse_unmet_pointers(await boss.act(path, "approve")) == {"own_work": None}
    assert parse_unmet_pointers(await boss.act(path, "return", {"comment": "x"})) == {"own_work": None}
    assert (await scenario.worker_north.act(path, "approve")).status_code == 403
    assert (await scenario.manager.act(path, "approve")).status_code == 403
    glass = {"reason": "The child is in hospital now."}
    expect_json(await scenario.supervisor_south.post(f"/v1/cases/{case['id']}/break-glass", glass))
    assert parse_unmet_pointers(await scenario.supervisor_south.act(path, "approve")) == {
        "not_your_team": None
    }

    assert parse_faults(await both.act(path, "return", {})) == {("/comment", "missing")}
    returned = expect_json(await both.act(path, "return", {"comment": "Ask the child."}))
    assert (returned["status"], returned["decision_comment"]) == ("returned", "Ask the child.")
    assert (await list_timeline_kinds(scenario, case["id"]))[0] == "care_plan_returned"
    expect_json(await patch_latest(scenario.worker_north, path, {"child_view": "Asked."}))
    again = expect_json(await scenario.worker_north.act(path, "submit"))
    assert (again["decided_at"], again["decision_comment"]) == (None, None)
    approved = expect_json(await both.act(path, "approve", {"comment": "Well done."}))
    assert (approved["child_view"], approved["decision_comment"]) == ("Asked.", "Well done.")
    assert parse_unmet_pointers(await both.act(path, "approve")) == {"status": "/status"}


async def test_what_was_submitted_is_frozen_and_of_what_is_in_force_only_progress_is_told(
    scenario: Scenario,
) -> None:
    path, plan = await create_care_plan_draft(scenario)
    plan = await fill_care_plan(scenario, plan)
    worker, legal = scenario.worker_north, f"{path}/areas/legal"
    goal = plan["areas"]["emotional_health"]["goals"][0]
    goal_path, action = f"/v1/goals/{goal['id']}", f"/v1/actions/{goal['actions'][0]['id']}"
    words = (
        (path, {"child_view": "Other."}),
        (goal_path, {"statement": "Other."}),
        (action, {"what": "Other."}),
        (action, {"due_on": "2027-06-01", "status": "done"}),
    )
    progress = ((goal_path, {"status": "achieved"}), (action, {"status": "done", "note": "Well."}))
    for verb, by in (("submit", worker), ("approve", scenario.supervisor_north)):
        expect_json(await by.act(path, verb))
        for where, patch in words:
            assert parse_unmet_pointers(await patch_latest(worker, where, patch)) == {"frozen": "/status"}
        assert parse_unmet_pointers(
            await worker.put(legal, NO_NEED_PAYLOAD, etag=await get_etag(path, worker))
        ) == {"frozen": "/status"}
        adding = ((f"{legal}/goals", GOAL_PAYLOAD), (f"{goal_path}/actions", ACTION_PAYLOAD))
        for where, body in adding:
            assert "frozen" in parse_unmet_pointers(await worker.post(where, body))
        if verb == "submit":
            for where, patch in progress:
                assert parse_unmet_pointers(await patch_latest(worker, where, patch)) == {"frozen": "/status"}
    before = expect_json(await worker.get(path))
    assert expect_json(await patch_latest(worker, action, progress[1][1])).items() >= {
        "status": "done", "done_on": today().isoformat(), "note": "Well.", "what": ACTION_PAYLOAD["what"],
    }.items()  # fmt: skip
    assert expect_json(await patch_latest(worker, goal_path, progress[0][1]))["status"] == "achieved"
    after = expect_json(await worker.get(path))
    assert after["version"] == before["version"] + 2
    assert (await list_timeline_kinds(scenario, plan["case_id"]))[:2] == ["goal_achieved", "action_done"]
    again = expect_json(await patch_latest(worker, action, {"done_on": "2026-11-01"}))
    assert (again["status"], again["done_on"]) == ("done", "2026-11-01")
    assert (expect_json(await patch_latest(worker, action, {"done_on": None}))["status"]) == "open"
    assert (await list_timeline_kinds(scenario, plan["case_id"]))[:2] == ["goal_achieved", "action_done"]


async def test_a_plan_is_read_by_those_of_its_case_and_written_by_its_workers(
    scenario: Scenario, superuser_connection: Any
) -> None:
    case, plan = await create_active_case(scenario)
    path, goal = f"/v1/care-plans/{plan['id']}", plan["areas"]["emotional_health"]["goals"][0]
    goal_path, action = f"/v1/goals/{goal['id']}", f"/v1/actions/{goal['actions'][0]['id']}"
    here = f"/v1/cases/{case['id']}/care-plans"
    for name, status in (
        ("worker_north", 200), ("supervisor_both", 200), ("manager", 200), ("worker_north_2", 404),
        ("worker_south", 404), ("finance", 403), ("dpo", 403), ("admin", 403), ("partner_one", 403),
    ):  # fmt: skip
        for where in (path, goal_path, action, here, f"{path}/changes"):
            assert (await scenario.client_for(name).get(where)).status_code == status, (name, where)
    writing = (
        ("PATCH", path, {"child_view": "x"}), ("PUT", f"{path}/areas/legal", NO_NEED_PAYLOAD),
        ("POST", f"{path}/areas/legal/goals", GOAL_PAYLOAD), ("PATCH", goal_path, {"status": "dropped"}),
        ("POST", f"{goal_path}/actions", ACTION_PAYLOAD), ("PATCH", action, {"status": "done"}),
        ("POST", f"{path}/submit", None),
        ("POST", here, {"subject": "child", "assessment_id": plan["assessment_id"]}),
    )  # fmt: skip
    for name, status in (("worker_south", 404), ("manager", 403), ("partner_one", 403)):
        for method, where, body in writing:
            answer = await scenario.client_for(name).request(method, where, json=body, etag='"1"')
            assert answer.status_code == status, (name, where, answer.text)
    shown = await scenario.manager.get(path)
    assert {e["child_id"] for e in await scenario.list_access_entries(shown.headers["x-request-id"])} == {
        case["child_id"]
    }

    await superuser_connection.execute("UPDATE cases SET status = 'closed', next_review_on = NULL")
    for method, where, body in writing:
        seen = (
            await get_etag(where, scenario.worker_north)
            if method == "PATCH"
            else await get_etag(path, scenario.worker_north)
        )
        answer = await scenario.worker_north.request(method, where, json=body, etag=seen)
        assert "status" in {code for _, code in parse_unmet_conditions(answer)}, where
