"""Editions of a care plan: the next is a copy, learns of progress, and says what it changes; acts at the same time."""

import asyncio
from collections import Counter
from typing import Any

import httpx

from app.kit.dates import today
from tests.house.test_statements import counted
from tests.pathway import (
    ACTION,
    GOAL,
    PLAN_WORDS,
    active,
    assess,
    assessed,
    done,
    fill_plan,
    reviewed,
    write_review,
)
from tests.services.test_care_plans import NO_NEED, change, etag, refused, told
from tests.services.test_referral_life import unmet
from tests.world import World


def goals_of(plan: dict[str, Any], area: str = "emotional_health") -> list[dict[str, Any]]:
    goals: list[dict[str, Any]] = plan["areas"][area]["goals"]
    return goals


async def next_edition(world: World, plan: dict[str, Any], **changes: Any) -> tuple[str, dict[str, Any]]:
    body = {"subject": "child", "assessment_id": plan["assessment_id"], **changes}
    made = await world.worker_north.post(f"/v1/cases/{plan['case_id']}/care-plans", body)
    return made.headers["location"], done(made, 201)


async def two_goals(world: World) -> tuple[str, dict[str, Any]]:
    """A plan in force with two goals in one area, the first with two actions."""
    case, assessment = await assessed(world)
    worker = world.worker_north
    made = await worker.post(f"/v1/cases/{case['id']}/care-plans", told(assessment))
    path = made.headers["location"]
    plan = await fill_plan(world, done(made, 201))
    first = f"/v1/goals/{goals_of(plan)[0]['id']}"
    done(await worker.post(f"{first}/actions", {**ACTION, "what": "A night light.", "by": "supporter"}), 201)
    goal = done(await worker.post(f"{path}/areas/emotional_health/goals", {"statement": "Laughs."}), 201)
    done(await worker.post(f"/v1/goals/{goal['id']}/actions", {**ACTION, "by": "child"}), 201)
    done(await worker.act(path, "submit"))
    return path, done(await world.supervisor_north.act(path, "approve"))


async def test_the_next_edition_carries_on_what_is_open(world: World) -> None:
    path, plan = await two_goals(world)
    worker, (one, two) = world.worker_north, goals_of(plan)
    done(await change(worker, f"/v1/actions/{one['actions'][0]['id']}", {"status": "done"}))
    done(await change(worker, f"/v1/goals/{two['id']}", {"status": "achieved"}))
    later, copy = await next_edition(world, plan)
    assert (copy["edition"], copy["previous_id"], copy["status"]) == (2, plan["id"], "draft")
    assert copy.items() >= PLAN_WORDS["child"].items()
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

    done(await worker.act(later, "submit"))
    done(await world.supervisor_north.act(later, "approve"))
    out = await worker.get(path)
    assert (out.json()["status"], out.headers["etag"]) == ("superseded", f'"{plan["version"] + 3}"')
    frozen = await change(worker, f"/v1/goals/{one['id']}", {"status": "dropped"})
    assert unmet(frozen) == {"frozen": "/status"}
    third, copy = await next_edition(world, plan)
    assert (copy["edition"], goals_of(copy)[0]["origin_id"]) == (3, one["id"])
    listed = done(await worker.get(f"/v1/cases/{plan['case_id']}/care-plans"))["items"]
    assert [(item["edition"], item["status"]) for item in listed] == [
        (3, "draft"), (2, "approved"), (1, "superseded"),
    ]  # fmt: skip
    assert third != later


async def test_the_scheduled_review_stays_when_the_next_edition_is_approved(world: World) -> None:
    case, plan = await active(world)
    later, _ = await next_edition(world, plan)
    done(await world.worker_north.act(later, "submit"))
    done(await world.supervisor_north.act(later, "approve"))
    now_ = done(await world.worker_north.get(f"/v1/cases/{case['id']}"))
    assert (now_["status"], now_["next_review_on"]) == ("active", case["next_review_on"])
    lines = done(await world.worker_north.get(f"/v1/cases/{case['id']}/timeline"))["items"]
    assert Counter(line["kind"] for line in lines).items() >= {
        "care_plan_started": 2, "care_plan_approved": 2, "case_activated": 1, "review_scheduled": 1,
    }.items()  # fmt: skip


