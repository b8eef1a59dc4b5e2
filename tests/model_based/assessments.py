"""Operations of the model: assessments, and the submission and decision that assessments and care plans share."""

from collections.abc import Iterator
from random import Random
from typing import Any

from tests.model_based.child_model import (
    LEADER_ROLES,
    MANAGER_ROLES,
    SUPERVISOR_IDS_BY_TEAM,
    ChildModel,
    ModelRecord,
    OperationContext,
    Payload,
    Rejected,
    check_case_open,
    check_writable,
    has_role,
    raise_if_unmet,
    random_id,
    register_operation,
    unique_text,
)
from tests.support.case_lifecycle import AREAS, ASSESSMENT_SECTIONS, assessment_payload

AREA_FIELDS = ("rating", "need", "strengths", "risk", "source")
DRAFT_STATUSES = ("draft", "returned")
NO_DECISION = {"decided_by_id": None, "decision_comment": None}


def check_not_frozen(record: ModelRecord) -> list[str]:
    return [] if record["status"] in DRAFT_STATUSES else ["frozen"]


def update_draft(record: ModelRecord, caller_id: str, **fields: Any) -> None:
    """Update a draft. Its contributors cannot decide on it."""
    record.update(**fields)
    if record["status"] in DRAFT_STATUSES:
        record.hidden["contributor_ids"] = record.hidden["contributor_ids"] | {caller_id}


def submit_draft(context: OperationContext, content_unmet: list[str]) -> Iterator[None]:
    status_unmet = [] if context.record["status"] in DRAFT_STATUSES else ["status"]
    raise_if_unmet(check_writable(context), status_unmet, content_unmet)
    yield
    context.record.update(status="submitted", submitted_by_id=context.caller_id, **NO_DECISION)


def check_decider(context: OperationContext, writer_ids: set[str | None]) -> list[str]:
    """Return why the caller may not decide on a record that these people wrote or submitted."""
    supervisor_ids = SUPERVISOR_IDS_BY_TEAM[context.case["team_id"]]
    is_substitute = has_role(context.caller_id, MANAGER_ROLES) and not supervisor_ids - writer_ids
    unmet = ["own_work"] if context.caller_id in writer_ids else []
    return unmet + ([] if context.caller_id in supervisor_ids or is_substitute else ["not_your_team"])


def record_decision(context: OperationContext, status: str, content_unmet: list[str]) -> Iterator[None]:
    status_unmet = [] if context.record["status"] == "submitted" else ["status"]
    record = context.record
    writer_ids = {record["author_id"], record["submitted_by_id"], *record.hidden["contributor_ids"]}
    unmet = check_decider(context, writer_ids)
    raise_if_unmet(check_case_open(context.case), status_unmet, unmet, content_unmet)
    yield
    record.update(
        status=status,
        decided_by_id=context.caller_id,
        decision_comment=(context.payload or {}).get("comment"),
    )


def comment_payload(rng: Random, _child: ChildModel, _record: ModelRecord) -> Payload:
    return (
        Payload({"comment": unique_text("Say more of school.", rng)})
        if rng.random() < 0.8
        else Payload({}, is_invalid=True)
    )


def assessment_create_payload(rng: Random, child: ChildModel, case: ModelRecord) -> Payload | None:
    body = {"id": random_id(rng), "subject": "child"}
    if rng.random() < 0.2:
        person_id = child.list_records("people", case)[0].id if rng.random() < 0.9 else random_id(rng)
        body |= {"subject": rng.choice(["supporter", "family"]), "person_id": person_id}
    approved = child.list_records("assessments", case, status="approved", subject=body["subject"])
    if approved and rng.random() < 0.8:
        return None
    valid_kind = "reassessment" if approved else "initial"
    kind = valid_kind if rng.random() < 0.85 else rng.choice(["initial", "reassessment"])
    return Payload({**body, "kind": kind})


