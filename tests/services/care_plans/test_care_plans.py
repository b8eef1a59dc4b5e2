"""Creation, update, validation and submission of care plans."""

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


async def test_new_plan_copies_the_findings_of_its_assessment(scenario: Scenario) -> None:
    case, assessment = await create_assessed_case(scenario, weak_areas=("legal", "education"))
    list_path, worker, plan_id = (
        f"/v1/cases/{case['id']}/care-plans",
        scenario.worker_north,
        str(uuid.uuid4()),
    )
    response = await worker.post(list_path, care_plan_payload(assessment, id=plan_id))
    plan = expect_json(response, 201)
    assert (response.headers["location"], response.headers["etag"]) == (f"/v1/care-plans/{plan_id}", '"1"')
    assert (plan["edition"], plan["status"], plan["author_id"]) == (1, "draft", str(worker.id))
    assert tuple(plan["areas"]) == AREAS
    assert plan["areas"]["legal"] == {
        "rating": 2, "need": "What is missing: legal.", "strengths": "A caring grandmother.",
        "risk": "Low while the grandmother is at home.", "status": None, "reason": None, "goals": [],
    }  # fmt: skip
    assert plan["areas"]["behaviour"]["rating"] == 3
    get_response = await worker.get(response.headers["location"])
    assert (get_response.json(), get_response.headers["etag"]) == (plan, '"1"')
    [summary] = expect_json(await worker.get(list_path, params={"subject": "child", "status": "draft"}))[
        "items"
    ]
    assert summary == {name: plan[name] for name in summary}
    assert expect_json(await worker.get(list_path, params={"status": "approved"}))["items"] == []
    assert (await list_timeline_kinds(scenario, case["id"]))[0] == "care_plan_started"


async def test_plan_requires_an_approved_assessment_of_its_case_and_subject(scenario: Scenario) -> None:
    case = await scenario.open_case()
    list_path, worker = f"/v1/cases/{case['id']}/care-plans", scenario.worker_north
    draft = expect_json(
        await worker.post(f"/v1/cases/{case['id']}/assessments", {"subject": "child", "kind": "initial"}), 201
    )
    assert parse_unmet_conditions(await worker.post(list_path, care_plan_payload(draft))) == {
        ("/assessment_id", "assessment_not_approved")
    }
    other_case, other_assessment = await create_assessed_case(scenario)
    assert parse_unmet_conditions(await worker.post(list_path, care_plan_payload(other_assessment))) == {
        ("/assessment_id", "assessment_of_another")
    }
    response = await worker.post(list_path, care_plan_payload(draft, subject="family"))
    assert set(parse_unmet_pointers(response)) == {"assessment_not_approved", "assessment_of_another"}
    other_list_path = f"/v1/cases/{other_case['id']}/care-plans"
    for changes in ({"subject": "supporter"}, {"person_id": str(uuid.uuid4())}):
        assert set(
            parse_unmet_pointers(
                await worker.post(other_list_path, care_plan_payload(other_assessment, **changes))
            )
        ) == {"assessment_of_another"}
    for payload, fault in (
        (
            care_plan_payload(other_assessment, assessment_id=str(uuid.uuid4())),
            ("/assessment_id", "reference_unknown"),
        ),
        ({"subject": "child"}, ("/assessment_id", "missing")),
        (care_plan_payload(other_assessment, subject="teacher"), ("/subject", "literal_error")),
        (care_plan_payload(other_assessment, edition=2), ("/edition", "extra_forbidden")),
    ):
        assert parse_faults(await worker.post(other_list_path, payload)) == {fault}
    assert expect_json(await worker.get(other_list_path))["items"] == []
    expect_json(await worker.post(other_list_path, care_plan_payload(other_assessment)), 201)
    assert parse_unmet_pointers(await worker.post(other_list_path, care_plan_payload(other_assessment))) == {
        "draft_exists": "/subject"
    }


