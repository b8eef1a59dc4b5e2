"""Care plans: pre-filled from an assessment, answered area by area, submitted when they are whole."""

import uuid
from typing import Any

import httpx

from app.kit.dates import add_months, today
from tests.pathway import ACTION, AREAS, GOAL, PLAN_WORDS, assess, assessed, done, fill_plan
from tests.services.test_referral_life import faults, unmet
from tests.world import Caller, World

NO_NEED = {"status": "no_need", "reason": "Goes to school every day."}


def told(assessment: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {"subject": assessment["subject"], "assessment_id": assessment["id"], **changes}


async def drafted(world: World, **options: Any) -> tuple[str, dict[str, Any]]:
    """The path of a new draft, and the draft."""
    case, assessment = await assessed(world, **options)
    made = await world.worker_north.post(f"/v1/cases/{case['id']}/care-plans", told(assessment))
    return made.headers["location"], done(made, 201)


async def etag(path: str, caller: Caller) -> str:
    return str((await caller.get(path)).headers["etag"])


async def change(caller: Caller, path: str, patch: Any) -> httpx.Response:
    return await caller.patch(path, patch, etag=await etag(path, caller))


def refused(answer: httpx.Response) -> set[tuple[str | None, str]]:
    assert answer.status_code == 409, answer.text
    return {(fault["pointer"], fault["code"]) for fault in answer.json()["unmet"]}


async def kinds(world: World, case_id: str) -> list[str]:
    lines = done(await world.worker_north.get(f"/v1/cases/{case_id}/timeline"))["items"]
    return [line["kind"] for line in lines]


async def test_a_plan_begins_as_its_assessment_found_the_child(world: World) -> None:
    case, assessment = await assessed(world, weak=("legal", "education"))
    here, worker, chosen = f"/v1/cases/{case['id']}/care-plans", world.worker_north, str(uuid.uuid4())
    made = await worker.post(here, told(assessment, id=chosen))
    plan = done(made, 201)
    assert (made.headers["location"], made.headers["etag"]) == (f"/v1/care-plans/{chosen}", '"1"')
    assert (plan["edition"], plan["status"], plan["author_id"]) == (1, "draft", str(worker.id))
    assert tuple(plan["areas"]) == AREAS
    assert plan["areas"]["legal"] == {
        "rating": 2, "need": "What is missing: legal.", "strengths": "A caring grandmother.",
        "risk": "Low while the grandmother is at home.", "status": None, "reason": None, "goals": [],
    }  # fmt: skip
    assert plan["areas"]["behaviour"]["rating"] == 3
    read = await worker.get(made.headers["location"])
    assert (read.json(), read.headers["etag"]) == (plan, '"1"')
    [item] = done(await worker.get(here, params={"subject": "child", "status": "draft"}))["items"]
    assert item == {name: plan[name] for name in item}
    assert done(await worker.get(here, params={"status": "approved"}))["items"] == []
    assert (await kinds(world, case["id"]))[0] == "care_plan_started"


async def test_a_plan_rests_on_an_approved_assessment_of_its_own_case_and_subject(world: World) -> None:
    case = await world.case()
    here, worker = f"/v1/cases/{case['id']}/care-plans", world.worker_north
    draft = done(
        await worker.post(f"/v1/cases/{case['id']}/assessments", {"subject": "child", "kind": "initial"}), 201
    )
    assert refused(await worker.post(here, told(draft))) == {("/assessment_id", "assessment_not_approved")}
    elsewhere, theirs = await assessed(world)
    assert refused(await worker.post(here, told(theirs))) == {("/assessment_id", "assessment_of_another")}
    both = await worker.post(here, told(draft, subject="family"))
    assert set(unmet(both)) == {"assessment_not_approved", "assessment_of_another"}
    own = f"/v1/cases/{elsewhere['id']}/care-plans"
    for wrong in ({"subject": "supporter"}, {"person_id": str(uuid.uuid4())}):
        assert set(unmet(await worker.post(own, told(theirs, **wrong)))) == {"assessment_of_another"}
    for body, fault in (
        (told(theirs, assessment_id=str(uuid.uuid4())), ("/assessment_id", "reference_unknown")),
        ({"subject": "child"}, ("/assessment_id", "missing")),
        (told(theirs, subject="teacher"), ("/subject", "literal_error")),
        (told(theirs, edition=2), ("/edition", "extra_forbidden")),
    ):
        assert faults(await worker.post(own, body)) == {fault}
    assert done(await worker.get(own))["items"] == []
    done(await worker.post(own, told(theirs)), 201)
    assert unmet(await worker.post(own, told(theirs))) == {"draft_exists": "/subject"}


async def test_every_change_of_a_part_is_a_new_version_of_the_plan(world: World) -> None:
    path, plan = await drafted(world)
    worker, area = world.worker_north, f"{path}/areas/emotional_health"
    chosen = [str(uuid.uuid4()), str(uuid.uuid4())]
    made = await worker.post(f"{area}/goals", {**GOAL, "id": chosen[0]})
    goal = done(made, 201)
    assert (made.headers["location"], made.headers["etag"]) == (f"/v1/goals/{chosen[0]}", '"1"')
    assert goal.items() >= {**GOAL, "origin_id": goal["id"], "status": "open", "actions": []}.items()
    goal_path = made.headers["location"]
    made = await worker.post(f"{goal_path}/actions", {**ACTION, "by_whom": "Sokha", "id": chosen[1]})
    action = done(made, 201)
    assert made.headers["location"] == f"/v1/actions/{chosen[1]}"
    assert action.items() >= {**ACTION, "by_whom": "Sokha", "status": "open", "done_on": None}.items()
    seen = done(await worker.get(path))
    assert (seen["version"], seen["areas"]["emotional_health"]["status"]) == (3, "goals")
    [shown] = seen["areas"]["emotional_health"]["goals"]
    assert (shown["version"], shown["actions"]) == (2, [action])
    assert shown == done(await worker.get(goal_path))

    put = await worker.put(f"{path}/areas/education", NO_NEED, etag='"3"')
    assert put.headers["etag"] == '"4"'
    assert done(put)["areas"]["education"].items() >= NO_NEED.items()
    assert (await worker.put(f"{path}/areas/education", NO_NEED, etag='"3"')).status_code == 412
    assert (await worker.put(f"{path}/areas/education", NO_NEED)).status_code == 428
    reworded = await worker.patch(goal_path, {"statement": "Sleeps."}, etag='"2"')
    assert done(reworded).items() >= {"statement": "Sleeps.", "version": 3, "actions": [action]}.items()
    later = await worker.patch(f"/v1/actions/{action['id']}", {"due_on": "2027-02-01"}, etag='"1"')
    assert done(later) == done(await worker.get(f"/v1/actions/{action['id']}"))
    words = PLAN_WORDS["child"]
    assert done(await worker.patch(path, words, etag='"6"')).items() >= {**words, "version": 7}.items()
    assert done(await worker.patch(path, {"safety_plan": None}, etag='"7"'))["safety_plan"] is None
    assert (await worker.patch(path, words, etag='"7"')).status_code == 412
    assert plan["id"] == seen["id"]


async def test_a_goal_comes_with_its_first_actions(world: World) -> None:
    path, _ = await drafted(world)
    goals = f"{path}/areas/emotional_health/goals"
    told = [{**ACTION, "id": str(uuid.uuid4())}, {**ACTION, "what": "A night light."}]
    made = done(await world.worker_north.post(goals, {**GOAL, "actions": told}), 201)
    assert [action["what"] for action in made["actions"]] == [ACTION["what"], "A night light."]
    assert made["actions"][0]["id"] == told[0]["id"]
    assert done(await world.worker_north.get(f"/v1/goals/{made['id']}")) == made
    many = await world.worker_north.post(goals, {**GOAL, "actions": [ACTION] * 21})
    assert faults(many) == {("/actions", "too_long")}


async def test_what_is_wrong_in_a_plan_is_pointed_at(world: World) -> None:
    path, _ = await drafted(world)
    worker, goals = world.worker_north, f"{path}/areas/emotional_health/goals"
    goal = f"/v1/goals/{done(await worker.post(goals, GOAL), 201)['id']}"
    action = f"/v1/actions/{done(await worker.post(f'{goal}/actions', ACTION), 201)['id']}"
    area = f"{path}/areas/legal"
    assert faults(await worker.put(area, {"status": "no_need"}, etag='"3"')) == {("", "reason_missing")}
    assert faults(await worker.put(area, {"status": "later"}, etag='"3"')) == {("/status", "literal_error")}
    assert (await worker.put(f"{path}/areas/money", NO_NEED, etag='"3"')).status_code == 422
    assert faults(await worker.post(goals, {**GOAL, "statement": " "})) == {("/statement", "blank")}
    for wrong, fault in (
        ({"what": None}, ("/what", "string_type")),
        ({"by": "teacher"}, ("/by", "literal_error")),
        ({"due_on": "2027-02-30"}, ("/due_on", "date_from_datetime_parsing")),
        ({"status": "done"}, ("/status", "extra_forbidden")),
    ):
        assert faults(await worker.post(f"{goal}/actions", {**ACTION, **wrong})) == {fault}
    for patch, fault in (
        ({"statement": None}, ("/statement", "missing")),
        ({"status": "reached"}, ("/status", "literal_error")),
        ({"area": "legal"}, ("/area", "extra_forbidden")),
    ):
        assert faults(await worker.patch(goal, patch, etag='"2"')) == {fault}
    ahead = add_months(today(), 1).isoformat()
    for patch, fault in (
        ({"done_on": ahead}, ("/done_on", "date_in_future")),
        ({"status": "open", "done_on": today().isoformat()}, ("/done_on", "not_ended")),
        ({"due_on": None}, ("/due_on", "missing")),
    ):
        assert faults(await worker.patch(action, patch, etag='"1"')) == {fault}
    for patch, fault in (
        ({"assessment_id": None}, ("/assessment_id", "missing")),
        ({"assessment_id": str(uuid.uuid4())}, ("/assessment_id", "reference_unknown")),
        ({"child_view": ""}, ("/child_view", "string_too_short")),
        ({"needs_social_work": "yes"}, ("/needs_social_work", "bool_type")),
        ({"status": "approved"}, ("/status", "extra_forbidden")),
    ):
        assert faults(await worker.patch(path, patch, etag='"3"')) == {fault}
    assert done(await worker.get(path))["version"] == 3


async def test_no_need_is_refused_where_there_is_need(world: World) -> None:
    path, _ = await drafted(world)
    worker, weak, strong = world.worker_north, f"{path}/areas/emotional_health", f"{path}/areas/legal"
    assert refused(await worker.put(weak, NO_NEED, etag='"1"')) == {
        ("/areas/emotional_health/status", "area_weak")
    }
    goal = done(await worker.post(f"{strong}/goals", GOAL), 201)
    assert refused(await worker.put(strong, NO_NEED, etag='"2"')) == {("/areas/legal/goals", "goals_open")}
    done(await worker.patch(f"/v1/goals/{goal['id']}", {"status": "dropped"}, etag='"1"'))
    done(await worker.put(strong, NO_NEED, etag='"3"'))
    assert unmet(await worker.post(f"{strong}/goals", GOAL)) == {"no_need": "/status"}
    for _ in range(20):
        done(await worker.post(f"{weak}/goals", GOAL), 201)
    assert unmet(await worker.post(f"{weak}/goals", GOAL)) == {"too_many": None}


async def test_a_plan_is_submitted_whole_and_what_is_missing_is_listed(world: World) -> None:
    path, plan = await drafted(world, risk_level="high", weak=("behaviour",))
    worker = world.worker_north
    views = {(f"/{name}", f"{name}_missing") for name in ("child_view", "supporter_view", "safety_plan")}
    unanswered = {(f"/areas/{area}", "area_unanswered") for area in AREAS}
    assert refused(await worker.act(path, "submit")) == views | unanswered

    done(await change(worker, path, dict.fromkeys(("child_view", "supporter_view"), "Told.")))
    done(await worker.put(f"{path}/areas/legal", {"status": "goals"}, etag=await etag(path, worker)))
    goal = done(await worker.post(f"{path}/areas/behaviour/goals", GOAL), 201)
    missing = {
        ("/safety_plan", "safety_plan_missing"),
        ("/areas/legal/goals", "goal_missing"),
        ("/areas/behaviour/goals/0/actions", "action_missing"),
    }
    others = {fault for fault in unanswered if fault[0] not in {"/areas/legal", "/areas/behaviour"}}
    assert refused(await worker.act(path, "submit")) == missing | others

    action = done(await worker.post(f"/v1/goals/{goal['id']}/actions", ACTION), 201)
    dropped = await worker.patch(f"/v1/actions/{action['id']}", {"status": "dropped"}, etag='"1"')
    assert done(dropped)["done_on"] == today().isoformat()
    assert ("/areas/behaviour/goals/0/actions", "action_missing") in refused(await worker.act(path, "submit"))
    done(await worker.patch(f"/v1/actions/{action['id']}", {"status": "open"}, etag='"2"'))
    done(await worker.put(f"{path}/areas/legal", NO_NEED, etag=await etag(path, worker)))
    await fill_plan(world, {**plan, "areas": {area: {**plan["areas"][area], "rating": 3} for area in AREAS}})
    submitted = done(await worker.act(path, "submit"))
    assert (submitted["status"], submitted["submitted_by_id"]) == ("submitted", str(worker.id))
    assert unmet(await worker.act(path, "submit")) == {"status": "/status"}
    assert (await kinds(world, plan["case_id"]))[0] == "care_plan_submitted"


async def test_a_supporters_plan_names_the_gaps_it_closes(world: World) -> None:
    case = await world.case()
    worker = world.worker_north
    for subject in ("supporter", "family"):
        assessment = await assess(world, case, subject=subject, risk_level="high")
        made = await worker.post(f"/v1/cases/{case['id']}/care-plans", told(assessment))
        path, plan = made.headers["location"], done(made, 201)
        assert plan["person_id"] == assessment["person_id"]
        gaps = ("knowledge_gaps", "capacity_gaps", "needs_social_work", "safety_plan")
        assert refused(await worker.act(path, "submit")) == {(f"/{gap}", f"{gap}_missing") for gap in gaps}
        done(await worker.put(f"{path}/areas/legal", {"status": "goals"}, etag='"1"'))
        words = {**PLAN_WORDS["other"], "needs_social_work": False, "safety_plan": "Told."}
        done(await change(worker, path, words))
        assert refused(await worker.act(path, "submit")) == {("/areas/legal/goals", "goal_missing")}
        done(await worker.put(f"{path}/areas/legal", NO_NEED, etag=await etag(path, worker)))
        done(await worker.act(path, "submit"))
        assert done(await world.supervisor_north.act(path, "approve"))["status"] == "approved"
    assert done(await worker.get(f"/v1/cases/{case['id']}"))["status"] == "assessment"
