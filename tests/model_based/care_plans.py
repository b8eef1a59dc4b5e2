"""Operations of the model: versions and areas of care plans."""

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


def care_plan_create_payload(rng: Random, child: ChildModel, case: ModelRecord) -> Payload:
    assessments = child.list_records("assessments", None if rng.random() < 0.2 else case)
    approved = [assessment for assessment in assessments if assessment["status"] == "approved"]
    assessment = rng.choice(approved if approved and rng.random() < 0.85 else assessments or [None])
    subject = assessment["subject"] if assessment and rng.random() < 0.9 else "child"
    assessment_id = assessment.id if assessment else random_id(rng)
    return Payload({"id": random_id(rng), "subject": subject, "assessment_id": assessment_id})


def find_assessment(context: OperationContext) -> ModelRecord:
    assessment = context.child.find_record(context.payload["assessment_id"])
    if assessment is None or not can_see(context.caller_id, assessment.case):
        raise Rejected(422)
    return assessment


def check_source_assessment(
    child: ChildModel, assessment: ModelRecord, case: ModelRecord, subject: str, person_id: str | None
) -> list[str]:
    is_same_subject = (assessment["subject"], assessment["person_id"]) == (subject, person_id)
    unmet = [] if assessment["status"] == "approved" else ["assessment_not_approved"]
    unmet += [] if assessment.case is case and is_same_subject else ["assessment_of_another"]
    return unmet + check_assessment_current(child, assessment)


def check_assessment_current(child: ChildModel, assessment: ModelRecord) -> list[str]:
    newer = child.list_records("assessments", previous_id=assessment.id, status="approved")
    return ["assessment_superseded"] if newer else []


def find_draft_and_approved(
    child: ChildModel, case: ModelRecord, subject: str, person_id: str | None
) -> tuple[ModelRecord | None, ModelRecord | None]:
    """Return the unfinished version and the approved version of a care plan."""
    plans = child.list_records("care_plans", case, subject=subject, person_id=person_id)
    draft = [plan for plan in plans if plan["status"] not in {"approved", "superseded"}]
    return next(iter(draft), None), next((plan for plan in plans if plan["status"] == "approved"), None)


@register_operation(
    "POST /cases/{case}/care-plans",
    "cases",
    build_payload=care_plan_create_payload,
    requires_version=False,
    weight=20,
)
def create_care_plan(context: OperationContext) -> Iterator[None]:
    assessment = find_assessment(context)
    subject, person_id = context.payload["subject"], assessment["person_id"]
    draft, approved = find_draft_and_approved(context.child, context.case, subject, person_id)
    unmet = check_source_assessment(context.child, assessment, context.case, subject, person_id)
    raise_if_unmet(check_writable(context), unmet, ["draft_exists"] if draft else [])
    yield
    create_version(context.child, context.caller_id, assessment, approved, context.payload["id"])


def create_version(
    child: ChildModel, caller_id: str, assessment: ModelRecord, previous: ModelRecord | None, id_: str = ""
) -> None:
    """Add a draft version of a care plan.

    It copies the texts and open goals of the previous version, without the areas that reviews have closed. The ratings are
    those of the assessment or of a later review.
    """
    reviews = [
        review
        for review in child.list_records("reviews", status="completed")
        if review.hidden["plan"] is previous
    ]
    ratings = latest_ratings(assessment, previous, reviews)
    closed_areas = map_closed_areas(reviews)
    fields: dict[str, Any] = {
        name: previous and previous[name] for name in (*TEXT_FIELDS, "needs_social_work")
    }
    fields |= {"status": "draft", "author_id": caller_id, "submitted_by_id": None, **NO_DECISION}
    fields |= {name: assessment[name] for name in ("subject", "person_id")}
    fields |= {
        "edition": previous["edition"] + 1 if previous else 1,
        "previous_id": previous.id if previous else None,
        "assessment_id": assessment.id,
    }
    plan = child.add_record(
        "care_plans", assessment.case, fields, id_, contributor_ids=frozenset(), assessment=assessment
    )
    goals = [
        goal
        for goal in (child.list_records("goals", previous, status="open") if previous else [])
        if goal["area"] not in closed_areas
    ]
    plan["areas"] = {}
    for area in AREAS:
        previous_area = previous["areas"][area] if previous else {"status": None, "reason": None}
        status, reason = ("goals" if any(goal["area"] == area for goal in goals) else None), None
        if previous_area["status"] == "no_need":
            status, reason = "no_need", previous_area["reason"]
        elif area in closed_areas:
            status, reason = "no_need", f"Closed in review {closed_areas[area]}."
        plan["areas"] |= {area: build_plan_area(assessment, area, ratings[area], status, reason)}
    for goal in goals:
        copy = child.add_record("goals", plan, dict(goal.fields))
        for action in child.list_records("actions", goal, status="open"):
            child.add_record("actions", copy, dict(action.fields))


