"""Care plans as the domain's gates say: editions, areas, goals and actions, and the day the case becomes active."""

from collections.abc import Iterator
from random import Random
from typing import Any

from tests.model_based.assessments import NO_DECISION, check_not_frozen, update_draft
from tests.model_based.child_model import (
    ChildModel,
    ModelRecord,
    OperationContext,
    Payload,
    Rejected,
    can_see,
    check_writable,
    raise_if_unmet,
    random_id,
    register_operation,
    unique_text,
)
from tests.support.case_lifecycle import AREAS

VIEW_FIELDS = ("child_view", "supporter_view")
GAP_FIELDS = ("knowledge_gaps", "capacity_gaps")
TEXT_FIELDS = ("safety_plan", *VIEW_FIELDS, *GAP_FIELDS)


def care_plan_create_payload(rng: Random, story: ChildModel, case: ModelRecord) -> Payload:
    known = story.list_records("assessments", None if rng.random() < 0.2 else case)
    approved = [one for one in known if one["status"] == "approved"]
    found = rng.choice(approved if approved and rng.random() < 0.85 else known or [None])
    subject = found["subject"] if found and rng.random() < 0.9 else "child"
    return Payload(
        {"id": random_id(rng), "subject": subject, "assessment_id": found.id if found else random_id(rng)}
    )


def find_assessment(s: OperationContext) -> ModelRecord:
    found = s.child.find_record(s.payload["assessment_id"])
    if found is None or not can_see(s.caller_id, found.case):
        raise Rejected(422)
    return found


def check_source_assessment(
    story: ChildModel, assessment: ModelRecord, case: ModelRecord, subject: str, person: str | None
) -> list[str]:
    same = assessment.case is case and (assessment["subject"], assessment["person_id"]) == (subject, person)
    approved = assessment["status"] == "approved"
    refused = [
        *([] if approved else ["assessment_not_approved"]),
        *([] if same else ["assessment_of_another"]),
    ]
    return refused + check_assessment_current(story, assessment)


def check_assessment_current(story: ChildModel, assessment: ModelRecord) -> list[str]:
    newer = story.list_records("assessments", previous_id=assessment.id, status="approved")
    return ["assessment_superseded"] if newer else []


def find_draft_and_approved(
    story: ChildModel, case: ModelRecord, subject: str, person: str | None
) -> tuple[ModelRecord | None, ModelRecord | None]:
    """The edition that is being written, and the one in force."""
    plans = story.list_records("care_plans", case, subject=subject, person_id=person)
    draft = [plan for plan in plans if plan["status"] not in {"approved", "superseded"}]
    return next(iter(draft), None), next((plan for plan in plans if plan["status"] == "approved"), None)


@register_operation(
    "POST /cases/{case}/care-plans",
    "cases",
    build_payload=care_plan_create_payload,
    requires_version=False,
    weight=20,
)
def create_care_plan(s: OperationContext) -> Iterator[None]:
    assessment = find_assessment(s)
    person = assessment["person_id"]
    draft, in_force = find_draft_and_approved(s.child, s.case, s.payload["subject"], person)
    unmet = check_source_assessment(s.child, assessment, s.case, s.payload["subject"], person)
    raise_if_unmet(check_writable(s), unmet, ["draft_exists"] if draft else [])
    yield
    create_version(s.child, s.caller_id, assessment, in_force, s.payload["id"])


def create_version(
    story: ChildModel, me: str, assessment: ModelRecord, before: ModelRecord | None, id_: str = ""
) -> None:
    """A copy of the plan in force, rated as the assessment found it or a later review, without what reviews closed."""
    ratings = {area: found and found["rating"] for area, found in assessment["areas"].items()}
    if before and before.hidden["assessment"] is assessment:
        ratings |= {area: said["rating"] for area, said in before["areas"].items() if said["rating"]}
    looks = [
        review
        for review in story.list_records("reviews", status="completed")
        if review.hidden["plan"] is before
    ]
    for look in looks:
        if look.hidden["completed"] > assessment.hidden["decided"]:
            ratings |= {area: said["rating"] for area, said in look["areas"].items() if said["rating"]}
    shut = map_closed_areas(looks)
    says: dict[str, Any] = {name: before and before[name] for name in (*TEXT_FIELDS, "needs_social_work")}
    says |= {"status": "draft", "author_id": me, "submitted_by_id": None, **NO_DECISION}
    says |= {name: assessment[name] for name in ("subject", "person_id")}
    says |= {"edition": before["edition"] + 1 if before else 1, "previous_id": before.id if before else None}
    says["assessment_id"] = assessment.id
    plan = story.add_record(
        "care_plans", assessment.case, says, id_, writers=frozenset(), assessment=assessment
    )
    goals = (
        [goal for goal in story.list_records("goals", before, status="open") if goal["area"] not in shut]
        if before
        else []
    )
    plan["areas"] = {}
    for area in AREAS:
        was = before["areas"][area] if before else {"status": None, "reason": None}
        status, reason = ("goals" if any(goal["area"] == area for goal in goals) else None), None
        if was["status"] == "no_need":
            status, reason = "no_need", was["reason"]
        elif area in shut:
            status, reason = "no_need", f"Closed in review {shut[area]}."
        plan["areas"] |= {area: build_plan_area(assessment, area, ratings[area], status, reason)}
    for goal in goals:
        twin = story.add_record("goals", plan, dict(goal.fields))
        for action in story.list_records("actions", goal, status="open"):
            story.add_record("actions", twin, dict(action.fields))


