"""What a care plan must say, what becomes of it, and how its goals and actions go."""

from collections.abc import Iterator
from random import Random
from typing import Any

from tests.model_based.assessments import (
    DRAFT_STATUSES,
    check_not_frozen,
    comment_payload,
    record_decision,
    submit_draft,
    update_draft,
)
from tests.model_based.care_plans import (
    GAP_FIELDS,
    VIEW_FIELDS,
    check_assessment_current,
    check_no_need,
    find_draft_and_approved,
)
from tests.model_based.child_model import (
    SUPERVISOR_ROLES,
    ChildModel,
    ModelRecord,
    OperationContext,
    Payload,
    check_writable,
    raise_if_unmet,
    random_id,
    register_operation,
    unique_text,
)
from tests.model_based.dates import schedule_review, today
from tests.support.case_lifecycle import AREAS

# What a plan must say, and what becomes of it


def check_care_plan_complete(story: ChildModel, plan: ModelRecord) -> list[str]:
    for_child = plan["subject"] == "child"
    asked = VIEW_FIELDS if for_child else (*GAP_FIELDS, "needs_social_work")
    missing = check_assessment_current(story, plan.hidden["assessment"])
    missing += [f"{name}_missing" for name in asked if plan[name] is None]
    if plan.hidden["assessment"]["risk_level"] == "high" and plan["safety_plan"] is None:
        missing.append("safety_plan_missing")
    for area, said in plan["areas"].items():
        goals = story.list_records("goals", plan, area=area)
        if said["status"] is None and for_child:
            missing.append("area_unanswered")
        if said["status"] == "no_need":
            missing += check_no_need(said, goals)
        if said["status"] == "goals" and all(goal["status"] == "dropped" for goal in goals):
            missing.append("goal_missing")
        missing += [
            "action_missing" for goal in goals if goal["status"] == "open" and has_no_action(story, goal)
        ]
    return missing


def has_no_action(story: ChildModel, goal: ModelRecord) -> bool:
    return all(action["status"] == "dropped" for action in story.list_records("actions", goal))


@register_operation("POST /care-plans/{id}/submit", "care_plans", weight=40)
def submit_care_plan(s: OperationContext) -> Iterator[None]:
    return submit_draft(s, check_care_plan_complete(s.child, s.record))


@register_operation("POST /care-plans/{id}/approve", "care_plans", SUPERVISOR_ROLES, weight=40)
def approve_care_plan(s: OperationContext) -> Iterator[None]:
    _, before = find_draft_and_approved(s.child, s.case, s.record["subject"], s.record["person_id"])
    yield from record_decision(s, "approved", check_care_plan_complete(s.child, s.record))
    if before:
        before.update(status="superseded")
    if s.record["subject"] != "child":
        return
    if s.case["status"] in {"assessment", "planning"}:
        s.case.update(status="active")
    waiting = s.child.list_records("reviews", s.case, status="scheduled")
    for review in waiting:
        review.update()
        review.hidden["plan"] = s.record
    if not waiting:
        schedule_review(s.child, s.case, s.record, today())


@register_operation(
    "POST /care-plans/{id}/return", "care_plans", SUPERVISOR_ROLES, build_payload=comment_payload
)
def return_care_plan(s: OperationContext) -> Iterator[None]:
    return record_decision(s, "returned", [])


def goal_payload(rng: Random, story: ChildModel, plan: ModelRecord) -> Payload | None:
    having = {goal["area"] for goal in story.list_records("goals", plan) if goal["status"] != "dropped"}
    weak = [area for area, said in plan["areas"].items() if said["rating"] in {1, 2} and area not in having]
    if not weak and rng.random() < 0.9:
        return None
    area = rng.choice(weak if weak and rng.random() < 0.8 else list(AREAS))
    body = {"id": random_id(rng), "statement": unique_text("Sleeps through the night.", rng)}
    return (
        Payload({**body, "statement": None}, is_invalid=True, area=area)
        if rng.random() < 0.05
        else Payload(body, area=area)
    )