@register_operation(
    "POST /cases/{case}/assessments", "cases", build_payload=assessment_create_payload, requires_version=False
)
def create_assessment(context: OperationContext) -> Iterator[None]:
    subject, kind = context.payload["subject"], context.payload["kind"]
    person_id = context.payload.get("person_id")
    people = context.child.list_records("people", context.case)
    if person_id and context.child.find_record(person_id) not in people:
        raise Rejected(422)
    assessments = context.child.list_records(
        "assessments", context.case, subject=subject, person_id=person_id
    )
    approved = [assessment for assessment in assessments if assessment["status"] == "approved"]
    kind_unmet = {
        "initial": "assessed_before" if approved else "",
        "reassessment": "" if approved else "not_assessed_before",
    }
    has_unfinished = len(approved) < len(assessments)
    raise_if_unmet(check_writable(context), ["under_way"] if has_unfinished else [], kind_unmet[kind])
    yield
    latest = max(approved, key=lambda assessment: int(assessment.hidden["decided_at"]), default=None)
    fields: dict[str, Any] = dict.fromkeys(
        ("child_wishes", "no_wishes_reason", "risk_level", "submitted_by_id")
    )
    fields |= {"sections": dict.fromkeys(ASSESSMENT_SECTIONS), "areas": dict.fromkeys(AREAS), **NO_DECISION}
    fields |= {
        "subject": subject,
        "kind": kind,
        "person_id": person_id,
        "status": "draft",
        "author_id": context.caller_id,
        "previous_id": latest.id if latest else None,
    }
    context.child.add_record(
        "assessments",
        context.case,
        fields,
        context.payload["id"],
        contributor_ids=frozenset(),
        decided_at=0,
    )


def assessment_update_payload(rng: Random, _child: ChildModel, assessment: ModelRecord) -> Payload | None:
    if not check_assessment_complete(assessment) and rng.random() < 0.8:
        return None
    weak = rng.sample(AREAS, rng.choice([0, 0, 1, 1, 2]))
    body = assessment_payload(rng.choice(["low", "medium", "high"]), weak)
    body["child_wishes"] = unique_text("To play football again.", rng)
    draw = rng.random()
    if draw < 0.08:
        body["sections"][rng.choice(list(ASSESSMENT_SECTIONS))] = None
    elif draw < 0.16:
        body["areas"][rng.choice(AREAS)] = None
    elif draw < 0.24:
        body["areas"][rng.choice(AREAS)][rng.choice(AREA_FIELDS)] = None
    elif draw < 0.3:
        body[rng.choice(["child_wishes", "risk_level"])] = None
    elif draw < 0.4:
        return Payload(
            {"sections": {rng.choice(list(ASSESSMENT_SECTIONS)): unique_text("Sleeps better.", rng)}}
        )
    elif draw < 0.45:
        return Payload({"risk_level": "enormous"}, is_invalid=True)
    return Payload(body)


@register_operation(
    "PATCH /assessments/{id}", "assessments", build_payload=assessment_update_payload, weight=5
)
def update_assessment(context: OperationContext) -> Iterator[None]:
    raise_if_unmet(check_writable(context), check_not_frozen(context.record))
    yield
    sections, areas = context.record["sections"], context.record["areas"]
    empty = dict.fromkeys(AREA_FIELDS)
    patched_areas = {
        name: area and {**empty, **(areas[name] or {}), **area}
        for name, area in context.payload.get("areas", {}).items()
    }
    fields = {
        **context.payload,
        "sections": {**sections, **context.payload.get("sections", {})},
        "areas": {**areas, **patched_areas},
    }
    update_draft(context.record, context.caller_id, **fields)


def check_assessment_complete(assessment: ModelRecord) -> list[str]:
    unmet = ["section_missing" for text in assessment["sections"].values() if text is None]
    for area in assessment["areas"].values():
        unmet += [f"{name}_missing" for name in AREA_FIELDS[:4] if area is None or area[name] is None]
    if assessment["child_wishes"] is None and assessment["no_wishes_reason"] is None:
        unmet.append("child_wishes_missing")
    return unmet if assessment["risk_level"] else [*unmet, "risk_level_missing"]


@register_operation("POST /assessments/{id}/submit", "assessments", weight=40)
def submit_assessment(context: OperationContext) -> Iterator[None]:
    return submit_draft(context, check_assessment_complete(context.record))


@register_operation("POST /assessments/{id}/approve", "assessments", LEADER_ROLES, weight=40)
def approve_assessment(context: OperationContext) -> Iterator[None]:
    yield from record_decision(context, "approved", [])
    context.record.hidden["decided_at"] = context.child.tick()
    if context.record["subject"] == "child":
        fields = {"risk_level": context.record["risk_level"]}
        fields |= {"status": "planning"} if context.case["status"] == "assessment" else {}
        if fields != {name: context.case[name] for name in fields}:
            context.case.update(**fields)


@register_operation(
    "POST /assessments/{id}/return", "assessments", LEADER_ROLES, build_payload=comment_payload
)
def return_assessment(context: OperationContext) -> Iterator[None]:
    return record_decision(context, "returned", [])
