"""Editions of a care plan: copies, progress, comparison, reviews and concurrent requests."""

import asyncio
from collections import Counter
from typing import Any

import httpx

from app.kit.dates import today
from tests.support.case_lifecycle import (
    ACTION_PAYLOAD,
    CARE_PLAN_PAYLOADS,
    GOAL_PAYLOAD,
    NO_NEED_PAYLOAD,
    care_plan_payload,
    complete_next_review,
    create_active_case,
    create_approved_assessment,
    create_assessed_case,
    fill_care_plan,
    fill_next_review,
)
from tests.support.responses import (
    expect_json,
    get_etag,
    parse_unmet_conditions,
    parse_unmet_pointers,
    patch_latest,
)
from tests.support.scenario import Scenario
from tests.support.sql_statements import record_statements


def get_goals(plan: dict[str, Any], area: str = "emotional_health") -> list[dict[str, Any]]:
    goals: list[dict[str, Any]] = plan["areas"][area]["goals"]
    return goals


async def create_next_edition(
    scenario: Scenario, plan: dict[str, Any], **changes: Any
) -> tuple[str, dict[str, Any]]:
    payload = {"subject": "child", "assessment_id": plan["assessment_id"], **changes}
    response = await scenario.worker_north.post(f"/v1/cases/{plan['case_id']}/care-plans", payload)
    return response.headers["location"], expect_json(response, 201)


async def create_approved_plan_with_two_goals(scenario: Scenario) -> tuple[str, dict[str, Any]]:
    """Return an approved plan with two goals in one area, the first of them with two actions."""
    case, assessment = await create_assessed_case(scenario)
    worker = scenario.worker_north
    response = await worker.post(f"/v1/cases/{case['id']}/care-plans", care_plan_payload(assessment))
    path = response.headers["location"]
    plan = await fill_care_plan(scenario, expect_json(response, 201))
    first_goal_path = f"/v1/goals/{get_goals(plan)[0]['id']}"
    expect_json(
        await worker.post(
            f"{first_goal_path}/actions", {**ACTION_PAYLOAD, "what": "A night light.", "by": "supporter"}
        ),
        201,
    )
    goal = expect_json(
        await worker.post(f"{path}/areas/emotional_health/goals", {"statement": "Laughs."}), 201
    )
    expect_json(await worker.post(f"/v1/goals/{goal['id']}/actions", {**ACTION_PAYLOAD, "by": "child"}), 201)
    expect_json(await worker.act(path, "submit"))
    return path, expect_json(await scenario.supervisor_north.act(path, "approve"))


async def test_next_edition_copies_open_goals_and_actions(scenario: Scenario) -> None:
    path, plan = await create_approved_plan_with_two_goals(scenario)
    worker, (first_goal, second_goal) = scenario.worker_north, get_goals(plan)
    expect_json(
        await patch_latest(worker, f"/v1/actions/{first_goal['actions'][0]['id']}", {"status": "done"})
    )
    expect_json(await patch_latest(worker, f"/v1/goals/{second_goal['id']}", {"status": "achieved"}))
    next_path, draft = await create_next_edition(scenario, plan)
    assert (draft["edition"], draft["previous_id"], draft["status"]) == (2, plan["id"], "draft")
    assert draft.items() >= CARE_PLAN_PAYLOADS["child"].items()
    [goal] = get_goals(draft)
    [action] = goal["actions"]
    assert goal["id"] != first_goal["id"] == goal["origin_id"]
    assert (goal["statement"], goal["strengths_used"]) == (
        first_goal["statement"],
        first_goal["strengths_used"],
    )
    assert action["origin_id"] == first_goal["actions"][1]["id"]
    assert (action["goal_id"], action["plan_id"], action["what"]) == (
        goal["id"],
        draft["id"],
        "A night light.",
    )
    assert draft["areas"]["legal"] == plan["areas"]["legal"]

    expect_json(await worker.act(next_path, "submit"))
    expect_json(await scenario.supervisor_north.act(next_path, "approve"))
    superseded = await worker.get(path)
    assert (superseded.json()["status"], superseded.headers["etag"]) == (
        "superseded",
        f'"{plan["version"] + 3}"',
    )
    frozen = await patch_latest(worker, f"/v1/goals/{first_goal['id']}", {"status": "dropped"})
    assert parse_unmet_pointers(frozen) == {"frozen": "/status"}
    third_path, draft = await create_next_edition(scenario, plan)
    assert (draft["edition"], get_goals(draft)[0]["origin_id"]) == (3, first_goal["id"])
    summaries = expect_json(await worker.get(f"/v1/cases/{plan['case_id']}/care-plans"))["items"]
    assert [(summary["edition"], summary["status"]) for summary in summaries] == [
        (3, "draft"), (2, "approved"), (1, "superseded"),
    ]  # fmt: skip
    assert third_path != next_path