def latest_ratings(
    assessment: ModelRecord, previous: ModelRecord | None, reviews: list[ModelRecord]
) -> dict[str, Any]:
    """Return the ratings of the assessment, replaced by those of the previous version and of later reviews."""
    ratings = {name: area and area["rating"] for name, area in assessment["areas"].items()}
    newer = [previous] if previous and previous.hidden["assessment"] is assessment else []
    newer += [review for review in reviews if review.hidden["completed_at"] > assessment.hidden["decided_at"]]
    for record in newer:
        ratings |= {name: area["rating"] for name, area in record["areas"].items() if area["rating"]}
    return ratings


def map_closed_areas(reviews: list[ModelRecord]) -> dict[str, int]:
    """Return the areas whose last decision is `close`, with the number of the review."""
    last_decisions = {
        name: (area["decision"], review["number"])
        for review in reviews
        for name, area in review["areas"].items()
        if area["decision"]
    }
    return {name: number for name, (decision, number) in last_decisions.items() if decision == "close"}


def build_plan_area(
    assessment: ModelRecord, area: str, rating: int | None, status: str | None, reason: str | None
) -> dict[str, Any]:
    """Return an area of a care plan. The answer 'no need' is removed if the rating is weak."""
    if status == "no_need" and rating in {1, 2}:
        status = reason = None
    assessed_area = assessment["areas"][area] or {}
    texts = {name: assessed_area.get(name) for name in ("need", "strengths", "risk")}
    return {"rating": rating, "status": status, "reason": reason, **texts}


def care_plan_update_payload(rng: Random, child: ChildModel, plan: ModelRecord) -> Payload | None:
    assessments = child.list_records("assessments", plan.case, subject=plan["subject"])
    is_superseded = check_assessment_current(child, plan.hidden["assessment"])
    if assessments and rng.random() < (0.7 if is_superseded else 0.05):
        return Payload({"assessment_id": rng.choice(assessments).id})
    if None not in {plan[name] for name in (*TEXT_FIELDS, "needs_social_work")} and rng.random() < 0.8:
        return None
    body: dict[str, Any] = {name: unique_text("As she says.", rng) for name in TEXT_FIELDS}
    body["needs_social_work"] = rng.random() < 0.5
    if rng.random() < 0.25:
        body[rng.choice(list(body))] = None
    return Payload(body)


@register_operation("PATCH /care-plans/{id}", "care_plans", build_payload=care_plan_update_payload, weight=4)
def update_care_plan(context: OperationContext) -> Iterator[None]:
    raise_if_unmet(check_writable(context), check_not_frozen(context.record))
    plan, assessment = context.record, None
    if context.payload.get("assessment_id", plan["assessment_id"]) != plan["assessment_id"]:
        assessment = find_assessment(context)
        raise_if_unmet(
            check_source_assessment(
                context.child, assessment, context.case, plan["subject"], plan["person_id"]
            )
        )
    yield
    update_draft(plan, context.caller_id, **context.payload)
    if assessment:
        plan.hidden["assessment"] = assessment
        ratings = {name: (area or {}).get("rating") for name, area in assessment["areas"].items()}
        plan["areas"] = {
            name: build_plan_area(assessment, name, ratings[name], area["status"], area["reason"])
            for name, area in plan["areas"].items()
        }


def area_payload(rng: Random, _child: ChildModel, plan: ModelRecord) -> Payload | None:
    unanswered = [
        name for name, area in plan["areas"].items() if area["status"] is None and area["rating"] in {3, 4}
    ]
    if not unanswered and rng.random() < 0.8:
        return None
    area = rng.choice(unanswered if unanswered and rng.random() < 0.8 else list(AREAS))
    if rng.random() < 0.05:
        return Payload({"status": "no_need"}, is_invalid=True, area=area)
    if rng.random() < 0.1:
        return Payload({"status": "goals", "reason": None}, area=area)
    return Payload({"status": "no_need", "reason": unique_text("Strong enough.", rng)}, area=area)


@register_operation("PUT /care-plans/{id}/areas/{area}", "care_plans", build_payload=area_payload, weight=12)
def update_care_plan_area(context: OperationContext) -> Iterator[None]:
    area, goals = (
        context.record["areas"][context.area],
        context.child.list_records("goals", context.record, area=context.area),
    )
    unmet = check_no_need(area, goals) if context.payload["status"] == "no_need" else []
    raise_if_unmet(check_writable(context), check_not_frozen(context.record), unmet)
    yield
    answer = {**area, "status": context.payload["status"], "reason": context.payload["reason"]}
    update_draft(context.record, context.caller_id, areas={**context.record["areas"], context.area: answer})


def check_no_need(area: dict[str, Any], goals: list[ModelRecord]) -> list[str]:
    unmet = ["area_weak"] if area["rating"] in {1, 2} else []
    return unmet + (["goals_open"] if any(goal["status"] == "open" for goal in goals) else [])
