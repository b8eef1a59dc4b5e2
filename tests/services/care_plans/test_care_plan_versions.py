"""Editions of a care plan: the next is a copy, learns of progress, and says what it changes; acts at the same time."""

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


def goals_of(plan: dict[str, Any], area: str = "emotional_health") -> list[dict[str, Any]]:
    goals: list[dict[str, Any]] = plan["areas"][area]["goals"]
    return goals


async def next_edition(
    scenario: Scenario, plan: dict[str, Any], **changes: Any
) -> tuple[str, dict[str, Any]]:
    body = {"subject": "child", "assessment_id": plan["assessment_id"], **changes}
    made = await scenario.worker_north.post(f"/v1/cases/{plan['case_id']}/care-plans", body)
    return made.headers["location"], expect_json(made, 201)


async def two_goals(scenario: Scenario) -> tuple[str, dict[str, Any]]:
    """A plan in force with two goals in one area, the first with two actions."""
    case, assessment = await create_assessed_case(scenario)
    worker = scenario.worker_north
    made = await worker.post(f"/v1/cases/{case['id']}/care-plans", care_plan_payload(assessment))
    path = made.headers["location"]
    plan = await fill_care_plan(scenario, expect_json(made, 201))
    first = f"/v1/goals/{goals_of(plan)[0]['id']}"
    expect_json(
        await worker.post(
            f"{first}/actions", {**ACTION_PAYLOAD, "what": "A night light.", "by": "supporter"}
        ),
        201,
    )
    goal = expect_json(
        await worker.post(f"{path}/areas/emotional_health/goals", {"statement": "Laughs."}), 201
    )
    expect_json(await worker.post(f"/v1/goals/{goal['id']}/actions", {**ACTION_PAYLOAD, "by": "child"}), 201)
    expect_json(await worker.act(path, "submit"))
    return path, expect_json(await scenario.supervisor_north.act(path, "approve"))


async def test_the_next_edition_carries_on_what_is_open(scenario: Scenario) -> None:
    path, plan = await two_goals(scenario)
    worker, (one, two) = scenario.worker_north, goals_of(plan)
    expect_json(await patch_latest(worker, f"/v1/actions/{one['actions'][0]['id']}", {"status": "done"}))
    expect_json(await patch_latest(worker, f"/v1/goals/{two['id']}", {"status": "achieved"}))
    later, copy = await next_edition(scenario, plan)
    assert (copy["edition"], copy["previous_id"], copy["status"]) == (2, plan["id"], "draft")
    assert copy.items() >= CARE_PLAN_PAYLOADS["child"].items()
    [goal] = goals_of(copy)
    [action] = goal["actions"]
    assert goal["id"] != one["id"] == goal["origin_id"]
    assert (goal["statement"], goal["strengths_used"]) == (one["statement"], one["strengths_used"])
    assert action["origin_id"] == one["actions"][1]["id"]
    assert (action["goal_id"], action["plan_id"], action["what"]) == (
        goal["id"],
        copy["id"],
        "A night light.",
    )
    assert copy["areas"]["legal"] == plan["areas"]["legal"]

    expect_json(await worker.act(later, "submit"))
    expect_json(await scenario.supervisor_north.act(later, "approve"))
    out = await worker.get(path)
    assert (out.json()["status"], out.headers["etag"]) == ("superseded", f'"{plan["version"] + 3}"')
    frozen = await patch_latest(worker, f"/v1/goals/{one['id']}", {"status": "dropped"})
    assert parse_unmet_pointers(frozen) == {"frozen": "/status"}
    third, copy = await next_edition(scenario, plan)
    assert (copy["edition"], goals_of(copy)[0]["origin_id"]) == (3, one["id"])
    listed = expect_json(await worker.get(f"/v1/cases/{plan['case_id']}/care-plans"))["items"]
    assert [(item["edition"], item["status"]) for item in listed] == [
        (3, "draft"), (2, "approved"), (1, "superseded"),
    ]  # fmt: skip
    assert third != later


