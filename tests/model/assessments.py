"""Assessments as the domain's gates say: what is submitted is whole, what is decided is somebody else's."""

from collections.abc import Iterator
from random import Random
from typing import Any

from tests.model.story import (
    LEADING,
    SUPERVISORS,
    Record,
    Refused,
    Scene,
    Story,
    Told,
    act,
    blob,
    closed,
    new_id,
    refuse,
    unwritable,
)
from tests.pathway import AREAS, SECTIONS, assessment_words

FOUND = ("rating", "need", "strengths", "risk", "source")
DRAFTS = ("draft", "returned")
UNDECIDED = {"decided_by_id": None, "decision_comment": None}


# What assessments and plans have in common


def frozen(record: Record) -> list[str]:
    return [] if record["status"] in DRAFTS else ["frozen"]


def wrote(record: Record, me: str, **said: Any) -> None:
    """Write on a draft: whoever does will not decide on it."""
    record.write(**said)
    if record["status"] in DRAFTS:
        record.knows["writers"] = record.knows["writers"] | {me}


def hand_in(s: Scene, missing: list[str]) -> Iterator[None]:
    refuse(unwritable(s), [] if s.record["status"] in DRAFTS else ["status"], missing)
    yield
    s.record.write(status="submitted", submitted_by_id=s.me, **UNDECIDED)


def unfit_to_decide(s: Scene) -> list[str]:
    own = s.me in {s.record["author_id"], s.record["submitted_by_id"], *s.record.knows["writers"]}
    return [*(["own_work"] if own else []), *not_your_team(s)]


def not_your_team(s: Scene) -> list[str]:
    return [] if s.me in LEADING[s.case["team_id"]] else ["not_your_team"]


def decide(s: Scene, status: str, missing: list[str]) -> Iterator[None]:
    waiting = [] if s.record["status"] == "submitted" else ["status"]
    refuse(closed(s.case), waiting, unfit_to_decide(s), missing)
    yield
    s.record.write(status=status, decided_by_id=s.me, decision_comment=(s.said or {}).get("comment"))


def a_comment(rng: Random, _story: Story, _record: Record) -> Told:
    return Told({"comment": blob("Say more of school.", rng)}) if rng.random() < 0.8 else Told({}, wrong=True)


# Assessments


def subject_of(rng: Random, story: Story, case: Record) -> Told | None:
    body = {"id": new_id(rng), "subject": "child"}
    if rng.random() < 0.2:
        person = story.of("people", case)[0].id if rng.random() < 0.9 else new_id(rng)
        body |= {"subject": rng.choice(["supporter", "family"]), "person_id": person}
    assessed = story.of("assessments", case, status="approved", subject=body["subject"])
    if assessed and rng.random() < 0.8:
        return None
    likely = "reassessment" if assessed else "initial"
    return Told({**body, "kind": likely if rng.random() < 0.85 else rng.choice(["initial", "reassessment"])})


@act("POST /cases/{case}/assessments", "cases", tell=subject_of, versioned=False)
def begin_assessment(s: Scene) -> Iterator[None]:
    person = s.said.get("person_id")
    if person and s.story.find(person) not in s.story.of("people", s.case):
        raise Refused(422)
    same = s.story.of("assessments", s.case, subject=s.said["subject"], person_id=person)
    approved = [one for one in same if one["status"] == "approved"]
    kinds = {
        "initial": "assessed_before" if approved else "",
        "reassessment": "" if approved else "not_assessed_before",
    }
    refuse(unwritable(s), ["under_way"] if len(approved) < len(same) else [], kinds[s.said["kind"]])
    yield
    latest = max(approved, key=lambda one: int(one.knows["decided"]), default=None)
    blank: dict[str, Any] = dict.fromkeys(
        ("child_wishes", "no_wishes_reason", "risk_level", "submitted_by_id")
    )
    blank |= {"sections": dict.fromkeys(SECTIONS), "areas": dict.fromkeys(AREAS), **UNDECIDED}
    told = {"subject": s.said["subject"], "kind": s.said["kind"], "person_id": person}
    blank |= {**told, "status": "draft", "author_id": s.me, "previous_id": latest.id if latest else None}
    s.story.add("assessments", s.case, blank, s.said["id"], writers=frozenset(), decided=0)


def words(rng: Random, _story: Story, assessment: Record) -> Told | None:
    if not unwritten(assessment) and rng.random() < 0.8:
        return None
    weak = rng.sample(AREAS, rng.choice([0, 0, 1, 1, 2]))
    whole = assessment_words(rng.choice(["low", "medium", "high"]), weak)
    whole["child_wishes"] = blob("To play football again.", rng)
    hole = rng.random()
    if hole < 0.08:
        whole["sections"][rng.choice(list(SECTIONS))] = None
    elif hole < 0.16:
        whole["areas"][rng.choice(AREAS)] = None
    elif hole < 0.24:
        whole["areas"][rng.choice(AREAS)][rng.choice(FOUND)] = None
    elif hole < 0.3:
        whole[rng.choice(["child_wishes", "risk_level"])] = None
    elif hole < 0.4:
        return Told({"sections": {rng.choice(list(SECTIONS)): blob("Sleeps better.", rng)}})
    elif hole < 0.45:
        return Told({"risk_level": "enormous"}, wrong=True)
    return Told(whole)


@act("PATCH /assessments/{id}", "assessments", tell=words, weight=5)
def write_assessment(s: Scene) -> Iterator[None]:
    refuse(unwritable(s), frozen(s.record))
    yield
    said = {**s.said, "sections": {**s.record["sections"], **s.said.get("sections", {})}}
    areas = s.said.get("areas", {}).items()
    blank = dict.fromkeys(FOUND)
    told = {area: found and {**blank, **(s.record["areas"][area] or {}), **found} for area, found in areas}
    wrote(s.record, s.me, **{**said, "areas": {**s.record["areas"], **told}})


def unwritten(assessment: Record) -> list[str]:
    missing = ["section_missing" for said in assessment["sections"].values() if said is None]
    for found in assessment["areas"].values():
        missing += [f"{name}_missing" for name in FOUND[:4] if found is None or found[name] is None]
    if assessment["child_wishes"] is None and assessment["no_wishes_reason"] is None:
        missing.append("child_wishes_missing")
    return missing if assessment["risk_level"] else [*missing, "risk_level_missing"]


@act("POST /assessments/{id}/submit", "assessments", weight=40)
def submit_assessment(s: Scene) -> Iterator[None]:
    return hand_in(s, unwritten(s.record))


@act("POST /assessments/{id}/approve", "assessments", SUPERVISORS, weight=40)
def approve_assessment(s: Scene) -> Iterator[None]:
    yield from decide(s, "approved", [])
    s.record.knows["decided"] = s.story.tick()
    if s.record["subject"] == "child" and s.case["status"] == "assessment":
        s.case.write(status="planning")


@act("POST /assessments/{id}/return", "assessments", SUPERVISORS, tell=a_comment)
def return_assessment(s: Scene) -> Iterator[None]:
    return decide(s, "returned", [])
