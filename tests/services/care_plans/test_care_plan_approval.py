"""Approval, freezing and visibility of care plans."""

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


async def test_approval_of_the_child_plan_activates_the_case_and_schedules_the_first_review(
    scenario: Scenario,
) -> None:
    case, assessment = await create_assessed_case(scenario)
    assert (case["status"], case["next_review_on"]) == ("planning", None)
    plan = await create_approved_care_plan(scenario, case, assessment)
    assert (plan["status"], plan["decided_by_id"]) == ("approved", str(scenario.supervisor_north.id))
    active_case = expect_json(await scenario.worker_north.get(f"/v1/cases/{case['id']}"))
    assert (active_case["status"], active_case["version"]) == ("active", case["version"] + 1)
    assert active_case["next_review_on"] == add_months(today(), 3).isoformat()
    latest_kinds = ["review_scheduled", "case_activated", "care_plan_approved", "care_plan_submitted"]
    assert (await list_timeline_kinds(scenario, case["id"]))[:4] == latest_kinds


async def test_care_plan_approval_requires_another_supervisor_of_the_team(scenario: Scenario) -> None:
    case, assessment = await create_assessed_case(scenario)
    list_path, author, approver = (
        f"/v1/cases/{case['id']}/care-plans",
        scenario.supervisor_north,
        scenario.supervisor_both,
    )
    plan = expect_json(await author.post(list_path, care_plan_payload(assessment)), 201)
    path = f"/v1/care-plans/{plan['id']}"
    unmet = parse_unmet_conditions(await author.act(path, "approve"))
    assert {("/status", "status"), (None, "own_work"), ("/child_view", "child_view_missing")} <= unmet
    await fill_care_plan(scenario, plan)
    expect_json(await scenario.worker_north.act(path, "submit"))
    assert parse_unmet_pointers(await author.act(path, "approve")) == {"own_work": None}
    assert parse_unmet_pointers(await author.act(path, "return", {"comment": "x"})) == {"own_work": None}
    assert (await scenario.worker_north.act(path, "approve")).status_code == 403
    assert parse_unmet_pointers(await scenario.manager.act(path, "approve")) == {"not_your_team": None}
    break_glass_payload = {"reason": "The child is in hospital now."}
    expect_json(
        await scenario.supervisor_south.post(f"/v1/cases/{case['id']}/break-glass", break_glass_payload)
    )
    assert parse_unmet_pointers(await scenario.supervisor_south.act(path, "approve")) == {
        "not_your_team": None
    }

    assert parse_faults(await approver.act(path, "return", {})) == {("/comment", "missing")}
    returned = expect_json(await approver.act(path, "return", {"comment": "Ask the child."}))
    assert (returned["status"], returned["decision_comment"]) == ("returned", "Ask the child.")
    assert (await list_timeline_kinds(scenario, case["id"]))[0] == "care_plan_returned"
    expect_json(await patch_latest(scenario.worker_north, path, {"child_view": "Asked."}))
    resubmitted = expect_json(await scenario.worker_north.act(path, "submit"))
    assert (resubmitted["decided_at"], resubmitted["decision_comment"]) == (None, None)
    approved = expect_json(await approver.act(path, "approve", {"comment": "Well done."}))
    assert (approved["child_view"], approved["decision_comment"]) == ("Asked.", "Well done.")
    assert parse_unmet_pointers(await approver.act(path, "approve")) == {"status": "/status"}