async def test_the_scheduled_review_stays_when_the_next_edition_is_approved(scenario: Scenario) -> None:
    case, plan = await create_active_case(scenario)
    later, _ = await next_edition(scenario, plan)
    expect_json(await scenario.worker_north.act(later, "submit"))
    expect_json(await scenario.supervisor_north.act(later, "approve"))
    now_ = expect_json(await scenario.worker_north.get(f"/v1/cases/{case['id']}"))
    assert (now_["status"], now_["next_review_on"]) == ("active", case["next_review_on"])
    lines = expect_json(await scenario.worker_north.get(f"/v1/cases/{case['id']}/timeline"))["items"]
    assert Counter(line["kind"] for line in lines).items() >= {
        "care_plan_started": 2, "care_plan_approved": 2, "case_activated": 1, "review_scheduled": 1,
    }.items()  # fmt: skip


async def test_progress_on_the_plan_in_force_reaches_the_edition_that_is_being_written(
    scenario: Scenario,
) -> None:
    _, plan = await two_goals(scenario)
    worker, (one, two) = scenario.worker_north, goals_of(plan)
    later, copy = await next_edition(scenario, plan)
    mine, theirs = goals_of(copy)
    expect_json(
        await patch_latest(worker, f"/v1/actions/{mine['actions'][0]['id']}", {"what": "Play therapy twice."})
    )
    expect_json(await patch_latest(worker, f"/v1/goals/{theirs['id']}", {"status": "dropped"}))
    expect_json(await worker.act(later, "submit"))
    before = expect_json(await worker.get(later))
    told_of = {"status": "done", "done_on": "2026-11-02", "note": "Went well."}
    expect_json(await patch_latest(worker, f"/v1/actions/{one['actions'][0]['id']}", told_of))
    expect_json(await patch_latest(worker, f"/v1/goals/{two['id']}", {"status": "achieved"}))
    after = expect_json(await worker.get(later))
    mine, theirs = goals_of(after)
    assert mine["actions"][0].items() >= {**told_of, "what": "Play therapy twice."}.items()
    assert theirs["status"] == "dropped", "what the draft decided by itself stays"
    assert after["version"] == before["version"] + 1
    for action in one["actions"]:
        expect_json(await patch_latest(worker, f"/v1/actions/{action['id']}", {"status": "dropped"}))
    gone = await scenario.supervisor_north.act(later, "approve")
    assert parse_unmet_conditions(gone) == {("/areas/emotional_health/goals/0/actions", "action_missing")}
    assert expect_json(await worker.get(later))["status"] == "submitted"


async def test_an_edition_tells_what_it_changes(scenario: Scenario) -> None:
    path, plan = await two_goals(scenario)
    worker, (one, two) = scenario.worker_north, goals_of(plan)
    first = expect_json(await worker.get(f"{path}/changes"))
    assert (first["edition"], first["previous_id"], len(first["areas"])) == (1, None, 7)
    assert [change["change"] for change in first["goals"] + first["actions"]] == ["added"] * 5
    assert {text["field"] for text in first["texts"]} == set(CARE_PLAN_PAYLOADS["child"])

    expect_json(await patch_latest(worker, f"/v1/actions/{one['actions'][0]['id']}", {"status": "done"}))
    expect_json(await patch_latest(worker, f"/v1/goals/{two['id']}", {"status": "achieved"}))
    later, copy = await next_edition(scenario, plan)
    assert expect_json(await worker.get(f"{later}/changes"))["texts"] == []
    [goal] = goals_of(copy)
    expect_json(await patch_latest(worker, f"/v1/goals/{goal['id']}", {"statement": "Sleeps alone."}))
    expect_json(await patch_latest(worker, f"/v1/actions/{goal['actions'][0]['id']}", {"status": "dropped"}))
    expect_json(
        await worker.put(f"{later}/areas/legal", {"status": "goals"}, etag=await get_etag(later, worker))
    )
    added = expect_json(await worker.post(f"{later}/areas/legal/goals", {"statement": "A lawyer."}), 201)
    whim = expect_json(await worker.post(f"{later}/areas/legal/goals", GOAL_PAYLOAD), 201)
    expect_json(await patch_latest(worker, f"/v1/goals/{whim['id']}", {"status": "dropped"}))
    expect_json(await patch_latest(worker, later, {"child_view": None, "needs_social_work": False}))
    told_of = expect_json(await worker.get(f"{later}/changes"))
    assert told_of["areas"] == [
        {
            "area": "legal",
            "before": {"rating": 3, "status": "no_need", "reason": "Strong enough."},
            "after": {"rating": 3, "status": "goals", "reason": None},
        }
    ]
    assert {(c["change"], c["origin_id"]) for c in told_of["goals"]} == {
        ("changed", one["id"]), ("achieved", two["id"]), ("added", added["id"]),
    }  # fmt: skip
    [changed] = [c for c in told_of["goals"] if c["change"] == "changed"]
    assert (changed["before"]["statement"], changed["after"]["statement"]) == (
        GOAL_PAYLOAD["statement"],
        "Sleeps alone.",
    )
    assert {(c["change"], c["origin_id"], c["goal_origin_id"]) for c in told_of["actions"]} == {
        ("done", one["actions"][0]["id"], one["id"]),
        ("dropped", one["actions"][1]["id"], one["id"]),
        ("dropped", two["actions"][0]["id"], two["id"]),
    }
    assert told_of["texts"] == [
        {"field": "child_view", "before": CARE_PLAN_PAYLOADS["child"]["child_view"], "after": None},
        {"field": "needs_social_work", "before": None, "after": False},
    ]