async def test_progress_on_the_plan_in_force_reaches_the_edition_that_is_being_written(world: World) -> None:
    _, plan = await two_goals(world)
    worker, (one, two) = world.worker_north, goals_of(plan)
    later, copy = await next_edition(world, plan)
    mine, theirs = goals_of(copy)
    done(await change(worker, f"/v1/actions/{mine['actions'][0]['id']}", {"what": "Play therapy twice."}))
    done(await change(worker, f"/v1/goals/{theirs['id']}", {"status": "dropped"}))
    done(await worker.act(later, "submit"))
    before = done(await worker.get(later))
    told_of = {"status": "done", "done_on": "2026-11-02", "note": "Went well."}
    done(await change(worker, f"/v1/actions/{one['actions'][0]['id']}", told_of))
    done(await change(worker, f"/v1/goals/{two['id']}", {"status": "achieved"}))
    after = done(await worker.get(later))
    mine, theirs = goals_of(after)
    assert mine["actions"][0].items() >= {**told_of, "what": "Play therapy twice."}.items()
    assert theirs["status"] == "dropped", "what the draft decided by itself stays"
    assert after["version"] == before["version"] + 1
    for action in one["actions"]:
        done(await change(worker, f"/v1/actions/{action['id']}", {"status": "dropped"}))
    gone = await world.supervisor_north.act(later, "approve")
    assert refused(gone) == {("/areas/emotional_health/goals/0/actions", "action_missing")}
    assert done(await worker.get(later))["status"] == "submitted"


async def test_an_edition_tells_what_it_changes(world: World) -> None:
    path, plan = await two_goals(world)
    worker, (one, two) = world.worker_north, goals_of(plan)
    first = done(await worker.get(f"{path}/changes"))
    assert (first["edition"], first["previous_id"], len(first["areas"])) == (1, None, 7)
    assert [change["change"] for change in first["goals"] + first["actions"]] == ["added"] * 5
    assert {text["field"] for text in first["texts"]} == set(PLAN_WORDS["child"])

    done(await change(worker, f"/v1/actions/{one['actions'][0]['id']}", {"status": "done"}))
    done(await change(worker, f"/v1/goals/{two['id']}", {"status": "achieved"}))
    later, copy = await next_edition(world, plan)
    assert done(await worker.get(f"{later}/changes"))["texts"] == []
    [goal] = goals_of(copy)
    done(await change(worker, f"/v1/goals/{goal['id']}", {"statement": "Sleeps alone."}))
    done(await change(worker, f"/v1/actions/{goal['actions'][0]['id']}", {"status": "dropped"}))
    done(await worker.put(f"{later}/areas/legal", {"status": "goals"}, etag=await etag(later, worker)))
    added = done(await worker.post(f"{later}/areas/legal/goals", {"statement": "A lawyer."}), 201)
    whim = done(await worker.post(f"{later}/areas/legal/goals", GOAL), 201)
    done(await change(worker, f"/v1/goals/{whim['id']}", {"status": "dropped"}))
    done(await change(worker, later, {"child_view": None, "needs_social_work": False}))
    told_of = done(await worker.get(f"{later}/changes"))
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
        GOAL["statement"],
        "Sleeps alone.",
    )
    assert {(c["change"], c["origin_id"], c["goal_origin_id"]) for c in told_of["actions"]} == {
        ("done", one["actions"][0]["id"], one["id"]),
        ("dropped", one["actions"][1]["id"], one["id"]),
        ("dropped", two["actions"][0]["id"], two["id"]),
    }
    assert told_of["texts"] == [
        {"field": "child_view", "before": PLAN_WORDS["child"]["child_view"], "after": None},
        {"field": "needs_social_work", "before": None, "after": False},
    ]


async def test_a_draft_may_rest_on_a_newer_assessment_and_no_need_does_not_outlive_it(world: World) -> None:
    case, plan = await active(world)
    later, copy = await next_edition(world, plan)
    assert copy["areas"]["education"]["status"] == "no_need"
    newer = await assess(world, case, kind="reassessment", weak=("education",))
    worker = world.worker_north
    outdated = {("/assessment_id", "assessment_superseded")}
    assert refused(await worker.act(later, "submit")) == outdated
    rested = done(await change(worker, later, {"assessment_id": newer["id"]}))
    education, health = rested["areas"]["education"], rested["areas"]["emotional_health"]
    assert (education["rating"], education["status"], education["reason"]) == (2, None, None)
    assert (health["rating"], health["status"], len(health["goals"])) == (3, "goals", 1)
    assert rested["areas"]["legal"]["status"] == "no_need"
    assert refused(await worker.act(later, "submit")) == {("/areas/education", "area_unanswered")}
    back = await change(worker, later, {"assessment_id": plan["assessment_id"]})
    assert refused(back) == outdated
    of_another = await assess(world, case, subject="supporter")
    wrong = await change(worker, later, {"assessment_id": of_another["id"]})
    assert unmet(wrong) == {"assessment_of_another": "/assessment_id"}


