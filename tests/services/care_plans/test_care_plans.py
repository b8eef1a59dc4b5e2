"""Care plans: pre-filled from an assessment, answered area by area, submitted when they are whole."""

import uuid

from app.kit.dates import add_months, today
from tests.support.case_lifecycle import (
    ACTION_PAYLOAD,
    AREAS,
    CARE_PLAN_PAYLOADS,
    GOAL_PAYLOAD,
    NO_NEED_PAYLOAD,
    care_plan_payload,
    create_approved_assessment,
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


async def test_a_plan_begins_as_its_assessment_found_the_child(scenario: Scenario) -> None:
    case, assessment = await create_assessed_case(scenario, weak_areas=("legal", "education"))
    here, worker, chosen = f"/v1/cases/{case['id']}/care-plans", scenario.worker_north, str(uuid.uuid4())
    made = await worker.post(here, care_plan_payload(assessment, id=chosen))
    plan = expect_json(made, 201)
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
    [item] = expect_json(await worker.get(here, params={"subject": "child", "status": "draft"}))["items"]
    assert item == {name: plan[name] for name in item}
    assert expect_json(await worker.get(here, params={"status": "approved"}))["items"] == []
    assert (await list_timeline_kinds(scenario, case["id"]))[0] == "care_plan_started"


async def test_a_plan_rests_on_an_approved_assessment_of_its_own_case_and_subject(scenario: Scenario) -> None:
    case = await scenario.open_case()
    here, worker = f"/v1/cases/{case['id']}/care-plans", scenario.worker_north
    draft = expect_json(
        await worker.post(f"/v1/cases/{case['id']}/assessments", {"subject": "child", "kind": "initial"}), 201
    )
    assert parse_unmet_conditions(await worker.post(here, care_plan_payload(draft))) == {
        ("/assessment_id", "assessment_not_approved")
    }
    elsewhere, theirs = await create_assessed_case(scenario)
    assert parse_unmet_conditions(await worker.post(here, care_plan_payload(theirs))) == {
        ("/assessment_id", "assessment_of_another")
    }
    both = await worker.post(here, care_plan_payload(draft, subject="family"))
    assert set(parse_unmet_pointers(both)) == {"assessment_not_approved", "assessment_of_another"}
    own = f"/v1/cases/{elsewhere['id']}/care-plans"
    for wrong in ({"subject": "supporter"}, {"person_id": str(uuid.uuid4())}):
        assert set(parse_unmet_pointers(await worker.post(own, care_plan_payload(theirs, **wrong)))) == {
            "assessment_of_another"
        }
    for body, fault in (
        (care_plan_payload(theirs, assessment_id=str(uuid.uuid4())), ("/assessment_id", "reference_unknown")),
        ({"subject": "child"}, ("/assessment_id", "missing")),
        (care_plan_payload(theirs, subject="teacher"), ("/subject", "literal_error")),
        (care_plan_payload(theirs, edition=2), ("/edition", "extra_forbidden")),
    ):
        assert parse_faults(await worker.post(own, body)) == {fault}
    assert expect_json(await worker.get(own))["items"] == []
    expect_json(await worker.post(own, care_plan_payload(theirs)), 201)
    assert parse_unmet_pointers(await worker.post(own, care_plan_payload(theirs))) == {
        "draft_exists": "/subject"
    }


async def test_every_change_of_a_part_is_a_new_version_of_the_plan(scenario: Scenario) -> None:
    path, plan = await create_care_plan_draft(scenario)
    worker, area = scenario.worker_north, f"{path}/areas/emotional_health"
    chosen = [str(uuid.uuid4()), str(uuid.uuid4())]
    made = await worker.post(f"{area}/goals", {**GOAL_PAYLOAD, "id": chosen[0]})
    goal = expect_json(made, 201)
    assert (made.headers["location"], made.headers["etag"]) == (f"/v1/goals/{chosen[0]}", '"1"')
    assert goal.items() >= {**GOAL_PAYLOAD, "origin_id": goal["id"], "status": "open", "actions": []}.items()
    goal_path = made.headers["location"]
    made = await worker.post(f"{goal_path}/actions", {**ACTION_PAYLOAD, "by_whom": "Sokha", "id": chosen[1]})
    action = expect_json(made, 201)
    assert made.headers["location"] == f"/v1/actions/{chosen[1]}"
    assert action.items() >= {**ACTION_PAYLOAD, "by_whom": "Sokha", "status": "open", "done_on": None}.items()
    seen = expect_json(await worker.get(path))
    assert (seen["version"], seen["areas"]["emotional_health"]["status"]) == (3, "goals")
    [shown] = seen["areas"]["emotional_health"]["goals"]
    assert (shown["version"], shown["actions"]) == (2, [action])
    assert shown == expect_json(await worker.get(goal_path))

    put = await worker.put(f"{path}/areas/education", NO_NEED_PAYLOAD, etag='"3"')
    assert put.headers["etag"] == '"4"'
    assert expect_json(put)["areas"]["education"].items() >= NO_NEED_PAYLOAD.items()
    assert (await worker.put(f"{path}/areas/education", NO_NEED_PAYLOAD, etag='"3"')).status_code == 412
    assert (await worker.put(f"{path}/areas/education", NO_NEED_PAYLOAD)).status_code == 428
    reworded = await worker.patch(goal_path, {"statement": "Sleeps."}, etag='"2"')
    assert (
        expect_json(reworded).items() >= {"statement": "Sleeps.", "version": 3, "actions": [action]}.items()
    )
    later = await worker.patch(f"/v1/actions/{action['id']}", {"due_on": "2027-02-01"}, etag='"1"')
    assert expect_json(later) == expect_json(await worker.get(f"/v1/actions/{action['id']}"))
    words = CARE_PLAN_PAYLOADS["child"]
    assert expect_json(await worker.patch(path, words, etag='"6"')).items() >= {**words, "version": 7}.items()
    assert expect_json(await worker.patch(path, {"safety_plan": None}, etag='"7"'))["safety_plan"] is None
    assert (await worker.patch(path, words, etag='"7"')).status_code == 412
    assert plan["id"] == seen["id"]


async def test_a_goal_comes_with_its_first_actions(scenario: Scenario) -> None:
    path, _ = await create_care_plan_draft(scenario)
    goals = f"{path}/areas/emotional_health/goals"
    told = [{**ACTION_PAYLOAD, "id": str(uuid.uuid4())}, {**ACTION_PAYLOAD, "what": "A night light."}]
    made = expect_json(await scenario.worker_north.post(goals, {**GOAL_PAYLOAD, "actions": told}), 201)
    assert [action["what"] for action in made["actions"]] == [ACTION_PAYLOAD["what"], "A night light."]
    assert made["actions"][0]["id"] == told[0]["id"]
    assert expect_json(await scenario.worker_north.get(f"/v1/goals/{made['id']}")) == made
    many = await scenario.worker_north.post(goals, {**GOAL_PAYLOAD, "actions": [ACTION_PAYLOAD] * 21})
    assert parse_faults(many) == {("/actions", "too_long")}


async def test_what_is_wrong_in_a_plan_is_pointed_at(scenario: Scenario) -> None:
    path, _ = await create_care_plan_draft(scenario)
    worker, goals = scenario.worker_north, f"{path}/areas/emotional_health/goals"
    goal = f"/v1/goals/{expect_json(await worker.post(goals, GOAL_PAYLOAD), 201)['id']}"
    action = f"/v1/actions/{expect_json(await worker.post(f'{goal}/actions', ACTION_PAYLOAD), 201)['id']}"
    area = f"{path}/areas/legal"
    assert parse_faults(await worker.put(area, {"status": "no_need"}, etag='"3"')) == {("", "reason_missing")}
    assert parse_faults(await worker.put(area, {"status": "later"}, etag='"3"')) == {
        ("/status", "literal_error")
    }
    assert (await worker.put(f"{path}/areas/money", NO_NEED_PAYLOAD, etag='"3"')).status_code == 422
    assert parse_faults(await worker.post(goals, {**GOAL_PAYLOAD, "statement": " "})) == {
        ("/statement", "blank")
    }
    for wrong, fault in (
        ({"what": None}, ("/what", "string_type")),
        ({"by": "teacher"}, ("/by", "literal_error")),
        ({"due_on": "2027-02-30"}, ("/due_on", "date_from_datetime_parsing")),
        ({"status": "done"}, ("/status", "extra_forbidden")),
    ):
        assert parse_faults(await worker.post(f"{goal}/actions", {**ACTION_PAYLOAD, **wrong})) == {fault}
    for patch, fault in (
        ({"statement": None}, ("/statement", "missing")),
        ({"status": "reached"}, ("/status", "literal_error")),
        ({"area": "legal"}, ("/area", "extra_forbidden")),
    ):
        assert parse_faults(await worker.patch(goal, patch, etag='"2"')) == {fault}
    ahead = add_months(today(), 1).isoformat()
    for patch, fault in (
        ({"done_on": ahead}, ("/done_on", "date_in_future")),
        ({"status": "open", "done_on": today().isoformat()}, ("/done_on", "not_ended")),
        ({"due_on": None}, ("/due_on", "missing")),
    ):
        assert parse_faults(await worker.patch(action, patch, etag='"1"')) == {fault}
    for patch, fault in (
        ({"assessment_id": None}, ("/assessment_id", "missing")),
        ({"assessment_id": str(uuid.uuid4())}, ("/assessment_id", "reference_unknown")),
        ({"child_view": ""}, ("/child_view", "string_too_short")),
        ({"needs_social_work": "yes"}, ("/needs_social_work", "bool_type")),
        ({"status": "approved"}, ("/status", "extra_forbidden")),
    ):
        assert parse_faults(await worker.patch(path, patch, etag='"3"')) == {fault}
    assert expect_json(await worker.get(path))["version"] == 3


async def test_no_need_is_refused_where_there_is_need(scenario: Scenario) -> None:
    path, _ = await create_care_plan_draft(scenario)
    worker, weak, strong = scenario.worker_north, f"{path}/areas/emotional_health", f"{path}/areas/legal"
    assert parse_unmet_conditions(await worker.put(weak, NO_NEED_PAYLOAD, etag='"1"')) == {
        ("/areas/emotional_health/status", "area_weak")
    }
    goal = expect_json(await worker.post(f"{strong}/goals", GOAL_PAYLOAD), 201)
    assert parse_unmet_conditions(await worker.put(strong, NO_NEED_PAYLOAD, etag='"2"')) == {
        ("/areas/legal/goals", "goals_open")
    }
    expect_json(await worker.patch(f"/v1/goals/{goal['id']}", {"status": "dropped"}, etag='"1"'))
    expect_json(await worker.put(strong, NO_NEED_PAYLOAD, etag='"3"'))
    assert parse_unmet_pointers(await worker.post(f"{strong}/goals", GOAL_PAYLOAD)) == {"no_need": "/status"}
    for _ in range(20):
        expect_json(await worker.post(f"{weak}/goals", GOAL_PAYLOAD), 201)
    assert parse_unmet_pointers(await worker.post(f"{weak}/goals", GOAL_PAYLOAD)) == {"too_many": None}


async def test_a_plan_is_submitted_whole_and_what_is_missing_is_listed(scenario: Scenario) -> None:
    path, plan = await create_care_plan_draft(scenario, risk_level="high", weak_areas=("behaviour",))
    worker = scenario.worker_north
    views = {(f"/{name}", f"{name}_missing") for name in ("child_view", "supporter_view", "safety_plan")}
    unanswered = {(f"/areas/{area}", "area_unanswered") for area in AREAS}
    assert parse_unmet_conditions(await worker.act(path, "submit")) == views | unanswered

    expect_json(await patch_latest(worker, path, dict.fromkeys(("child_view", "supporter_view"), "Told.")))
    expect_json(
        await worker.put(f"{path}/areas/legal", {"status": "goals"}, etag=await get_etag(path, worker))
    )
    goal = expect_json(await worker.post(f"{path}/areas/behaviour/goals", GOAL_PAYLOAD), 201)
    missing = {
        ("/safety_plan", "safety_plan_missing"),
        ("/areas/legal/goals", "goal_missing"),
        ("/areas/behaviour/goals/0/actions", "action_missing"),
    }
    others = {fault for fault in unanswered if fault[0] not in {"/areas/legal", "/areas/behaviour"}}
    assert parse_unmet_conditions(await worker.act(path, "submit")) == missing | others

    action = expect_json(await worker.post(f"/v1/goals/{goal['id']}/actions", ACTION_PAYLOAD), 201)
    dropped = await worker.patch(f"/v1/actions/{action['id']}", {"status": "dropped"}, etag='"1"')
    assert expect_json(dropped)["done_on"] == today().isoformat()
    assert ("/areas/behaviour/goals/0/actions", "action_missing") in parse_unmet_conditions(
        await worker.act(path, "submit")
    )
    expect_json(await worker.patch(f"/v1/actions/{action['id']}", {"status": "open"}, etag='"2"'))
    expect_json(await worker.put(f"{path}/areas/legal", NO_NEED_PAYLOAD, etag=await get_etag(path, worker)))
    await fill_care_plan(
        scenario, {**plan, "areas": {area: {**plan["areas"][area], "rating": 3} for area in AREAS}}
    )
    submitted = expect_json(await worker.act(path, "submit"))
    assert (submitted["status"], submitted["submitted_by_id"]) == ("submitted", str(worker.id))
    assert parse_unmet_pointers(await worker.act(path, "submit")) == {"status": "/status"}
    assert (await list_timeline_kinds(scenario, plan["case_id"]))[0] == "care_plan_submitted"


async def test_a_supporters_plan_names_the_gaps_it_closes(scenario: Scenario) -> None:
    case = await scenario.open_case()
    worker = scenario.worker_north
    for subject in ("supporter", "family"):
        assessment = await create_approved_assessment(scenario, case, subject=subject, risk_level="high")
        made = await worker.post(f"/v1/cases/{case['id']}/care-plans", care_plan_payload(assessment))
        path, plan = made.headers["location"], expect_json(made, 201)
        assert plan["person_id"] == assessment["person_id"]
        gaps = ("knowledge_gaps", "capacity_gaps", "needs_social_work", "safety_plan")
        assert parse_unmet_conditions(await worker.act(path, "submit")) == {
            (f"/{gap}", f"{gap}_missing") for gap in gaps
        }
        expect_json(await worker.put(f"{path}/areas/legal", {"status": "goals"}, etag='"1"'))
        words = {**CARE_PLAN_PAYLOADS["other"], "needs_social_work": False, "safety_plan": "Told."}
        expect_json(await patch_latest(worker, path, words))
        assert parse_unmet_conditions(await worker.act(path, "submit")) == {
            ("/areas/legal/goals", "goal_missing")
        }
        expect_json(
            await worker.put(f"{path}/areas/legal", NO_NEED_PAYLOAD, etag=await get_etag(path, worker))
        )
        expect_json(await worker.act(path, "submit"))
        assert expect_json(await scenario.supervisor_north.act(path, "approve"))["status"] == "approved"
    assert expect_json(await worker.get(f"/v1/cases/{case['id']}"))["status"] == "assessment"