async def test_a_draft_may_rest_on_a_newer_assessment_and_no_need_does_not_outlive_it(
    scenario: Scenario,
) -> None:
    case, plan = await create_active_case(scenario)
    later, copy = await next_edition(scenario, plan)
    assert copy["areas"]["education"]["status"] == "no_need"
    newer = await create_approved_assessment(scenario, case, kind="reassessment", weak_areas=("education",))
    worker = scenario.worker_north
    outdated = {("/assessment_id", "assessment_superseded")}
    assert parse_unmet_conditions(await worker.act(later, "submit")) == outdated
    rested = expect_json(await patch_latest(worker, later, {"assessment_id": newer["id"]}))
    education, health = rested["areas"]["education"], rested["areas"]["emotional_health"]
    assert (education["rating"], education["status"], education["reason"]) == (2, None, None)
    assert (health["rating"], health["status"], len(health["goals"])) == (3, "goals", 1)
    assert rested["areas"]["legal"]["status"] == "no_need"
    assert parse_unmet_conditions(await worker.act(later, "submit")) == {
        ("/areas/education", "area_unanswered")
    }
    back = await patch_latest(worker, later, {"assessment_id": plan["assessment_id"]})
    assert parse_unmet_conditions(back) == outdated
    of_another = await create_approved_assessment(scenario, case, subject="supporter")
    wrong = await patch_latest(worker, later, {"assessment_id": of_another["id"]})
    assert parse_unmet_pointers(wrong) == {"assessment_of_another": "/assessment_id"}


async def test_no_plan_is_begun_or_approved_on_an_assessment_that_another_followed(
    scenario: Scenario,
) -> None:
    case, first = await create_assessed_case(scenario)
    here, worker = f"/v1/cases/{case['id']}/care-plans", scenario.worker_north
    made = await worker.post(here, care_plan_payload(first))
    path = made.headers["location"]
    await fill_care_plan(scenario, expect_json(made, 201))
    expect_json(await worker.act(path, "submit"))
    newer = await create_approved_assessment(
        scenario, case, kind="reassessment", risk_level="high", weak_areas=("legal",)
    )
    outdated = {("/assessment_id", "assessment_superseded")}
    assert parse_unmet_conditions(await scenario.supervisor_north.act(path, "approve")) == outdated
    expect_json(
        await scenario.supervisor_north.act(path, "return", {"comment": "Look at the new assessment."})
    )
    assert parse_unmet_conditions(await worker.post(here, care_plan_payload(first))) == {
        *outdated,
        ("/subject", "draft_exists"),
    }
    expect_json(await patch_latest(worker, path, {"assessment_id": newer["id"], "safety_plan": None}))
    assert parse_unmet_conditions(await worker.act(path, "submit")) == {
        ("/areas/legal", "area_unanswered"),
        ("/safety_plan", "safety_plan_missing"),
    }