async def test_no_plan_is_begun_or_approved_on_an_assessment_that_another_followed(world: World) -> None:
    case, first = await assessed(world)
    here, worker = f"/v1/cases/{case['id']}/care-plans", world.worker_north
    made = await worker.post(here, told(first))
    path = made.headers["location"]
    await fill_plan(world, done(made, 201))
    done(await worker.act(path, "submit"))
    newer = await assess(world, case, kind="reassessment", risk_level="high", weak=("legal",))
    outdated = {("/assessment_id", "assessment_superseded")}
    assert refused(await world.supervisor_north.act(path, "approve")) == outdated
    done(await world.supervisor_north.act(path, "return", {"comment": "Look at the new assessment."}))
    assert refused(await worker.post(here, told(first))) == {*outdated, ("/subject", "draft_exists")}
    done(await change(worker, path, {"assessment_id": newer["id"], "safety_plan": None}))
    assert refused(await worker.act(path, "submit")) == {
        ("/areas/legal", "area_unanswered"),
        ("/safety_plan", "safety_plan_missing"),
    }


async def test_an_area_that_reviews_closed_does_not_come_back_with_the_next_edition(world: World) -> None:
    weak = ("emotional_health", "education", "relationships", "legal")
    case, plan = await active(world, weak=weak)
    going_on = {"rating": 3, "progress": "Better.", "decision": "continue"}
    closing = {"rating": 4, "progress": "Back in school.", "decision": "close"}
    all_on = dict.fromkeys(weak, going_on)
    await reviewed(world, case["id"], areas={**all_on, "education": closing})
    del all_on["education"]
    shut = {**all_on, "relationships": closing, "legal": {**closing, "rating": 2}}
    await reviewed(world, case["id"], "adapt", areas=shut)
    [draft] = done(
        await world.worker_north.get(f"/v1/cases/{case['id']}/care-plans", params={"status": "draft"})
    )["items"]
    found = done(await world.worker_north.get(f"/v1/care-plans/{draft['id']}"))["areas"]
    told_of = {area: (found[area]["rating"], found[area]["status"], found[area]["reason"]) for area in weak}
    assert told_of == {
        "emotional_health": (3, "goals", None),
        "education": (4, "no_need", "Closed in review 1."),
        "relationships": (4, "no_need", "Closed in review 2."),
        "legal": (2, None, None),
    }
    assert [area for area in weak if found[area]["goals"]] == ["emotional_health"]
    assert plan["areas"]["education"]["goals"], "in the plan in force it stands as it was"


async def test_an_edition_begun_by_hand_knows_what_reviews_closed(world: World) -> None:
    case, plan = await active(world)
    closing = {"rating": 4, "progress": "Laughs again.", "decision": "close"}
    await reviewed(world, case["id"], areas={"emotional_health": closing})
    _, copy = await next_edition(world, plan)
    area = copy["areas"]["emotional_health"]
    assert (area["rating"], area["status"], area["goals"]) == (4, "no_need", [])
    assert (area["reason"], copy["author_id"]) == ("Closed in review 1.", str(world.worker_north.id))


async def test_who_completes_a_review_may_decide_on_the_edition_that_it_asks_for(world: World) -> None:
    case, _ = await active(world)
    boss, worker = world.supervisor_north, world.worker_north
    done(await boss.act(await write_review(world, case["id"], "adapt"), "complete"))
    here = f"/v1/cases/{case['id']}/care-plans"
    [draft] = done(await worker.get(here, params={"status": "draft"}))["items"]
    assert draft["author_id"] == str(worker.id)
    path = f"/v1/care-plans/{draft['id']}"
    done(await worker.act(path, "submit"))
    assert done(await boss.act(path, "approve"))["edition"] == 2


async def test_an_area_that_a_review_found_strong_needs_no_goal_any_more(world: World) -> None:
    case, plan = await active(world)
    worker, area = world.worker_north, "emotional_health"
    strong = {"rating": 4, "progress": "Laughs again.", "decision": "close"}
    await reviewed(world, case["id"], "adapt", areas={area: strong})
    [draft] = done(await worker.get(f"/v1/cases/{case['id']}/care-plans", params={"status": "draft"}))[
        "items"
    ]
    path = f"/v1/care-plans/{draft['id']}"
    found = done(await worker.get(path))
    assert (found["areas"][area]["rating"], found["previous_id"]) == (4, plan["id"])
    assert found["areas"][area]["need"] == plan["areas"][area]["need"]
    assert goals_of(found) == []
    done(await worker.act(path, "submit"))


async def answers(*calls: Any) -> Counter[int]:
    found: list[httpx.Response] = await asyncio.gather(*calls)
    return Counter(answer.status_code for answer in found)


