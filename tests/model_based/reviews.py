"""Operations of the model: reviews."""

from collections.abc import Iterator
from datetime import date
from random import Random
from typing import Any

from tests.model_based.care_plans import create_version, find_draft_and_approved, map_closed_areas
from tests.model_based.child_model import (
    ChildModel,
    ModelRecord,
    OperationContext,
    Payload,
    check_works_on_case,
    raise_if_unmet,
    register_operation,
    unique_text,
)
from tests.model_based.dates import add_months, iso_date_in_days, schedule_review

EXIT_PLAN_FIELDS = ("reason_code", "checklist", "taper", "ends_on", "follow_up_months", "note")
REQUIRED_AREA_FIELDS = ("rating", "progress", "decision")


def list_active_areas(child: ChildModel, review: ModelRecord) -> list[str]:
    plan = review.hidden["plan"]
    earlier_reviews = [
        earlier
        for earlier in child.list_records("reviews", review.case, status="completed")
        if earlier["number"] < review["number"] and earlier.hidden["plan"] is plan
    ]
    closed_areas = map_closed_areas(earlier_reviews)
    return [
        name for name, area in plan["areas"].items() if area["status"] == "goals" and name not in closed_areas
    ]


def review_payload(rng: Random, child: ChildModel, review: ModelRecord) -> Payload:
    areas: dict[str, Any] = {}
    for area in list_active_areas(child, review):
        decision = rng.choice(["continue", "continue", "continue", "adapt", "close"])
        areas[area] = {
            "rating": rng.randint(1, 4),
            "progress": unique_text("Good days.", rng),
            "decision": decision,
        }
    body: dict[str, Any] = {
        "areas": areas,
        "held_on": iso_date_in_days(-rng.choice([0] * 9 + [1])),
        "decision": rng.choice(["continue", "adapt", "begin_exit", "begin_exit", "return_to_active"]),
        "summary": unique_text("He laughs again.", rng),
    }
    draw = rng.random()
    if draw < 0.1 and areas:
        areas[rng.choice(list(areas))][rng.choice(REQUIRED_AREA_FIELDS)] = None
    elif draw < 0.2:
        body[rng.choice(["held_on", "decision"])] = None
    elif draw < 0.25:
        return Payload({**body, "held_on": iso_date_in_days(1)}, is_invalid=True)
    elif draw < 0.3:
        return Payload({"decision": "go_home"}, is_invalid=True)
    return Payload(body)


@register_operation("PATCH /reviews/{id}", "reviews", build_payload=review_payload, weight=15)
def update_review(context: OperationContext) -> Iterator[None]:
    raise_if_unmet(
        [] if context.record["status"] == "scheduled" else ["status"],
        check_works_on_case(context.caller_id, context.case),
    )
    yield
    empty, areas = dict.fromkeys(REQUIRED_AREA_FIELDS), context.record["areas"]
    patched = {
        name: {**empty, **areas.get(name, {}), **area} for name, area in context.payload["areas"].items()
    }
    context.record.update(**{**context.payload, "areas": {**areas, **patched}})


def check_review_complete(context: OperationContext) -> Iterator[str]:
    review, today = context.record, iso_date_in_days(0)
    for name in list_active_areas(context.child, review):
        area = review["areas"].get(name, dict.fromkeys(REQUIRED_AREA_FIELDS))
        yield from (f"{field}_missing" for field in REQUIRED_AREA_FIELDS if area[field] is None)
    if review["decision"] is None:
        yield "decision_missing"
    if review["decision"] == "continue" and any(
        area["decision"] == "adapt" for area in review["areas"].values()
    ):
        yield "decision_contradicts"
    if review["held_on"] is None:
        yield "held_on_missing"
    elif review["held_on"] < today:  # every care plan of the test is approved today
        yield "before_support"
    if review["decision"] in {"continue", "adapt", "return_to_active"} and today > get_support_end(
        context.case
    ):
        yield "extension_needed"
    if review["decision"] == "return_to_active" and context.case["status"] != "exiting":
        yield "not_exiting"