async def test_an_area_that_reviews_closed_does_not_come_back_with_the_next_edition(
    scenario: Scenario,
) -> None:
    weak = ("emotional_health", "education", "relationships", "legal")
    case, plan = await create_active_case(scenario, weak_areas=weak)
    going_on = {"rating": 3, "progress": "Better.", "decision": "continue"}
    closing = {"rating": 4, "progress": "Back in school.", "decision": "close"}
    all_on = dict.fromkeys(weak, going_on)
    await complete_next_review(scenario, case["id"], areas={**all_on, "education": closing})
    del all_on["education"]
    shut = {**all_on, "relationships": closing, "legal": {**closing, "rating": 2}}
    await complete_next_review(scenario, case["id"], "adapt", areas=shut)
    [draft] = expect_json(
        await scenario.worker_north.get(f"/v1/cases/{case['id']}/care-plans", params={"status": "draft"})
    )["items"]
    found = expect_json(await scenario.worker_north.get(f"/v1/care-plans/{draft['id']}"))["areas"]
    told_of = {area: (found[area]["rating"], found[area]["status"], found[area]["reason"]) for area in weak}
    assert told_of == {
        "emotional_health": (3, "goals", None),
        "education": (4, "no_need", "Closed in review 1."),
        "relationships": (4, "no_need", "Closed in review 2."),
        "legal": (2, None, None),
    }
    assert [area for area in weak if found[area]["goals"]] == ["emotional_health"]
    assert plan["areas"]["education"]["goals"], "in the plan in force it stands as it was"


async def test_an_edition_begun_by_hand_knows_what_reviews_closed(scenario: Scenario) -> None:
    case, plan = await create_active_case(scenario)
    closing = {"rating": 4, "progress": "Laughs again.", "decision": "close"}
    await complete_next_review(scenario, case["id"], areas={"emotional_health": closing})
    _, copy = await next_edition(scenario, plan)
    area = copy["areas"]["emotional_health"]
    assert (area["rating"], area["status"], area["goals"]) == (4, "no_need", [])
    assert (area["reason"], copy["author_id"]) == ("Closed in review 1.", str(scenario.worker_north.id))


async def test_who_completes_a_review_may_decide_on_the_edition_that_it_asks_for(scenario: Scenario) -> None:
    case, _ = await create_active_case(scenario)
    boss, worker = scenario.supervisor_north, scenario.worker_north
    expect_json(await boss.act(await fill_next_review(scenario, case["id"], "adapt"), "complete"))
    here = f"/v1/cases/{case['id']}/care-plans"
    [draft] = expect_json(await worker.get(here, params={"status": "draft"}))["items"]
    assert draft["author_id"] == str(worker.id)
    path = f"/v1/care-plans/{draft['id']}"
    expect_json(await worker.act(path, "submit"))
    assert expect_json(await boss.act(path, "approve"))["edition"] == 2


async def test_an_area_that_a_review_found_strong_needs_no_goal_any_more(scenario: Scenario) -> None:
    case, plan = await create_active_case(scenario)
    worker, area = scenario.worker_north, "emotional_health"
    strong = {"rating": 4, "progress": "Laughs again.", "decision": "close"}
    await complete_next_review(scenario, case["id"], "adapt", areas={area: strong})
    [draft] = expect_json(await worker.get(f"/v1/cases/{case['id']}/care-plans", params={"status": "draft"}))[
        "items"
    ]
    path = f"/v1/care-plans/{draft['id']}"
    found = expect_json(await worker.get(path))
    assert (found["areas"][area]["rating"], found["previous_id"]) == (4, plan["id"])
    assert found["areas"][area]["need"] == plan["areas"][area]["need"]
    assert goals_of(found) == []
    expect_json(await worker.act(path, "submit"))


async def answers(*calls: Any) -> Counter[int]:
    found: list[httpx.Response] = await asyncio.gather(*calls)
    return Counter(answer.status_code for answer in found)


async def test_of_two_drafts_begun_at_once_there_is_one(scenario: Scenario) -> None:
    case, assessment = await create_assessed_case(scenario)
    here = f"/v1/cases/{case['id']}/care-plans"
    found = await asyncio.gather(
        *(scenario.worker_north.post(here, care_plan_payload(assessment)) for _ in range(4))
    )
    assert Counter(answer.status_code for answer in found) == {201: 1, 409: 3}
    for answer in found:
        assert answer.status_code == 201 or parse_unmet_pointers(answer) == {"draft_exists": "/subject"}
    assert len(expect_json(await scenario.worker_north.get(here))["items"]) == 1


