"""Deciding on a care plan: by whom, what then becomes of the case, what stays frozen; and who sees a plan at all."""

from typing import Any

from app.kit.dates import add_months, today
from tests.pathway import ACTION, GOAL, active, assessed, done, fill_plan, plan_for
from tests.services.test_care_plans import NO_NEED, change, drafted, etag, kinds, refused, told
from tests.services.test_referral_life import faults, unmet
from tests.world import World


async def test_approving_the_childs_plan_begins_the_support_and_schedules_a_look_in_three_months(
    world: World,
) -> None:
    case, assessment = await assessed(world)
    assert (case["status"], case["next_review_on"]) == ("planning", None)
    plan = await plan_for(world, case, assessment)
    assert (plan["status"], plan["decided_by_id"]) == ("approved", str(world.supervisor_north.id))
    now_ = done(await world.worker_north.get(f"/v1/cases/{case['id']}"))
    assert (now_["status"], now_["version"]) == ("active", case["version"] + 1)
    assert now_["next_review_on"] == add_months(today(), 3).isoformat()
    happened = ["review_scheduled", "case_activated", "care_plan_approved", "care_plan_submitted"]
    assert (await kinds(world, case["id"]))[:4] == happened


async def test_somebody_elses_supervisor_decides(world: World) -> None:
    case, assessment = await assessed(world)
    here, boss, both = f"/v1/cases/{case['id']}/care-plans", world.supervisor_north, world.supervisor_both
    plan = done(await boss.post(here, told(assessment)), 201)
    path = f"/v1/care-plans/{plan['id']}"
    too_early = refused(await boss.act(path, "approve"))
    assert {("/status", "status"), (None, "own_work"), ("/child_view", "child_view_missing")} <= too_early
    await fill_plan(world, plan)
    done(await world.worker_north.act(path, "submit"))
    assert unmet(await boss.act(path, "approve")) == {"own_work": None}
    assert unmet(await boss.act(path, "return", {"comment": "x"})) == {"own_work": None}
    assert (await world.worker_north.act(path, "approve")).status_code == 403
    assert (await world.manager.act(path, "approve")).status_code == 403
    glass = {"reason": "The child is in hospital now."}
    done(await world.supervisor_south.post(f"/v1/cases/{case['id']}/break-glass", glass))
    assert unmet(await world.supervisor_south.act(path, "approve")) == {"not_your_team": None}

    assert faults(await both.act(path, "return", {})) == {("/comment", "missing")}
    returned = done(await both.act(path, "return", {"comment": "Ask the child."}))
    assert (returned["status"], returned["decision_comment"]) == ("returned", "Ask the child.")
    assert (await kinds(world, case["id"]))[0] == "care_plan_returned"
    done(await change(world.worker_north, path, {"child_view": "Asked."}))
    again = done(await world.worker_north.act(path, "submit"))
    assert (again["decided_at"], again["decision_comment"]) == (None, None)
    approved = done(await both.act(path, "approve", {"comment": "Well done."}))
    assert (approved["child_view"], approved["decision_comment"]) == ("Asked.", "Well done.")
    assert unmet(await both.act(path, "approve")) == {"status": "/status"}


async def test_what_was_submitted_is_frozen_and_of_what_is_in_force_only_progress_is_told(
    world: World,
) -> None:
    path, plan = await drafted(world)
    plan = await fill_plan(world, plan)
    worker, legal = world.worker_north, f"{path}/areas/legal"
    goal = plan["areas"]["emotional_health"]["goals"][0]
    goal_path, action = f"/v1/goals/{goal['id']}", f"/v1/actions/{goal['actions'][0]['id']}"
    words = (
        (path, {"child_view": "Other."}),
        (goal_path, {"statement": "Other."}),
        (action, {"what": "Other."}),
        (action, {"due_on": "2027-06-01", "status": "done"}),
    )
    progress = ((goal_path, {"status": "achieved"}), (action, {"status": "done", "note": "Well."}))
    for verb, by in (("submit", worker), ("approve", world.supervisor_north)):
        done(await by.act(path, verb))
        for where, patch in words:
            assert unmet(await change(worker, where, patch)) == {"frozen": "/status"}
        assert unmet(await worker.put(legal, NO_NEED, etag=await etag(path, worker))) == {"frozen": "/status"}
        adding = ((f"{legal}/goals", GOAL), (f"{goal_path}/actions", ACTION))
        for where, body in adding:
            assert "frozen" in unmet(await worker.post(where, body))
        if verb == "submit":
            for where, patch in progress:
                assert unmet(await change(worker, where, patch)) == {"frozen": "/status"}
    before = done(await worker.get(path))
    assert done(await change(worker, action, progress[1][1])).items() >= {
        "status": "done", "done_on": today().isoformat(), "note": "Well.", "what": ACTION["what"],
    }.items()  # fmt: skip
    assert done(await change(worker, goal_path, progress[0][1]))["status"] == "achieved"
    after = done(await worker.get(path))
    assert after["version"] == before["version"] + 2
    assert (await kinds(world, plan["case_id"]))[:2] == ["goal_achieved", "action_done"]
    again = done(await change(worker, action, {"done_on": "2026-11-01"}))
    assert (again["status"], again["done_on"]) == ("done", "2026-11-01")
    assert (done(await change(worker, action, {"done_on": None}))["status"]) == "open"
    assert (await kinds(world, plan["case_id"]))[:2] == ["goal_achieved", "action_done"]


async def test_a_plan_is_read_by_those_of_its_case_and_written_by_its_workers(
    world: World, superuser: Any
) -> None:
    case, plan = await active(world)
    path, goal = f"/v1/care-plans/{plan['id']}", plan["areas"]["emotional_health"]["goals"][0]
    goal_path, action = f"/v1/goals/{goal['id']}", f"/v1/actions/{goal['actions'][0]['id']}"
    here = f"/v1/cases/{case['id']}/care-plans"
    for name, status in (
        ("worker_north", 200), ("supervisor_both", 200), ("manager", 200), ("worker_north_2", 404),
        ("worker_south", 404), ("finance", 403), ("dpo", 403), ("admin", 403), ("partner_one", 403),
    ):  # fmt: skip
        for where in (path, goal_path, action, here, f"{path}/changes"):
            assert (await world.as_(name).get(where)).status_code == status, (name, where)
    writing = (
        ("PATCH", path, {"child_view": "x"}), ("PUT", f"{path}/areas/legal", NO_NEED),
        ("POST", f"{path}/areas/legal/goals", GOAL), ("PATCH", goal_path, {"status": "dropped"}),
        ("POST", f"{goal_path}/actions", ACTION), ("PATCH", action, {"status": "done"}),
        ("POST", f"{path}/submit", None),
        ("POST", here, {"subject": "child", "assessment_id": plan["assessment_id"]}),
    )  # fmt: skip
    for name, status in (("worker_south", 404), ("manager", 403), ("partner_one", 403)):
        for method, where, body in writing:
            answer = await world.as_(name).request(method, where, json=body, etag='"1"')
            assert answer.status_code == status, (name, where, answer.text)
    shown = await world.manager.get(path)
    assert {e["child_id"] for e in await world.log(shown.headers["x-request-id"])} == {case["child_id"]}

    await superuser.execute("UPDATE cases SET status = 'closed', next_review_on = NULL")
    for method, where, body in writing:
        seen = (
            await etag(where, world.worker_north)
            if method == "PATCH"
            else await etag(path, world.worker_north)
        )
        answer = await world.worker_north.request(method, where, json=body, etag=seen)
        assert "status" in {code for _, code in refused(answer)}, where
