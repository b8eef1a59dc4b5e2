"""What a care plan must say, what becomes of it, and how its goals and actions go."""

from collections.abc import Iterator
from random import Random
from typing import Any

from tests.model.assessments import DRAFTS, a_comment, decide, frozen, hand_in, wrote
from tests.model.days import schedule, today
from tests.model.plans import GAPS, VIEWS, editions, outdated, untrue_no_need
from tests.model.story import SUPERVISORS, Record, Scene, Story, Told, act, blob, new_id, refuse, unwritable
from tests.pathway import AREAS

# What a plan must say, and what becomes of it


def lacking(story: Story, plan: Record) -> list[str]:
    for_child = plan["subject"] == "child"
    asked = VIEWS if for_child else (*GAPS, "needs_social_work")
    missing = outdated(story, plan.knows["assessment"])
    missing += [f"{name}_missing" for name in asked if plan[name] is None]
    if plan.knows["assessment"]["risk_level"] == "high" and plan["safety_plan"] is None:
        missing.append("safety_plan_missing")
    for area, said in plan["areas"].items():
        goals = story.of("goals", plan, area=area)
        if said["status"] is None and for_child:
            missing.append("area_unanswered")
        if said["status"] == "no_need":
            missing += untrue_no_need(said, goals)
        if said["status"] == "goals" and all(goal["status"] == "dropped" for goal in goals):
            missing.append("goal_missing")
        missing += ["action_missing" for goal in goals if goal["status"] == "open" and idle(story, goal)]
    return missing


def idle(story: Story, goal: Record) -> bool:
    return all(action["status"] == "dropped" for action in story.of("actions", goal))


@act("POST /care-plans/{id}/submit", "care_plans", weight=40)
def submit_plan(s: Scene) -> Iterator[None]:
    return hand_in(s, lacking(s.story, s.record))


@act("POST /care-plans/{id}/approve", "care_plans", SUPERVISORS, weight=40)
def approve_plan(s: Scene) -> Iterator[None]:
    _, before = editions(s.story, s.case, s.record["subject"], s.record["person_id"])
    yield from decide(s, "approved", lacking(s.story, s.record))
    if before:
        before.write(status="superseded")
    if s.record["subject"] != "child":
        return
    if s.case["status"] in {"assessment", "planning"}:
        s.case.write(status="active")
    waiting = s.story.of("reviews", s.case, status="scheduled")
    for review in waiting:
        review.write()
        review.knows["plan"] = s.record
    if not waiting:
        schedule(s.story, s.case, s.record, today())


@act("POST /care-plans/{id}/return", "care_plans", SUPERVISORS, tell=a_comment)
def return_plan(s: Scene) -> Iterator[None]:
    return decide(s, "returned", [])


def goal_words(rng: Random, story: Story, plan: Record) -> Told | None:
    having = {goal["area"] for goal in story.of("goals", plan) if goal["status"] != "dropped"}
    weak = [area for area, said in plan["areas"].items() if said["rating"] in {1, 2} and area not in having]
    if not weak and rng.random() < 0.9:
        return None
    area = rng.choice(weak if weak and rng.random() < 0.8 else list(AREAS))
    body = {"id": new_id(rng), "statement": blob("Sleeps through the night.", rng)}
    return (
        Told({**body, "statement": None}, wrong=True, area=area)
        if rng.random() < 0.05
        else Told(body, area=area)
    )


@act("POST /care-plans/{id}/areas/{area}/goals", "care_plans", tell=goal_words, versioned=False, weight=12)
def add_goal(s: Scene) -> Iterator[None]:
    plan, area = s.record, s.record["areas"][s.area]
    refuse(unwritable(s), frozen(plan), ["no_need"] if area["status"] == "no_need" else [])
    yield
    says = {"area": s.area, "statement": s.said["statement"], "status": "open", "origin_id": s.said["id"]}
    s.story.add("goals", plan, says, s.said["id"])
    wrote(plan, s.me, areas={**plan["areas"], s.area: {**area, "status": "goals"}})


def action_words(rng: Random, story: Story, goal: Record) -> Told | None:
    if not idle(story, goal) and rng.random() < 0.9:
        return None
    body = {"id": new_id(rng), "what": blob("Play therapy.", rng), "by": "worker", "due_on": "2027-01-31"}
    return Told({**body, "by": "nobody"}, wrong=True) if rng.random() < 0.05 else Told(body)


@act("POST /goals/{id}/actions", "goals", tell=action_words, versioned=False, weight=12)
def add_action(s: Scene) -> Iterator[None]:
    plan = plan_of(s.record)
    refuse(unwritable(s), frozen(plan))
    yield
    says = {name: s.said[name] for name in ("what", "by", "due_on")}
    says |= {"status": "open", "done_on": None, "origin_id": s.said["id"]}
    s.story.add("actions", s.record, says, s.said["id"])
    s.record.write()
    wrote(plan, s.me)


def plan_of(part: Record) -> Record:
    found = part if part.kind == "goals" else part.up
    assert found
    assert found.up
    return found.up


def progress(rng: Random, _story: Story, part: Record) -> Told:
    if rng.random() < 0.25:
        return Told({"statement" if part.kind == "goals" else "what": blob("Sleeps well.", rng)})
    return Told({"status": rng.choice(["open", "achieved" if part.kind == "goals" else "done", "dropped"])})


def changed(s: Scene, extra: dict[str, Any]) -> Iterator[None]:
    """How it goes is told of a draft and of the plan in force, and then the edition being written learns of it too."""
    plan = plan_of(s.record)
    going = [] if plan["status"] in {*DRAFTS, "approved"} else ["frozen"]
    refuse(unwritable(s), going if "status" in s.said else frozen(plan))
    yield
    twins = [
        one
        for one in s.story.of(s.record.kind, origin_id=s.record["origin_id"], status=s.record["status"])
        if plan["status"] == "approved" and plan_of(one)["previous_id"] == plan.id
    ]
    s.record.write(**s.said, **extra)
    wrote(plan, s.me)
    for twin in twins:
        twin.write(status=s.record["status"], **extra)
        wrote(plan_of(twin), s.me)


@act("PATCH /goals/{id}", "goals", tell=progress)
def change_goal(s: Scene) -> Iterator[None]:
    return changed(s, {})


@act("PATCH /actions/{id}", "actions", tell=progress)
def change_action(s: Scene) -> Iterator[None]:
    status = s.said.get("status", s.record["status"])
    return changed(s, {"done_on": None if status == "open" else today().isoformat()})
