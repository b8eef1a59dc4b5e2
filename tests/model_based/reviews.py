"""Reviews as the domain's gate says: every active area answered, the next one scheduled, the case going on as decided."""

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

REQUIRED_AREA_FIELDS = ("rating", "progress", "decision")


def list_active_areas(story: ChildModel, review: ModelRecord) -> list[str]:
    plan = review.hidden["plan"]
    earlier = [
        r
        for r in story.list_records("reviews", review.case, status="completed")
        if r["number"] < review["number"]
    ]
    shut = map_closed_areas([r for r in earlier if r.hidden["plan"] is plan])
    return [area for area, said in plan["areas"].items() if said["status"] == "goals" and area not in shut]


def review_payload(rng: Random, story: ChildModel, review: ModelRecord) -> Payload:
    areas: dict[str, Any] = {}
    for area in list_active_areas(story, review):
        decision = rng.choice(["continue", "continue", "continue", "adapt", "close"])
        areas[area] = {
            "rating": rng.randint(1, 4),
            "progress": unique_text("Good days.", rng),
            "decision": decision,
        }
    said: dict[str, Any] = {
        "areas": areas,
        "held_on": iso_date_in_days(-rng.choice([0] * 9 + [1])),
        "decision": rng.choice(["continue", "adapt", "begin_exit", "begin_exit"]),
        "summary": unique_text("He laughs again.", rng),
    }
    hole = rng.random()
    if hole < 0.1 and areas:
        areas[rng.choice(list(areas))][rng.choice(REQUIRED_AREA_FIELDS)] = None
    elif hole < 0.2:
        said[rng.choice(["held_on", "decision"])] = None
    elif hole < 0.25:
        said["held_on"] = iso_date_in_days(1)
    elif hole < 0.3:
        return Payload({"decision": "go_home"}, is_invalid=True)
    return Payload(said)


@register_operation("PATCH /reviews/{id}", "reviews", build_payload=review_payload, weight=15)
def update_review(s: OperationContext) -> Iterator[None]:
    raise_if_unmet(
        [] if s.record["status"] == "scheduled" else ["status"], check_works_on_case(s.caller_id, s.case)
    )
    yield
    blank, before = dict.fromkeys(REQUIRED_AREA_FIELDS), s.record["areas"]
    told = {area: {**blank, **before.get(area, {}), **found} for area, found in s.payload["areas"].items()}
    s.record.update(**{**s.payload, "areas": {**before, **told}})


def check_review_complete(s: OperationContext) -> Iterator[str]:
    said = s.record.fields
    for area in list_active_areas(s.child, s.record):
        found = said["areas"].get(area, dict.fromkeys(REQUIRED_AREA_FIELDS))
        yield from (f"{name}_missing" for name in REQUIRED_AREA_FIELDS if found[name] is None)
    if said["decision"] is None:
        yield "decision_missing"
    if said["decision"] == "continue" and any(a["decision"] == "adapt" for a in said["areas"].values()):
        yield "decision_contradicts"
    if said["held_on"] is None:
        yield "held_on_missing"
    elif said["held_on"] > iso_date_in_days(0):
        yield "date_in_future"
    elif said["held_on"] < iso_date_in_days(
        0
    ):  # every plan here was approved today, and none was reviewed before it was
        yield "before_support"
    if said["decision"] in {"continue", "adapt"} and iso_date_in_days(0) > get_support_end(s.case):
        yield "extension_needed"


def get_support_end(case: ModelRecord) -> str:
    ends = add_months(date.fromisoformat(case["opened_on"]), 24).isoformat()
    return max(ends, case["extended_until"] or "")


@register_operation("POST /reviews/{id}/complete", "reviews", weight=40)
def complete_review(s: OperationContext) -> Iterator[None]:
    waiting = [] if s.record["status"] == "scheduled" else ["status"]
    raise_if_unmet(waiting, check_works_on_case(s.caller_id, s.case), check_review_complete(s))
    yield
    s.record.update(status="completed", completed_by_id=s.caller_id)
    s.record.hidden["completed"] = s.child.tick()
    plan, decision = s.record.hidden["plan"], s.record["decision"]
    schedule_review(s.child, s.case, plan, date.fromisoformat(s.record["held_on"]))
    s.case.update()
    draft, in_force = find_draft_and_approved(s.child, s.case, "child", None)
    if decision == "adapt" and not draft:
        approved = s.child.list_records("assessments", s.case, subject="child", status="approved")
        newest = max(approved, key=lambda one: int(one.hidden["decided"]))
        create_version(s.child, s.case["lead_worker_id"], newest, in_force)
    if decision == "begin_exit" and s.case["status"] == "active":
        s.case.update(status="exiting")
        if not s.child.list_records("exit_plans", s.case):
            s.child.add_record(
                "exit_plans", s.case, exit_plan_fields(s.caller_id, {"follow_up_months": [1, 3, 6]})
            )


def review_rescheduling_payload(rng: Random, _story: ChildModel, _case: ModelRecord) -> Payload:
    wanted = rng.choice([None, *map(iso_date_in_days, (-1, 0, 5, 30, 60, 200))])
    return Payload({"due_on": wanted, "reason": "He ran away."})


@register_operation(
    "POST /cases/{case}/reviews",
    "cases",
    build_payload=review_rescheduling_payload,
    requires_version=False,
    weight=4,
)
def reschedule_review(s: OperationContext) -> Iterator[None]:
    raise_if_unmet(check_works_on_case(s.caller_id, s.case))
    waiting = s.child.list_records("reviews", s.case, status="scheduled")
    raise_if_unmet([] if waiting else ["no_review_scheduled"])
    due_on = waiting[0]["due_on"]
    wanted = s.payload["due_on"] or min(iso_date_in_days(0), due_on)
    raise_if_unmet([] if iso_date_in_days(0) <= wanted < due_on or wanted == due_on else ["not_earlier"])
    yield
    if wanted == due_on:
        return
    waiting[0].update(due_on=wanted)
    s.case.update(next_review_on=wanted)


def exit_plan_fields(me: str, said: dict[str, Any]) -> dict[str, Any]:
    blank: dict[str, Any] = dict.fromkeys(("reason_code", "ends_on", "note", "decided_by_id"))
    return {"status": "draft", "author_id": me, "earlier": [], "checklist": {}, "taper": [], **blank, **said}