async def test_approval_of_the_next_edition_keeps_the_scheduled_review(scenario: Scenario) -> None:
    case, plan = await create_active_case(scenario)
    next_path, _ = await create_next_edition(scenario, plan)
    expect_json(await scenario.worker_north.act(next_path, "submit"))
    expect_json(await scenario.supervisor_north.act(next_path, "approve"))
    current_case = expect_json(await scenario.worker_north.get(f"/v1/cases/{case['id']}"))
    assert (current_case["status"], current_case["next_review_on"]) == ("active", case["next_review_on"])
    timeline = expect_json(await scenario.worker_north.get(f"/v1/cases/{case['id']}/timeline"))["items"]
    assert Counter(entry["kind"] for entry in timeline).items() >= {
        "care_plan_started": 2, "care_plan_approved": 2, "case_activated": 1, "review_scheduled": 1,
    }.items()  # fmt: skip


async def test_progress_on_the_approved_plan_updates_the_next_draft(
    scenario: Scenario,
) -> None:
    _, plan = await create_approved_plan_with_two_goals(scenario)
    worker, (first_goal, second_goal) = scenario.worker_north, get_goals(plan)
    next_path, draft = await create_next_edition(scenario, plan)
    first_copy, second_copy = get_goals(draft)
    expect_json(
        await patch_latest(
            worker, f"/v1/actions/{first_copy['actions'][0]['id']}", {"what": "Play therapy twice."}
        )
    )
    expect_json(await patch_latest(worker, f"/v1/goals/{second_copy['id']}", {"status": "dropped"}))
    expect_json(await worker.act(next_path, "submit"))
    before = expect_json(await worker.get(next_path))
    progress = {"status": "done", "done_on": "2026-11-02", "note": "Went well."}
    expect_json(await patch_latest(worker, f"/v1/actions/{first_goal['actions'][0]['id']}", progress))
    expect_json(await patch_latest(worker, f"/v1/goals/{second_goal['id']}", {"status": "achieved"}))
    after = expect_json(await worker.get(next_path))
    first_copy, second_copy = get_goals(after)
    assert first_copy["actions"][0].items() >= {**progress, "what": "Play therapy twice."}.items()
    assert second_copy["status"] == "dropped", "the status set in the draft is kept"
    assert after["version"] == before["version"] + 1
    for action in first_goal["actions"]:
        expect_json(await patch_latest(worker, f"/v1/actions/{action['id']}", {"status": "dropped"}))
    response = await scenario.supervisor_north.act(next_path, "approve")
    assert parse_unmet_conditions(response) == {("/areas/emotional_health/goals/0/actions", "action_missing")}
    assert expect_json(await worker.get(next_path))["status"] == "submitted"