async def test_submitted_plan_is_frozen_and_approved_plan_accepts_only_progress(
    scenario: Scenario,
) -> None:
    path, plan = await create_care_plan_draft(scenario)
    plan = await fill_care_plan(scenario, plan)
    worker, legal_path = scenario.worker_north, f"{path}/areas/legal"
    goal = plan["areas"]["emotional_health"]["goals"][0]
    goal_path, action_path = f"/v1/goals/{goal['id']}", f"/v1/actions/{goal['actions'][0]['id']}"
    text_patches = (
        (path, {"child_view": "Other."}),
        (goal_path, {"statement": "Other."}),
        (action_path, {"what": "Other."}),
        (action_path, {"due_on": "2027-06-01", "status": "done"}),
    )
    progress_patches = (
        (goal_path, {"status": "achieved"}),
        (action_path, {"status": "done", "note": "Well."}),
    )
    for verb, caller in (("submit", worker), ("approve", scenario.supervisor_north)):
        expect_json(await caller.act(path, verb))
        for target, patch in text_patches:
            assert parse_unmet_pointers(await patch_latest(worker, target, patch)) == {"frozen": "/status"}
        assert parse_unmet_pointers(
            await worker.put(legal_path, NO_NEED_PAYLOAD, etag=await get_etag(path, worker))
        ) == {"frozen": "/status"}
        additions = ((f"{legal_path}/goals", GOAL_PAYLOAD), (f"{goal_path}/actions", ACTION_PAYLOAD))
        for target, payload in additions:
            assert "frozen" in parse_unmet_pointers(await worker.post(target, payload))
        if verb == "submit":
            for target, patch in progress_patches:
                assert parse_unmet_pointers(await patch_latest(worker, target, patch)) == {
                    "frozen": "/status"
                }
    before = expect_json(await worker.get(path))
    assert expect_json(await patch_latest(worker, action_path, progress_patches[1][1])).items() >= {
        "status": "done", "done_on": today().isoformat(), "note": "Well.", "what": ACTION_PAYLOAD["what"],
    }.items()  # fmt: skip
    assert expect_json(await patch_latest(worker, goal_path, progress_patches[0][1]))["status"] == "achieved"
    after = expect_json(await worker.get(path))
    assert after["version"] == before["version"] + 2
    assert (await list_timeline_kinds(scenario, plan["case_id"]))[:2] == ["goal_achieved", "action_done"]
    redated = expect_json(await patch_latest(worker, action_path, {"done_on": "2026-11-01"}))
    assert (redated["status"], redated["done_on"]) == ("done", "2026-11-01")
    assert (expect_json(await patch_latest(worker, action_path, {"done_on": None}))["status"]) == "open"
    assert (await list_timeline_kinds(scenario, plan["case_id"]))[:2] == ["goal_achieved", "action_done"]


async def test_care_plan_is_visible_to_case_readers_and_writable_by_case_workers(
    scenario: Scenario, superuser_connection: Any
) -> None:
    case, plan = await create_active_case(scenario)
    path, goal = f"/v1/care-plans/{plan['id']}", plan["areas"]["emotional_health"]["goals"][0]
    goal_path, action_path = f"/v1/goals/{goal['id']}", f"/v1/actions/{goal['actions'][0]['id']}"
    list_path = f"/v1/cases/{case['id']}/care-plans"
    for name, status in (
        ("worker_north", 200), ("supervisor_both", 200), ("manager", 200), ("worker_north_2", 404),
        ("worker_south", 404), ("finance", 403), ("dpo", 403), ("admin", 403), ("partner_one", 403),
    ):  # fmt: skip
        for target in (path, goal_path, action_path, list_path, f"{path}/changes"):
            assert (await scenario.client_for(name).get(target)).status_code == status, (name, target)
    write_requests = (
        ("PATCH", path, {"child_view": "x"}), ("PUT", f"{path}/areas/legal", NO_NEED_PAYLOAD),
        ("POST", f"{path}/areas/legal/goals", GOAL_PAYLOAD), ("PATCH", goal_path, {"status": "dropped"}),
        ("POST", f"{goal_path}/actions", ACTION_PAYLOAD), ("PATCH", action_path, {"status": "done"}),
        ("POST", f"{path}/submit", None),
        ("POST", list_path, {"subject": "child", "assessment_id": plan["assessment_id"]}),
    )  # fmt: skip
    for name, status in (("worker_south", 404), ("manager", 403), ("partner_one", 403)):
        for method, target, payload in write_requests:
            response = await scenario.client_for(name).request(method, target, json=payload, etag='"1"')
            assert response.status_code == status, (name, target, response.text)
    response = await scenario.manager.get(path)
    assert {
        entry["child_id"] for entry in await scenario.list_access_entries(response.headers["x-request-id"])
    } == {case["child_id"]}

    await superuser_connection.execute("UPDATE cases SET status = 'closed', next_review_on = NULL")
    for method, target, payload in write_requests:
        etag = (
            await get_etag(target, scenario.worker_north)
            if method == "PATCH"
            else await get_etag(path, scenario.worker_north)
        )
        response = await scenario.worker_north.request(method, target, json=payload, etag=etag)
        assert "status" in {code for _, code in parse_unmet_conditions(response)}, target
