"""Assessments as the domain's gates say: what is submitted is whole, what is decided is somebody else's."""

from collections.abc import Iterator
from random import Random
from typing import Any

from tests.model_based.child_model import (
    SUPERVISOR_IDS_BY_TEAM,
    SUPERVISOR_ROLES,
    ChildModel,
    ModelRecord,
    OperationContext,
    Payload,
    Rejected,
    check_case_open,
    check_writable,
    raise_if_unmet,
    random_id,
    register_operation,
    unique_text,
)
from tests.support.case_lifecycle import AREAS, ASSESSMENT_SECTIONS, assessment_payload

AREA_FIELDS = ("rating", "need", "strengths", "risk", "source")
DRAFT_STATUSES = ("draft", "returned")
NO_DECISION = {"decided_by_id": None, "decision_comment": None}


# What assessments and plans have in common


def check_not_frozen(record: ModelRecord) -> list[str]:
    return [] if record["status"] in DRAFT_STATUSES else ["frozen"]


def update_draft(record: ModelRecord, me: str, **said: Any) -> None:
    """Write on a draft: whoever does will not decide on it."""
    record.update(**said)
    if record["status"] in DRAFT_STATUSES:
        record.hidden["writers"] = record.hidden["writers"] | {me}


def submit_draft(s: OperationContext, missing: list[str]) -> Iterator[None]:
    raise_if_unmet(check_writable(s), [] if s.record["status"] in DRAFT_STATUSES else ["status"], missing)
    yield
    s.record.update(status="submitted", submitted_by_id=s.caller_id, **NO_DECISION)


def check_decider(s: OperationContext) -> list[str]:
    own = s.caller_id in {s.record["author_id"], s.record["submitted_by_id"], *s.record.hidden["writers"]}
    return [*(["own_work"] if own else []), *check_supervises_team(s)]


def check_supervises_team(s: OperationContext) -> list[str]:
    return [] if s.caller_id in SUPERVISOR_IDS_BY_TEAM[s.case["team_id"]] else ["not_your_team"]


def record_decision(s: OperationContext, status: str, missing: list[str]) -> Iterator[None]:
    waiting = [] if s.record["status"] == "submitted" else ["status"]
    raise_if_unmet(check_case_open(s.case), waiting, check_decider(s), missing)
    yield
    s.record.update(
        status=status, decided_by_id=s.caller_id, decision_comment=(s.payload or {}).get("comment")
    )


def comment_payload(rng: Random, _story: ChildModel, _record: ModelRecord) -> Payload:
    return (
        Payload({"comment": unique_text("Say more of school.", rng)})
        if rng.random() < 0.8
        else Payload({}, is_invalid=True)
    )


# Assessments


def assessment_create_payload(rng: Random, story: ChildModel, case: ModelRecord) -> Payload | None:
    body = {"id": random_id(rng), "subject": "child"}
    if rng.random() < 0.2:
        person = story.list_records("people", case)[0].id if rng.random() < 0.9 else random_id(rng)
        body |= {"subject": rng.choice(["supporter", "family"]), "person_id": person}
    assessed = story.list_records("assessments", case, status="approved", subject=body["subject"])
    if assessed and rng.random() < 0.8:
        return None
    likely = "reassessment" if assessed else "initial"
    return Payload(
        {**body, "kind": likely if rng.random() < 0.85 else rng.choice(["initial", "reassessment"])}
    )