async def test_changes_of_an_edition_list_areas_goals_actions_and_texts(scenario: Scenario) -> None:
    path, plan = await create_approved_plan_with_two_goals(scenario)
    worker, (first_goal, second_goal) = scenario.worker_north, get_goals(plan)
    first_changes = expect_json(await worker.get(f"{path}/changes"))
    assert (first_changes["edition"], first_changes["previous_id"], len(first_changes["areas"])) == (
        1,
        None,
        7,
    )
    assert [
        goal_or_action["change"] for goal_or_action in first_changes["goals"] + first_changes["actions"]
    ] == ["added"] * 5
    assert {text["field"] for text in first_changes["texts"]} == set(CARE_PLAN_PAYLOADS["child"])

    expect_json(
        await patch_latest(worker, f"/v1/actions/{first_goal['actions'][0]['id']}", {"status": "done"})
    )
    expect_json(await patch_latest(worker, f"/v1/goals/{second_goal['id']}", {"status": "achieved"}))
    next_path, draft = await create_next_edition(scenario, plan)
    assert expect_json(await worker.get(f"{next_path}/changes"))["texts"] == []
    [goal] = get_goals(draft)
    expect_json(await patch_latest(worker, f"/v1/goals/{goal['id']}", {"statement": "Sleeps alone."}))
    expect_json(await patch_latest(worker, f"/v1/actions/{goal['actions'][0]['id']}", {"status": "dropped"}))
    expect_json(
        await worker.put(
            f"{next_path}/areas/legal", {"status": "goals"}, etag=await get_etag(next_path, worker)
        )
    )
    added_goal = expect_json(
        await worker.post(f"{next_path}/areas/legal/goals", {"statement": "A lawyer."}), 201
    )
    dropped_goal = expect_json(await worker.post(f"{next_path}/areas/legal/goals", GOAL_PAYLOAD), 201)
    expect_json(await patch_latest(worker, f"/v1/goals/{dropped_goal['id']}", {"status": "dropped"}))
    expect_json(await patch_latest(worker, next_path, {"child_view": None, "needs_social_work": False}))
    changes = expect_json(await worker.get(f"{next_path}/changes"))
    assert changes["areas"] == [
        {
            "area": "legal",
            "before": {"rating": 3, "status": "no_need", "reason": "Strong enough."},
            "after": {"rating": 3, "status": "goals", "reason": None},
        }
    ]
    assert {(change["change"], change["origin_id"]) for change in changes["goals"]} == {
        ("changed", first_goal["id"]), ("achieved", second_goal["id"]), ("added", added_goal["id"]),
    }  # fmt: skip
    [changed_goal] = [change for change in changes["goals"] if change["change"] == "changed"]
    assert (changed_goal["before"]["statement"], changed_goal["after"]["statement"]) == (
        GOAL_PAYLOAD["statement"],
        "Sleeps alone.",
    )
    assert {
        (change["change"], change["origin_id"], change["goal_origin_id"]) for change in changes["actions"]
    } == {
        ("done", first_goal["actions"][0]["id"], first_goal["id"]),
        ("dropped", first_goal["actions"][1]["id"], first_goal["id"]),
        ("dropped", second_goal["actions"][0]["id"], second_goal["id"]),
    }
    assert changes["texts"] == [
        {"field": "child_view", "before": CARE_PLAN_PAYLOADS["child"]["child_view"], "after": None},
        {"field": "needs_social_work", "before": None, "after": False},
    ]


async def test_linking_a_newer_assessment_to_a_draft_plan_resets_status_no_need_of_weak_areas(
    scenario: Scenario,
) -> None:
    case, plan = await create_active_case(scenario)
    next_path, draft = await create_next_edition(scenario, plan)
    assert draft["areas"]["education"]["status"] == "no_need"
    newer = await create_approved_assessment(scenario, case, kind="reassessment", weak_areas=("education",))
    worker = scenario.worker_north
    superseded = {("/assessment_id", "assessment_superseded")}
    assert parse_unmet_conditions(await worker.act(next_path, "submit")) == superseded
    updated = expect_json(await patch_latest(worker, next_path, {"assessment_id": newer["id"]}))
    education, health = updated["areas"]["education"], updated["areas"]["emotional_health"]
    assert (education["rating"], education["status"], education["reason"]) == (2, None, None)
    assert (health["rating"], health["status"], len(health["goals"])) == (3, "goals", 1)
    assert updated["areas"]["legal"]["status"] == "no_need"
    assert parse_unmet_conditions(await worker.act(next_path, "submit")) == {
        ("/areas/education", "area_unanswered")
    }
    response = await patch_latest(worker, next_path, {"assessment_id": plan["assessment_id"]})
    assert parse_unmet_conditions(response) == superseded
    supporter_assessment = await create_approved_assessment(scenario, case, subject="supporter")
    mismatch = await patch_latest(worker, next_path, {"assessment_id": supporter_assessment["id"]})
    assert parse_unmet_pointers(mismatch) == {"assessment_of_another": "/assessment_id"}