@register_operation(
    "POST /care-plans/{id}/areas/{area}/goals",
    "care_plans",
    build_payload=goal_payload,
    requires_version=False,
    weight=12,
)
def create_goal(s: OperationContext) -> Iterator[None]:
    plan, area = s.record, s.record["areas"][s.area]
    raise_if_unmet(
        check_writable(s), check_not_frozen(plan), ["no_need"] if area["status"] == "no_need" else []
    )
    yield
    says = {
        "area": s.area,
        "statement": s.payload["statement"],
        "status": "open",
        "origin_id": s.payload["id"],
    }
    s.child.add_record("goals", plan, says, s.payload["id"])
    update_draft(plan, s.caller_id, areas={**plan["areas"], s.area: {**area, "status": "goals"}})


def action_payload(rng: Random, story: ChildModel, goal: ModelRecord) -> Payload | None:
    if not has_no_action(story, goal) and rng.random() < 0.9:
        return None
    body = {
        "id": random_id(rng),
        "what": unique_text("Play therapy.", rng),
        "by": "worker",
        "due_on": "2027-01-31",
    }
    return Payload({**body, "by": "nobody"}, is_invalid=True) if rng.random() < 0.05 else Payload(body)


@register_operation(
    "POST /goals/{id}/actions", "goals", build_payload=action_payload, requires_version=False, weight=12
)
def create_action(s: OperationContext) -> Iterator[None]:
    plan = care_plan_of(s.record)
    raise_if_unmet(check_writable(s), check_not_frozen(plan))
    yield
    says = {name: s.payload[name] for name in ("what", "by", "due_on")}
    says |= {"status": "open", "done_on": None, "origin_id": s.payload["id"]}
    s.child.add_record("actions", s.record, says, s.payload["id"])
    s.record.update()
    update_draft(plan, s.caller_id)


def care_plan_of(part: ModelRecord) -> ModelRecord:
    found = part if part.kind == "goals" else part.parent
    assert found
    assert found.parent
    return found.parent


def progress_payload(rng: Random, _story: ChildModel, part: ModelRecord) -> Payload:
    if rng.random() < 0.25:
        return Payload({"statement" if part.kind == "goals" else "what": unique_text("Sleeps well.", rng)})
    return Payload(
        {"status": rng.choice(["open", "achieved" if part.kind == "goals" else "done", "dropped"])}
    )


def update_goal_or_action(s: OperationContext, extra: dict[str, Any]) -> Iterator[None]:
    """How it goes is told of a draft and of the plan in force, and then the edition being written learns of it too."""
    plan = care_plan_of(s.record)
    going = [] if plan["status"] in {*DRAFT_STATUSES, "approved"} else ["frozen"]
    raise_if_unmet(check_writable(s), going if "status" in s.payload else check_not_frozen(plan))
    yield
    twins = [
        one
        for one in s.child.list_records(
            s.record.kind, origin_id=s.record["origin_id"], status=s.record["status"]
        )
        if plan["status"] == "approved" and care_plan_of(one)["previous_id"] == plan.id
    ]
    s.record.update(**s.payload, **extra)
    update_draft(plan, s.caller_id)
    for twin in twins:
        twin.update(status=s.record["status"], **extra)
        update_draft(care_plan_of(twin), s.caller_id)


@register_operation("PATCH /goals/{id}", "goals", build_payload=progress_payload)
def update_goal(s: OperationContext) -> Iterator[None]:
    return update_goal_or_action(s, {})


@register_operation("PATCH /actions/{id}", "actions", build_payload=progress_payload)
def update_action(s: OperationContext) -> Iterator[None]:
    status = s.payload.get("status", s.record["status"])
    return update_goal_or_action(s, {"done_on": None if status == "open" else today().isoformat()})