async def test_every_change_of_a_part_increments_the_version_of_the_plan(scenario: Scenario) -> None:
    path, plan = await create_care_plan_draft(scenario)
    worker, area_path = scenario.worker_north, f"{path}/areas/emotional_health"
    client_ids = [str(uuid.uuid4()), str(uuid.uuid4())]
    response = await worker.post(f"{area_path}/goals", {**GOAL_PAYLOAD, "id": client_ids[0]})
    goal = expect_json(response, 201)
    assert (response.headers["location"], response.headers["etag"]) == (f"/v1/goals/{client_ids[0]}", '"1"')
    assert goal.items() >= {**GOAL_PAYLOAD, "origin_id": goal["id"], "status": "open", "actions": []}.items()
    goal_path = response.headers["location"]
    response = await worker.post(
        f"{goal_path}/actions", {**ACTION_PAYLOAD, "by_whom": "Sokha", "id": client_ids[1]}
    )
    action = expect_json(response, 201)
    assert response.headers["location"] == f"/v1/actions/{client_ids[1]}"
    assert action.items() >= {**ACTION_PAYLOAD, "by_whom": "Sokha", "status": "open", "done_on": None}.items()
    current_plan = expect_json(await worker.get(path))
    assert (current_plan["version"], current_plan["areas"]["emotional_health"]["status"]) == (3, "goals")
    [current_goal] = current_plan["areas"]["emotional_health"]["goals"]
    assert (current_goal["version"], current_goal["actions"]) == (2, [action])
    assert current_goal == expect_json(await worker.get(goal_path))

    area_response = await worker.put(f"{path}/areas/education", NO_NEED_PAYLOAD, etag='"3"')
    assert area_response.headers["etag"] == '"4"'
    assert expect_json(area_response)["areas"]["education"].items() >= NO_NEED_PAYLOAD.items()
    assert (await worker.put(f"{path}/areas/education", NO_NEED_PAYLOAD, etag='"3"')).status_code == 412
    assert (await worker.put(f"{path}/areas/education", NO_NEED_PAYLOAD)).status_code == 428
    goal_response = await worker.patch(goal_path, {"statement": "Sleeps."}, etag='"2"')
    assert (
        expect_json(goal_response).items()
        >= {"statement": "Sleeps.", "version": 3, "actions": [action]}.items()
    )
    action_response = await worker.patch(f"/v1/actions/{action['id']}", {"due_on": "2027-02-01"}, etag='"1"')
    assert expect_json(action_response) == expect_json(await worker.get(f"/v1/actions/{action['id']}"))
    texts = CARE_PLAN_PAYLOADS["child"]
    assert expect_json(await worker.patch(path, texts, etag='"6"')).items() >= {**texts, "version": 7}.items()
    assert expect_json(await worker.patch(path, {"safety_plan": None}, etag='"7"'))["safety_plan"] is None
    assert (await worker.patch(path, texts, etag='"7"')).status_code == 412
    assert plan["id"] == current_plan["id"]


async def test_goal_is_created_with_its_first_actions(scenario: Scenario) -> None:
    path, _ = await create_care_plan_draft(scenario)
    goals_path = f"{path}/areas/emotional_health/goals"
    actions = [{**ACTION_PAYLOAD, "id": str(uuid.uuid4())}, {**ACTION_PAYLOAD, "what": "A night light."}]
    goal = expect_json(
        await scenario.worker_north.post(goals_path, {**GOAL_PAYLOAD, "actions": actions}), 201
    )
    assert [action["what"] for action in goal["actions"]] == [ACTION_PAYLOAD["what"], "A night light."]
    assert goal["actions"][0]["id"] == actions[0]["id"]
    assert expect_json(await scenario.worker_north.get(f"/v1/goals/{goal['id']}")) == goal
    response = await scenario.worker_north.post(
        goals_path, {**GOAL_PAYLOAD, "actions": [ACTION_PAYLOAD] * 21}
    )
    assert parse_faults(response) == {("/actions", "too_long")}


async def test_invalid_field_of_a_plan_is_rejected_with_its_pointer(scenario: Scenario) -> None:
    path, _ = await create_care_plan_draft(scenario)
    worker, goals_path = scenario.worker_north, f"{path}/areas/emotional_health/goals"
    goal_path = f"/v1/goals/{expect_json(await worker.post(goals_path, GOAL_PAYLOAD), 201)['id']}"
    action_path = (
        f"/v1/actions/{expect_json(await worker.post(f'{goal_path}/actions', ACTION_PAYLOAD), 201)['id']}"
    )
    area_path = f"{path}/areas/legal"
    assert parse_faults(await worker.put(area_path, {"status": "no_need"}, etag='"3"')) == {
        ("", "reason_missing")
    }
    assert parse_faults(await worker.put(area_path, {"status": "later"}, etag='"3"')) == {
        ("/status", "literal_error")
    }
    assert (await worker.put(f"{path}/areas/money", NO_NEED_PAYLOAD, etag='"3"')).status_code == 422
    assert parse_faults(await worker.post(goals_path, {**GOAL_PAYLOAD, "statement": " "})) == {
        ("/statement", "blank")
    }
    for changes, fault in (
        ({"what": None}, ("/what", "string_type")),
        ({"by": "teacher"}, ("/by", "literal_error")),
        ({"due_on": "2027-02-30"}, ("/due_on", "date_from_datetime_parsing")),
        ({"status": "done"}, ("/status", "extra_forbidden")),
    ):
        assert parse_faults(await worker.post(f"{goal_path}/actions", {**ACTION_PAYLOAD, **changes})) == {
            fault
        }
    for patch, fault in (
        ({"statement": None}, ("/statement", "missing")),
        ({"status": "reached"}, ("/status", "literal_error")),
        ({"area": "legal"}, ("/area", "extra_forbidden")),
    ):
        assert parse_faults(await worker.patch(goal_path, patch, etag='"2"')) == {fault}
    future_date = add_months(today(), 1).isoformat()
    for patch, fault in (
        ({"done_on": future_date}, ("/done_on", "date_in_future")),
        ({"status": "open", "done_on": today().isoformat()}, ("/done_on", "not_ended")),
        ({"due_on": None}, ("/due_on", "missing")),
    ):
        assert parse_faults(await worker.patch(action_path, patch, etag='"1"')) == {fault}
    for patch, fault in (
        ({"assessment_id": None}, ("/assessment_id", "missing")),
        ({"assessment_id": str(uuid.uuid4())}, ("/assessment_id", "reference_unknown")),
        ({"child_view": ""}, ("/child_view", "string_too_short")),
        ({"needs_social_work": "yes"}, ("/needs_social_work", "bool_type")),
        ({"status": "approved"}, ("/status", "extra_forbidden")),
    ):
        assert parse_faults(await worker.patch(path, patch, etag='"3"')) == {fault}
    assert expect_json(await worker.get(path))["version"] == 3