async def test_superseded_assessment_blocks_creation_and_approval_of_a_plan(
    scenario: Scenario,
) -> None:
    case, first = await create_assessed_case(scenario)
    list_path, worker = f"/v1/cases/{case['id']}/care-plans", scenario.worker_north
    response = await worker.post(list_path, care_plan_payload(first))
    path = response.headers["location"]
    await fill_care_plan(scenario, expect_json(response, 201))
    expect_json(await worker.act(path, "submit"))
    newer = await create_approved_assessment(
        scenario, case, kind="reassessment", risk_level="high", weak_areas=("legal",)
    )
    superseded = {("/assessment_id", "assessment_superseded")}
    assert parse_unmet_conditions(await scenario.supervisor_north.act(path, "approve")) == superseded
    expect_json(
        await scenario.supervisor_north.act(path, "return", {"comment": "Look at the new assessment."})
    )
    assert parse_unmet_conditions(await worker.post(list_path, care_plan_payload(first))) == {
        *superseded,
        ("/subject", "draft_exists"),
    }
    expect_json(await patch_latest(worker, path, {"assessment_id": newer["id"], "safety_plan": None}))
    assert parse_unmet_conditions(await worker.act(path, "submit")) == {
        ("/areas/legal", "area_unanswered"),
        ("/safety_plan", "safety_plan_missing"),
    }


async def test_area_closed_by_a_review_has_no_goals_in_the_next_edition(
    scenario: Scenario,
) -> None:
    weak_areas = ("emotional_health", "education", "relationships", "legal")
    case, plan = await create_active_case(scenario, weak_areas=weak_areas)
    continued = {"rating": 3, "progress": "Better.", "decision": "continue"}
    closed = {"rating": 4, "progress": "Back in school.", "decision": "close"}
    first_reviews = dict.fromkeys(weak_areas, continued)
    await complete_next_review(scenario, case["id"], areas={**first_reviews, "education": closed})
    del first_reviews["education"]
    second_reviews = {**first_reviews, "relationships": closed, "legal": {**closed, "rating": 2}}
    await complete_next_review(scenario, case["id"], "adapt", areas=second_reviews)
    [draft] = expect_json(
        await scenario.worker_north.get(f"/v1/cases/{case['id']}/care-plans", params={"status": "draft"})
    )["items"]
    areas = expect_json(await scenario.worker_north.get(f"/v1/care-plans/{draft['id']}"))["areas"]
    area_states = {
        area: (areas[area]["rating"], areas[area]["status"], areas[area]["reason"]) for area in weak_areas
    }
    assert area_states == {
        "emotional_health": (3, "goals", None),
        "education": (4, "no_need", "Closed in review 1."),
        "relationships": (4, "no_need", "Closed in review 2."),
        "legal": (2, None, None),
    }
    assert [area for area in weak_areas if areas[area]["goals"]] == ["emotional_health"]
    assert plan["areas"]["education"]["goals"], "the approved plan does not change"


async def test_manually_created_edition_respects_areas_closed_by_reviews(scenario: Scenario) -> None:
    case, plan = await create_active_case(scenario)
    closed = {"rating": 4, "progress": "Laughs again.", "decision": "close"}
    await complete_next_review(scenario, case["id"], areas={"emotional_health": closed})
    _, draft = await create_next_edition(scenario, plan)
    area = draft["areas"]["emotional_health"]
    assert (area["rating"], area["status"], area["goals"]) == (4, "no_need", [])
    assert (area["reason"], draft["author_id"]) == ("Closed in review 1.", str(scenario.worker_north.id))