def map_closed_areas(reviews: list[ModelRecord]) -> dict[str, int]:
    """The areas that these reviews closed, and which did; what was decided last counts."""
    last = {
        area: (said["decision"], r["number"])
        for r in reviews
        for area, said in r["areas"].items()
        if said["decision"]
    }
    return {area: number for area, (decision, number) in last.items() if decision == "close"}


def build_plan_area(
    assessment: ModelRecord, area: str, rating: int | None, status: str | None, reason: str | None
) -> dict[str, Any]:
    """An area of a plan: 'no need' does not outlive a weak rating."""
    if status == "no_need" and rating in {1, 2}:
        status = reason = None
    found = assessment["areas"][area] or {}
    rest = {name: found.get(name) for name in ("need", "strengths", "risk")}
    return {"rating": rating, "status": status, "reason": reason, **rest}


def care_plan_update_payload(rng: Random, story: ChildModel, plan: ModelRecord) -> Payload | None:
    known = story.list_records("assessments", plan.case, subject=plan["subject"])
    if known and rng.random() < (0.7 if check_assessment_current(story, plan.hidden["assessment"]) else 0.05):
        return Payload({"assessment_id": rng.choice(known).id})
    if None not in {plan[name] for name in (*TEXT_FIELDS, "needs_social_work")} and rng.random() < 0.8:
        return None
    said: dict[str, Any] = {name: unique_text("As she says.", rng) for name in TEXT_FIELDS}
    said["needs_social_work"] = rng.random() < 0.5
    if rng.random() < 0.25:
        said[rng.choice(list(said))] = None
    return Payload(said)


@register_operation("PATCH /care-plans/{id}", "care_plans", build_payload=care_plan_update_payload, weight=4)
def update_care_plan(s: OperationContext) -> Iterator[None]:
    raise_if_unmet(check_writable(s), check_not_frozen(s.record))
    other = None
    if "assessment_id" in s.payload and s.payload["assessment_id"] != s.record["assessment_id"]:
        other = find_assessment(s)
        raise_if_unmet(
            check_source_assessment(s.child, other, s.case, s.record["subject"], s.record["person_id"])
        )
    yield
    update_draft(s.record, s.caller_id, **s.payload)
    if other:
        s.record.hidden["assessment"] = other
        rated = {area: (found or {}).get("rating") for area, found in other["areas"].items()}
        areas = s.record["areas"].items()
        s.record["areas"] = {
            a: build_plan_area(other, a, rated[a], was["status"], was["reason"]) for a, was in areas
        }


def area_payload(rng: Random, _story: ChildModel, plan: ModelRecord) -> Payload | None:
    blank = [a for a, said in plan["areas"].items() if said["status"] is None and said["rating"] in {3, 4}]
    if not blank and rng.random() < 0.8:
        return None
    area = rng.choice(blank if blank and rng.random() < 0.8 else list(AREAS))
    if rng.random() < 0.05:
        return Payload({"status": "no_need"}, is_invalid=True, area=area)
    if rng.random() < 0.1:
        return Payload({"status": "goals", "reason": None}, area=area)
    return Payload({"status": "no_need", "reason": unique_text("Strong enough.", rng)}, area=area)


@register_operation("PUT /care-plans/{id}/areas/{area}", "care_plans", build_payload=area_payload, weight=12)
def update_care_plan_area(s: OperationContext) -> Iterator[None]:
    area, goals = s.record["areas"][s.area], s.child.list_records("goals", s.record, area=s.area)
    untrue = check_no_need(area, goals) if s.payload["status"] == "no_need" else []
    raise_if_unmet(check_writable(s), check_not_frozen(s.record), untrue)
    yield
    answered = {**area, "status": s.payload["status"], "reason": s.payload["reason"]}
    update_draft(s.record, s.caller_id, areas={**s.record["areas"], s.area: answered})


def check_no_need(area: dict[str, Any], goals: list[ModelRecord]) -> list[str]:
    weak, going = area["rating"] in {1, 2}, any(goal["status"] == "open" for goal in goals)
    return [*(["area_weak"] if weak else []), *(["goals_open"] if going else [])]