@register_operation(
    "POST /cases/{case}/assessments", "cases", build_payload=assessment_create_payload, requires_version=False
)
def create_assessment(s: OperationContext) -> Iterator[None]:
    person = s.payload.get("person_id")
    if person and s.child.find_record(person) not in s.child.list_records("people", s.case):
        raise Rejected(422)
    same = s.child.list_records("assessments", s.case, subject=s.payload["subject"], person_id=person)
    approved = [one for one in same if one["status"] == "approved"]
    kinds = {
        "initial": "assessed_before" if approved else "",
        "reassessment": "" if approved else "not_assessed_before",
    }
    raise_if_unmet(
        check_writable(s), ["under_way"] if len(approved) < len(same) else [], kinds[s.payload["kind"]]
    )
    yield
    latest = max(approved, key=lambda one: int(one.hidden["decided"]), default=None)
    blank: dict[str, Any] = dict.fromkeys(
        ("child_wishes", "no_wishes_reason", "risk_level", "submitted_by_id")
    )
    blank |= {"sections": dict.fromkeys(ASSESSMENT_SECTIONS), "areas": dict.fromkeys(AREAS), **NO_DECISION}
    told = {"subject": s.payload["subject"], "kind": s.payload["kind"], "person_id": person}
    blank |= {
        **told,
        "status": "draft",
        "author_id": s.caller_id,
        "previous_id": latest.id if latest else None,
    }
    s.child.add_record("assessments", s.case, blank, s.payload["id"], writers=frozenset(), decided=0)


def assessment_update_payload(rng: Random, _story: ChildModel, assessment: ModelRecord) -> Payload | None:
    if not check_assessment_complete(assessment) and rng.random() < 0.8:
        return None
    weak = rng.sample(AREAS, rng.choice([0, 0, 1, 1, 2]))
    whole = assessment_payload(rng.choice(["low", "medium", "high"]), weak)
    whole["child_wishes"] = unique_text("To play football again.", rng)
    hole = rng.random()
    if hole < 0.08:
        whole["sections"][rng.choice(list(ASSESSMENT_SECTIONS))] = None
    elif hole < 0.16:
        whole["areas"][rng.choice(AREAS)] = None
    elif hole < 0.24:
        whole["areas"][rng.choice(AREAS)][rng.choice(AREA_FIELDS)] = None
    elif hole < 0.3:
        whole[rng.choice(["child_wishes", "risk_level"])] = None
    elif hole < 0.4:
        return Payload(
            {"sections": {rng.choice(list(ASSESSMENT_SECTIONS)): unique_text("Sleeps better.", rng)}}
        )
    elif hole < 0.45:
        return Payload({"risk_level": "enormous"}, is_invalid=True)
    return Payload(whole)


@register_operation(
    "PATCH /assessments/{id}", "assessments", build_payload=assessment_update_payload, weight=5
)
def update_assessment(s: OperationContext) -> Iterator[None]:
    raise_if_unmet(check_writable(s), check_not_frozen(s.record))
    yield
    said = {**s.payload, "sections": {**s.record["sections"], **s.payload.get("sections", {})}}
    areas = s.payload.get("areas", {}).items()
    blank = dict.fromkeys(AREA_FIELDS)
    told = {area: found and {**blank, **(s.record["areas"][area] or {}), **found} for area, found in areas}
    update_draft(s.record, s.caller_id, **{**said, "areas": {**s.record["areas"], **told}})


def check_assessment_complete(assessment: ModelRecord) -> list[str]:
    missing = ["section_missing" for said in assessment["sections"].values() if said is None]
    for found in assessment["areas"].values():
        missing += [f"{name}_missing" for name in AREA_FIELDS[:4] if found is None or found[name] is None]
    if assessment["child_wishes"] is None and assessment["no_wishes_reason"] is None:
        missing.append("child_wishes_missing")
    return missing if assessment["risk_level"] else [*missing, "risk_level_missing"]


@register_operation("POST /assessments/{id}/submit", "assessments", weight=40)
def submit_assessment(s: OperationContext) -> Iterator[None]:
    return submit_draft(s, check_assessment_complete(s.record))


@register_operation("POST /assessments/{id}/approve", "assessments", SUPERVISOR_ROLES, weight=40)
def approve_assessment(s: OperationContext) -> Iterator[None]:
    yield from record_decision(s, "approved", [])
    s.record.hidden["decided"] = s.child.tick()
    if s.record["subject"] == "child" and s.case["status"] == "assessment":
        s.case.update(status="planning")


@register_operation(
    "POST /assessments/{id}/return", "assessments", SUPERVISOR_ROLES, build_payload=comment_payload
)
def return_assessment(s: OperationContext) -> Iterator[None]:
    return record_decision(s, "returned", [])