async def test_of_two_drafts_begun_at_once_there_is_one(world: World) -> None:
    case, assessment = await assessed(world)
    here = f"/v1/cases/{case['id']}/care-plans"
    found = await asyncio.gather(*(world.worker_north.post(here, told(assessment)) for _ in range(4)))
    assert Counter(answer.status_code for answer in found) == {201: 1, 409: 3}
    for answer in found:
        assert answer.status_code == 201 or unmet(answer) == {"draft_exists": "/subject"}
    assert len(done(await world.worker_north.get(here))["items"]) == 1


async def test_of_two_approvals_at_once_one_counts(world: World, superuser: Any) -> None:
    _, plan = await active(world)
    for _ in range(3):
        later, _ = await next_edition(world, plan)
        done(await world.worker_north.act(later, "submit"))
        seen = await etag(later, world.worker_north)
        both = (world.supervisor_north, world.supervisor_both)
        assert await answers(*(by.post(f"{later}/approve", etag=seen) for by in both)) == {200: 1, 412: 1}
        in_force = "SELECT count(*) FROM care_plans WHERE status = 'approved'"
        assert await superuser.fetchval(in_force) == 1
    reviews = "SELECT count(*) FROM reviews WHERE status = 'scheduled'"
    assert await superuser.fetchval(reviews) == 1


async def test_what_is_written_while_a_plan_is_submitted_is_in_it_or_refused(world: World) -> None:
    case, assessment = await assessed(world)
    worker = world.worker_north
    made = await worker.post(f"/v1/cases/{case['id']}/care-plans", told(assessment))
    path = made.headers["location"]
    await fill_plan(world, done(made, 201))
    for _ in range(4):
        seen = await etag(path, worker)
        goals = f"{path}/areas/emotional_health/goals"
        submitted, put, goal = await asyncio.gather(
            worker.post(f"{path}/submit", etag=seen),
            worker.put(f"{path}/areas/legal", NO_NEED, etag=seen),
            worker.post(goals, GOAL),
        )
        assert {submitted.status_code, put.status_code} <= {200, 409, 412}
        assert [submitted.status_code, put.status_code].count(200) <= 1
        plan = done(await worker.get(path))
        assert (plan["status"] == "submitted") == (submitted.status_code == 200)
        if plan["status"] == "submitted":
            assert unmet(goal) == {"frozen": "/status"}
            assert put.status_code == 412
            seen = await etag(path, worker)
            found = await asyncio.gather(
                world.supervisor_north.post(f"{path}/return", {"comment": "More."}, etag=seen),
                worker.put(f"{path}/areas/legal", NO_NEED, etag=seen),
            )
            assert found[0].status_code == 200
            assert found[1].status_code in {409, 412}
        else:
            dropped = done(goal, 201)
            done(await change(worker, f"/v1/goals/{dropped['id']}", {"status": "dropped"}))


async def test_progress_told_while_the_next_edition_is_approved_is_not_lost(world: World) -> None:
    _, plan = await two_goals(world)
    worker = world.worker_north
    later, copy = await next_edition(world, plan)
    done(await worker.act(later, "submit"))
    action = goals_of(plan)[0]["actions"][0]
    seen, part = await etag(later, worker), await etag(f"/v1/actions/{action['id']}", worker)
    approved, told_of = await asyncio.gather(
        world.supervisor_north.post(f"{later}/approve", etag=seen),
        worker.patch(f"/v1/actions/{action['id']}", {"status": "done"}, etag=part),
    )
    carried = done(await worker.get(f"/v1/actions/{goals_of(copy)[0]['actions'][0]['id']}"))
    if told_of.status_code == 200:
        assert (carried["status"], carried["done_on"]) == ("done", today().isoformat())
        assert approved.status_code == 412, "the plan has changed under the supervisor's eyes"
    else:
        assert unmet(told_of) == {"frozen": "/status"}
        assert approved.status_code == 200
        assert carried["status"] == "open"


async def test_a_whole_plan_takes_as_many_statements_for_many_goals_as_for_few(world: World) -> None:
    path, plan = await two_goals(world)
    with counted(world) as few:
        await world.worker_north.get(path)
    later, _ = await next_edition(world, plan)
    for area in ("emotional_health", "legal"):
        if area == "legal":
            seen = await etag(later, world.worker_north)
            done(await world.worker_north.put(f"{later}/areas/legal", {"status": "goals"}, etag=seen))
        for _ in range(3):
            goal = done(await world.worker_north.post(f"{later}/areas/{area}/goals", GOAL), 201)
            done(await world.worker_north.post(f"/v1/goals/{goal['id']}/actions", ACTION), 201)
    with counted(world) as many:
        await world.worker_north.get(later)
    assert len(few) == len(many) == 5, many  # the actor's event, the plan, its parts by kind