async def test_no_need_is_rejected_for_weak_areas_and_areas_with_open_goals(scenario: Scenario) -> None:
    path, _ = await create_care_plan_draft(scenario)
    worker, weak_area_path, strong_area_path = (
        scenario.worker_north,
        f"{path}/areas/emotional_health",
        f"{path}/areas/legal",
    )
    assert parse_unmet_conditions(await worker.put(weak_area_path, NO_NEED_PAYLOAD, etag='"1"')) == {
        ("/areas/emotional_health/status", "area_weak")
    }
    goal = expect_json(await worker.post(f"{strong_area_path}/goals", GOAL_PAYLOAD), 201)
    assert parse_unmet_conditions(await worker.put(strong_area_path, NO_NEED_PAYLOAD, etag='"2"')) == {
        ("/areas/legal/goals", "goals_open")
    }
    expect_json(await worker.patch(f"/v1/goals/{goal['id']}", {"status": "dropped"}, etag='"1"'))
    expect_json(await worker.put(strong_area_path, NO_NEED_PAYLOAD, etag='"3"'))
    assert parse_unmet_pointers(await worker.post(f"{strong_area_path}/goals", GOAL_PAYLOAD)) == {
        "no_need": "/status"
    }
    for _ in range(20):
        expect_json(await worker.post(f"{weak_area_path}/goals", GOAL_PAYLOAD), 201)
    assert parse_unmet_pointers(await worker.post(f"{weak_area_path}/goals", GOAL_PAYLOAD)) == {
        "too_many": None
    }


async def test_plan_submission_lists_every_missing_part(scenario: Scenario) -> None:
    path, plan = await create_care_plan_draft(scenario, risk_level="high", weak_areas=("behaviour",))
    worker = scenario.worker_north
    missing_texts = {
        (f"/{name}", f"{name}_missing") for name in ("child_view", "supporter_view", "safety_plan")
    }
    unanswered = {(f"/areas/{area}", "area_unanswered") for area in AREAS}
    assert parse_unmet_conditions(await worker.act(path, "submit")) == missing_texts | unanswered

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
    other_unanswered = {fault for fault in unanswered if fault[0] not in {"/areas/legal", "/areas/behaviour"}}
    assert parse_unmet_conditions(await worker.act(path, "submit")) == missing | other_unanswered

    action = expect_json(await worker.post(f"/v1/goals/{goal['id']}/actions", ACTION_PAYLOAD), 201)
    drop_response = await worker.patch(f"/v1/actions/{action['id']}", {"status": "dropped"}, etag='"1"')
    assert expect_json(drop_response)["done_on"] == today().isoformat()
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


async def test_supporter_and_family_plans_require_gaps_and_social_work_need(scenario: Scenario) -> None:
    case = await scenario.open_case()
    worker = scenario.worker_north
    for subject in ("supporter", "family"):
        assessment = await create_approved_assessment(scenario, case, subject=subject, risk_level="high")
        response = await worker.post(f"/v1/cases/{case['id']}/care-plans", care_plan_payload(assessment))
        path, plan = response.headers["location"], expect_json(response, 201)
        assert plan["person_id"] == assessment["person_id"]
        gap_fields = ("knowledge_gaps", "capacity_gaps", "needs_social_work", "safety_plan")
        assert parse_unmet_conditions(await worker.act(path, "submit")) == {
            (f"/{field}", f"{field}_missing") for field in gap_fields
        }
        expect_json(await worker.put(f"{path}/areas/legal", {"status": "goals"}, etag='"1"'))
        texts = {**CARE_PLAN_PAYLOADS["other"], "needs_social_work": False, "safety_plan": "Told."}
        expect_json(await patch_latest(worker, path, texts))
        assert parse_unmet_conditions(await worker.act(path, "submit")) == {
            ("/areas/legal/goals", "goal_missing")
        }
        expect_json(
            await worker.put(f"{path}/areas/legal", NO_NEED_PAYLOAD, etag=await get_etag(path, worker))
        )
        expect_json(await worker.act(path, "submit"))
        assert expect_json(await scenario.supervisor_north.act(path, "approve"))["status"] == "approved"
    assert expect_json(await worker.get(f"/v1/cases/{case['id']}"))["status"] == "assessment"