def get_support_end(case: ModelRecord) -> str:
    regular_end = add_months(date.fromisoformat(case["opened_on"]), 24).isoformat()
    return max(regular_end, case["extended_until"] or "")


@register_operation("POST /reviews/{id}/complete", "reviews", weight=40)
def complete_review(context: OperationContext) -> Iterator[None]:
    unmet = [] if context.record["status"] == "scheduled" else ["status"]
    raise_if_unmet(
        unmet, check_works_on_case(context.caller_id, context.case), check_review_complete(context)
    )
    yield
    context.record.update(status="completed", completed_by_id=context.caller_id)
    context.record.hidden["completed_at"] = context.child.tick()
    plan, decision = context.record.hidden["plan"], context.record["decision"]
    schedule_review(context.child, context.case, plan, date.fromisoformat(context.record["held_on"]))
    context.case.update()
    draft, approved_plan = find_draft_and_approved(context.child, context.case, "child", None)
    if decision == "adapt" and not draft:
        assessments = context.child.list_records(
            "assessments", context.case, subject="child", status="approved"
        )
        latest = max(assessments, key=lambda assessment: int(assessment.hidden["decided_at"]))
        create_version(context.child, context.case["lead_worker_id"], latest, approved_plan)
    if decision == "begin_exit" and context.case["status"] == "active":
        context.case.update(status="exiting")
        if not context.child.list_records("exit_plans", context.case):
            context.child.add_record(
                "exit_plans",
                context.case,
                exit_plan_fields(context.caller_id, {"follow_up_months": [1, 3, 6]}),
            )
    if decision == "return_to_active":
        context.case.update(status="active")
        for exit_plan in context.child.list_records("exit_plans", context.case):
            make_draft_without_dates(exit_plan, context.caller_id)


def make_draft_without_dates(exit_plan: ModelRecord, author_id: str) -> None:
    """Make an exit plan a draft, and keep its approved edition."""
    if exit_plan["status"] == "approved":
        edition = {name: exit_plan[name] for name in (*EXIT_PLAN_FIELDS, "author_id", "decided_by_id")}
        exit_plan["earlier"] = [*exit_plan["earlier"], edition]
    exit_plan.update(taper=[], ends_on=None, status="draft", author_id=author_id, decided_by_id=None)


def review_rescheduling_payload(rng: Random, _child: ChildModel, _case: ModelRecord) -> Payload:
    due_on = rng.choice([None, *map(iso_date_in_days, (-1, 0, 5, 30, 60, 200))])
    return Payload({"due_on": due_on, "reason": "He ran away."})


@register_operation(
    "POST /cases/{case}/reviews",
    "cases",
    build_payload=review_rescheduling_payload,
    requires_version=False,
    weight=4,
)
def reschedule_review(context: OperationContext) -> Iterator[None]:
    raise_if_unmet(check_works_on_case(context.caller_id, context.case))
    scheduled = context.child.list_records("reviews", context.case, status="scheduled")
    raise_if_unmet([] if scheduled else ["no_review_scheduled"])
    today, due_on = iso_date_in_days(0), scheduled[0]["due_on"]
    new_due_on = context.payload["due_on"] or min(today, due_on)
    raise_if_unmet([] if today <= new_due_on < due_on or new_due_on == due_on else ["not_earlier"])
    yield
    if new_due_on == due_on:
        return
    scheduled[0].update(due_on=new_due_on)
    context.case.update(next_review_on=new_due_on)


def exit_plan_fields(author_id: str, fields: dict[str, Any]) -> dict[str, Any]:
    empty: dict[str, Any] = dict.fromkeys(("reason_code", "ends_on", "note", "decided_by_id"))
    empty |= {"status": "draft", "author_id": author_id, "earlier": [], "checklist": {}, "taper": []}
    return {**empty, **fields}