async def test_supervisor_who_completed_the_review_can_approve_the_adapted_plan(scenario: Scenario) -> None:
    case, _ = await create_active_case(scenario)
    supervisor, worker = scenario.supervisor_north, scenario.worker_north
    expect_json(await supervisor.act(await fill_next_review(scenario, case["id"], "adapt"), "complete"))
    list_path = f"/v1/cases/{case['id']}/care-plans"
    [draft] = expect_json(await worker.get(list_path, params={"status": "draft"}))["items"]
    assert draft["author_id"] == str(worker.id)
    path = f"/v1/care-plans/{draft['id']}"
    expect_json(await worker.act(path, "submit"))
    assert expect_json(await supervisor.act(path, "approve"))["edition"] == 2


async def test_area_rated_strong_by_a_review_requires_no_goal(scenario: Scenario) -> None:
    case, plan = await create_active_case(scenario)
    worker, area = scenario.worker_north, "emotional_health"
    area_review = {"rating": 4, "progress": "Laughs again.", "decision": "close"}
    await complete_next_review(scenario, case["id"], "adapt", areas={area: area_review})
    [draft] = expect_json(await worker.get(f"/v1/cases/{case['id']}/care-plans", params={"status": "draft"}))[
        "items"
    ]
    path = f"/v1/care-plans/{draft['id']}"
    plan_draft = expect_json(await worker.get(path))
    assert (plan_draft["areas"][area]["rating"], plan_draft["previous_id"]) == (4, plan["id"])
    assert plan_draft["areas"][area]["need"] == plan["areas"][area]["need"]
    assert get_goals(plan_draft) == []
    expect_json(await worker.act(path, "submit"))


async def count_status_codes(*requests: Any) -> Counter[int]:
    responses: list[httpx.Response] = await asyncio.gather(*requests)
    return Counter(response.status_code for response in responses)


async def test_concurrent_creation_of_drafts_leaves_one_draft(scenario: Scenario) -> None:
    case, assessment = await create_assessed_case(scenario)
    list_path = f"/v1/cases/{case['id']}/care-plans"
    responses = await asyncio.gather(
        *(scenario.worker_north.post(list_path, care_plan_payload(assessment)) for _ in range(4))
    )
    assert Counter(response.status_code for response in responses) == {201: 1, 409: 3}
    for response in responses:
        assert response.status_code == 201 or parse_unmet_pointers(response) == {"draft_exists": "/subject"}
    assert len(expect_json(await scenario.worker_north.get(list_path))["items"]) == 1


async def test_concurrent_approvals_take_effect_once(scenario: Scenario, superuser_connection: Any) -> None:
    _, plan = await create_active_case(scenario)
    for _ in range(3):
        next_path, _ = await create_next_edition(scenario, plan)
        expect_json(await scenario.worker_north.act(next_path, "submit"))
        etag = await get_etag(next_path, scenario.worker_north)
        approvers = (scenario.supervisor_north, scenario.supervisor_both)
        assert await count_status_codes(
            *(approver.post(f"{next_path}/approve", etag=etag) for approver in approvers)
        ) == {200: 1, 412: 1}
        count_approved_sql = "SELECT count(*) FROM care_plans WHERE status = 'approved'"
        assert await superuser_connection.fetchval(count_approved_sql) == 1
    count_scheduled_sql = "SELECT count(*) FROM reviews WHERE status = 'scheduled'"
    assert await superuser_connection.fetchval(count_scheduled_sql) == 1


