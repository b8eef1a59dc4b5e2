"""Operations of the model: goals, actions and approval of care plans."""

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
    LEADER_ROLES,
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
from tests.model_based.consents import check_consent_register
from tests.model_based.dates import schedule_review, today
from tests.support.case_lifecycle import AREAS


def check_care_plan_complete(child: ChildModel, plan: ModelRecord) -> list[str]:
    is_child_plan = plan["subject"] == "child"
    required = VIEW_FIELDS if is_child_plan else (*GAP_FIELDS, "needs_social_work")
    unmet = check_assessment_current(child, plan.hidden["assessment"])
    unmet += [f"{name}_missing" for name in required if plan[name] is None]
    if plan.hidden["assessment"]["risk_level"] == "high" and plan["safety_plan"] is None:
        unmet.append("safety_plan_missing")
    for name, area in plan["areas"].items():
        goals = child.list_records("goals", plan, area=name)
        if area["status"] is None and is_child_plan:
            unmet.append("area_unanswered")
        if area["status"] == "no_need":
            unmet += check_no_need(area, goals)
        if area["status"] == "goals" and all(goal["status"] == "dropped" for goal in goals):
            unmet.append("goal_missing")
        unmet += [
            "action_missing" for goal in goals if goal["status"] == "open" and has_no_action(child, goal)
        ]
    return unmet


def has_no_action(child: ChildModel, goal: ModelRecord) -> bool:
    return all(action["status"] == "dropped" for action in child.list_records("actions", goal))


@register_operation("POST /care-plans/{id}/submit", "care_plans", weight=40)
def submit_care_plan(context: OperationContext) -> Iterator[None]:
    return submit_draft(context, check_care_plan_complete(context.child, context.record))


@register_operation("POST /care-plans/{id}/approve", "care_plans", LEADER_ROLES, weight=40)
def approve_care_plan(context: OperationContext) -> Iterator[None]:
    plan = context.record
    _, previous = find_draft_and_approved(context.child, context.case, plan["subject"], plan["person_id"])
    starts_services = plan["subject"] == "child" and context.case["status"] in {"assessment", "planning"}
    unmet = check_consent_register(context.child, context.case, "services") if starts_services else []
    yield from record_decision(context, "approved", [*check_care_plan_complete(context.child, plan), *unmet])
    if previous:
        previous.update(status="superseded")
    if plan["subject"] != "child":
        return
    if context.case["status"] in {"assessment", "planning"}:
        context.case.update(status="active")
    scheduled = context.child.list_records("reviews", context.case, status="scheduled")
    for review in scheduled:
        review.update()
        review.hidden["plan"] = plan
    if not scheduled:
        schedule_review(context.child, context.case, plan, today())


@register_operation("POST /care-plans/{id}/return", "care_plans", LEADER_ROLES, build_payload=comment_payload)
def return_care_plan(context: OperationContext) -> Iterator[None]:
    return record_decision(context, "returned", [])


def goal_payload(rng: Random, child: ChildModel, plan: ModelRecord) -> Payload | None:
    covered = {goal["area"] for goal in child.list_records("goals", plan) if goal["status"] != "dropped"}
    weak = [name for name, area in plan["areas"].items() if area["rating"] in {1, 2} and name not in covered]
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
def create_goal(context: OperationContext) -> Iterator[None]:
    plan, area = context.record, context.record["areas"][context.area]
    raise_if_unmet(
        check_writable(context), check_not_frozen(plan), ["no_need"] if area["status"] == "no_need" else []
    )
    yield
    fields = {
        "area": context.area,
        "statement": context.payload["statement"],
        "status": "open",
        "origin_id": context.payload["id"],
    }
    context.child.add_record("goals", plan, fields, context.payload["id"])
    update_draft(plan, context.caller_id, areas={**plan["areas"], context.area: {**area, "status": "goals"}})


def action_payload(rng: Random, child: ChildModel, goal: ModelRecord) -> Payload | None:
    if not has_no_action(child, goal) and rng.random() < 0.9:
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
def create_action(context: OperationContext) -> Iterator[None]:
    plan = care_plan_of(context.record)
    raise_if_unmet(check_writable(context), check_not_frozen(plan))
    yield
    fields = {name: context.payload[name] for name in ("what", "by", "due_on")}
    fields |= {"status": "open", "done_on": None, "origin_id": context.payload["id"]}
    context.child.add_record("actions", context.record, fields, context.payload["id"])
    context.record.update()
    update_draft(plan, context.caller_id)


def care_plan_of(record: ModelRecord) -> ModelRecord:
    goal = record if record.kind == "goals" else record.parent
    assert goal
    assert goal.parent
    return goal.parent


def progress_payload(rng: Random, _child: ChildModel, record: ModelRecord) -> Payload:
    is_goal = record.kind == "goals"
    if rng.random() < 0.25:
        return Payload({"statement" if is_goal else "what": unique_text("Sleeps well.", rng)})
    return Payload({"status": rng.choice(["open", "achieved" if is_goal else "done", "dropped"])})


def update_goal_or_action(context: OperationContext, fields: dict[str, Any]) -> Iterator[None]:
    """Update a goal or action.

    Its status may also change in an approved plan. The copy in the draft of the next version then changes with it.
    """
    record, plan = context.record, care_plan_of(context.record)
    status_unmet = [] if plan["status"] in {*DRAFT_STATUSES, "approved"} else ["frozen"]
    unmet = status_unmet if "status" in context.payload else check_not_frozen(plan)
    raise_if_unmet(check_writable(context), unmet)
    yield
    copies = [
        copy
        for copy in context.child.list_records(
            record.kind, origin_id=record["origin_id"], status=record["status"]
        )
        if plan["status"] == "approved" and care_plan_of(copy)["previous_id"] == plan.id
    ]
    record.update(**context.payload, **fields)
    update_draft(plan, context.caller_id)
    for copy in copies:
        copy.update(status=record["status"], **fields)
        update_draft(care_plan_of(copy), context.caller_id)


@register_operation("PATCH /goals/{id}", "goals", build_payload=progress_payload)
def update_goal(context: OperationContext) -> Iterator[None]:
    return update_goal_or_action(context, {})


@register_operation("PATCH /actions/{id}", "actions", build_payload=progress_payload)
def update_action(context: OperationContext) -> Iterator[None]:
    status = context.payload.get("status", context.record["status"])
    return update_goal_or_action(context, {"done_on": None if status == "open" else today().isoformat()})