async def test_of_two_approvals_at_once_one_counts(scenario: Scenario, superuser_connection: Any) -> None:
    _, plan = await create_active_case(scenario)
    for _ in range(3):
        later, _ = await next_edition(scenario, plan)
        expect_json(await scenario.worker_north.act(later, "submit"))
        seen = await get_etag(later, scenario.worker_north)
        both = (scenario.supervisor_north, scenario.supervisor_both)
        assert await answers(*(by.post(f"{later}/approve", etag=seen) for by in both)) == {200: 1, 412: 1}
        in_force = "SELECT count(*) FROM care_plans WHERE status = 'approved'"
        assert await superuser_connection.fetchval(in_force) == 1
    reviews = "SELECT count(*) FROM reviews WHERE status = 'scheduled'"
    assert await superuser_connection.fetchval(reviews) == 1


async def test_what_is_written_while_a_plan_is_submitted_is_in_it_or_refused(scenario: Scenario) -> None:
    case, assessment = await create_assessed_case(scenario)
    worker = scenario.worker_north
    made = await worker.post(f"/v1/cases/{case['id']}/care-plans", care_plan_payload(assessment))
    path = made.headers["location"]
    await fill_care_plan(scenario, expect_json(made, 201))
    for _ in range(4):
        seen = await get_etag(path, worker)
        goals = f"{path}/areas/emotional_health/goals"
        submitted, put, goal = await asyncio.gather(
            worker.post(f"{path}/submit", etag=seen),
            worker.put(f"{path}/areas/legal", NO_NEED_PAYLOAD, etag=seen),
            worker.post(goals, GOAL_PAYLOAD),
        )
        assert {submitted.status_code, put.status_code} <= {200, 409, 412}
        assert [submitted.status_code, put.status_code].count(200) <= 1
        plan = expect_json(await worker.get(path))
        assert (plan["status"] == "submitted") == (submitted.status_code == 200)
        if plan["status"] == "submitted":
            assert parse_unmet_pointers(goal) == {"frozen": "/status"}
            assert put.status_code == 412
            seen = await get_etag(path, worker)
            found = await asyncio.gather(
                scenario.supervisor_north.post(f"{path}/return", {"comment": "More."}, etag=seen),
                worker.put(f"{path}/areas/legal", NO_NEED_PAYLOAD, etag=seen),
            )
            assert found[0].status_code == 200
            assert found[1].status_code in {409, 412}
        else:
            dropped = expect_json(goal, 201)
            expect_json(await patch_latest(worker, f"/v1/goals/{dropped['id']}", {"status": "dropped"}))


async def test_progress_told_while_the_next_edition_is_approved_is_not_lost(scenario: Scenario) -> None:
    _, plan = await two_goals(scenario)
    worker = scenario.worker_north
    later, copy = await next_edition(scenario, plan)
    expect_json(await worker.act(later, "submit"))
    action = goals_of(plan)[0]["actions"][0]
    seen, part = await get_etag(later, worker), await get_etag(f"/v1/actions/{action['id']}", worker)
    approved, told_of = await asyncio.gather(
        scenario.supervisor_north.post(f"{later}/approve", etag=seen),
        worker.patch(f"/v1/actions/{action['id']}", {"status": "done"}, etag=part),
    )
    carried = expect_json(await worker.get(f"/v1/actions/{goals_of(copy)[0]['actions'][0]['id']}"))
    if told_of.status_code == 200:
        assert (carried["status"], carried["done_on"]) == ("done", today().isoformat())
        assert approved.status_code == 412, "the plan has changed under the supervisor's eyes"
    else:
        assert parse_unmet_pointers(told_of) == {"frozen": "/status"}
        assert approved.status_code == 200
        assert carried["status"] == "open"


async def test_a_whole_plan_takes_as_many_statements_for_many_goals_as_for_few(scenario: Scenario) -> None:
    path, plan = await two_goals(scenario)
    with record_statements(scenario) as few:
        await scenario.worker_north.get(path)
    later, _ = await next_edition(scenario, plan)
    for area in ("emotional_health", "legal"):
        if area == "legal":
            seen = await get_etag(later, scenario.worker_north)
            expect_json(
                await scenario.worker_north.put(f"{later}/areas/legal", {"status": "goals"}, etag=seen)
            )
        for _ in range(3):
            goal = expect_json(
                await scenario.worker_north.post(f"{later}/areas/{area}/goals", GOAL_PAYLOAD), 201
            )
            expect_json(
                await scenario.worker_north.post(f"/v1/goals/{goal['id']}/actions", ACTION_PAYLOAD), 201
            )
    with record_statements(scenario) as many:
        await scenario.worker_north.get(later)
    assert len(few) == len(many) == 5, many  # the actor's event, the plan, its parts by kind