async def test_change_concurrent_with_the_submission_is_included_or_rejected(scenario: Scenario) -> None:
    case, assessment = await create_assessed_case(scenario)
    worker = scenario.worker_north
    response = await worker.post(f"/v1/cases/{case['id']}/care-plans", care_plan_payload(assessment))
    path = response.headers["location"]
    await fill_care_plan(scenario, expect_json(response, 201))
    for _ in range(4):
        etag = await get_etag(path, worker)
        goals_path = f"{path}/areas/emotional_health/goals"
        submission, area_update, goal_creation = await asyncio.gather(
            worker.post(f"{path}/submit", etag=etag),
            worker.put(f"{path}/areas/legal", NO_NEED_PAYLOAD, etag=etag),
            worker.post(goals_path, GOAL_PAYLOAD),
        )
        assert {submission.status_code, area_update.status_code} <= {200, 409, 412}
        assert [submission.status_code, area_update.status_code].count(200) <= 1
        plan = expect_json(await worker.get(path))
        assert (plan["status"] == "submitted") == (submission.status_code == 200)
        if plan["status"] == "submitted":
            assert parse_unmet_pointers(goal_creation) == {"frozen": "/status"}
            assert area_update.status_code == 412
            etag = await get_etag(path, worker)
            responses = await asyncio.gather(
                scenario.supervisor_north.post(f"{path}/return", {"comment": "More."}, etag=etag),
                worker.put(f"{path}/areas/legal", NO_NEED_PAYLOAD, etag=etag),
            )
            assert responses[0].status_code == 200
            assert responses[1].status_code in {409, 412}
        else:
            extra_goal = expect_json(goal_creation, 201)
            expect_json(await patch_latest(worker, f"/v1/goals/{extra_goal['id']}", {"status": "dropped"}))


async def test_progress_concurrent_with_approval_of_the_next_edition_is_not_lost(scenario: Scenario) -> None:
    _, plan = await create_approved_plan_with_two_goals(scenario)
    worker = scenario.worker_north
    next_path, draft = await create_next_edition(scenario, plan)
    expect_json(await worker.act(next_path, "submit"))
    action = get_goals(plan)[0]["actions"][0]
    plan_etag, action_etag = (
        await get_etag(next_path, worker),
        await get_etag(f"/v1/actions/{action['id']}", worker),
    )
    approval, progress = await asyncio.gather(
        scenario.supervisor_north.post(f"{next_path}/approve", etag=plan_etag),
        worker.patch(f"/v1/actions/{action['id']}", {"status": "done"}, etag=action_etag),
    )
    copied_action = expect_json(await worker.get(f"/v1/actions/{get_goals(draft)[0]['actions'][0]['id']}"))
    if progress.status_code == 200:
        assert (copied_action["status"], copied_action["done_on"]) == ("done", today().isoformat())
        assert approval.status_code == 412, "the progress changed the version of the draft"
    else:
        assert parse_unmet_pointers(progress) == {"frozen": "/status"}
        assert approval.status_code == 200
        assert copied_action["status"] == "open"


async def test_query_count_of_a_care_plan_is_independent_of_the_number_of_goals(scenario: Scenario) -> None:
    path, plan = await create_approved_plan_with_two_goals(scenario)
    with record_statements(scenario) as statements_for_few:
        await scenario.worker_north.get(path)
    next_path, _ = await create_next_edition(scenario, plan)
    for area in ("emotional_health", "legal"):
        if area == "legal":
            etag = await get_etag(next_path, scenario.worker_north)
            expect_json(
                await scenario.worker_north.put(f"{next_path}/areas/legal", {"status": "goals"}, etag=etag)
            )
        for _ in range(3):
            goal = expect_json(
                await scenario.worker_north.post(f"{next_path}/areas/{area}/goals", GOAL_PAYLOAD), 201
            )
            expect_json(
                await scenario.worker_north.post(f"/v1/goals/{goal['id']}/actions", ACTION_PAYLOAD), 201
            )
    with record_statements(scenario) as statements_for_many:
        await scenario.worker_north.get(next_path)
    # the plan with the names of its staff, its areas, goals and actions
    assert len(statements_for_few) == len(statements_for_many) == 4, statements_for_many
