"""Care plans as the domain's gates say: editions, areas, goals and actions, and the day the case becomes active."""

from collections.abc import Iterator
from random import Random
from typing import Any

from tests.model.assessments import UNDECIDED, frozen, wrote
from tests.model.story import (
    Record,
    Refused,
    Scene,
    Story,
    Told,
    act,
    blob,
    new_id,
    refuse,
    sees,
    unwritable,
)
from tests.pathway import AREAS

VIEWS = ("child_view", "supporter_view")
GAPS = ("knowledge_gaps", "capacity_gaps")
TEXTS = ("safety_plan", *VIEWS, *GAPS)


def foundation(rng: Random, story: Story, case: Record) -> Told:
    known = story.of("assessments", None if rng.random() < 0.2 else case)
    approved = [one for one in known if one["status"] == "approved"]
    found = rng.choice(approved if approved and rng.random() < 0.85 else known or [None])
    subject = found["subject"] if found and rng.random() < 0.9 else "child"
    return Told({"id": new_id(rng), "subject": subject, "assessment_id": found.id if found else new_id(rng)})


def assessment_of(s: Scene) -> Record:
    found = s.story.find(s.said["assessment_id"])
    if found is None or not sees(s.me, found.case):
        raise Refused(422)
    return found


def unfounded(story: Story, assessment: Record, case: Record, subject: str, person: str | None) -> list[str]:
    same = assessment.case is case and (assessment["subject"], assessment["person_id"]) == (subject, person)
    approved = assessment["status"] == "approved"
    refused = [
        *([] if approved else ["assessment_not_approved"]),
        *([] if same else ["assessment_of_another"]),
    ]
    return refused + outdated(story, assessment)


def outdated(story: Story, assessment: Record) -> list[str]:
    newer = story.of("assessments", previous_id=assessment.id, status="approved")
    return ["assessment_superseded"] if newer else []


def editions(
    story: Story, case: Record, subject: str, person: str | None
) -> tuple[Record | None, Record | None]:
    """The edition that is being written, and the one in force."""
    plans = story.of("care_plans", case, subject=subject, person_id=person)
    draft = [plan for plan in plans if plan["status"] not in {"approved", "superseded"}]
    return next(iter(draft), None), next((plan for plan in plans if plan["status"] == "approved"), None)


@act("POST /cases/{case}/care-plans", "cases", tell=foundation, versioned=False, weight=20)
def start_plan(s: Scene) -> Iterator[None]:
    assessment = assessment_of(s)
    person = assessment["person_id"]
    draft, in_force = editions(s.story, s.case, s.said["subject"], person)
    unmet = unfounded(s.story, assessment, s.case, s.said["subject"], person)
    refuse(unwritable(s), unmet, ["draft_exists"] if draft else [])
    yield
    open_edition(s.story, s.me, assessment, in_force, s.said["id"])


def open_edition(story: Story, me: str, assessment: Record, before: Record | None, id_: str = "") -> None:
    """A copy of the plan in force, rated as the assessment found it or a later review, without what reviews closed."""
    ratings = {area: found and found["rating"] for area, found in assessment["areas"].items()}
    if before and before.knows["assessment"] is assessment:
        ratings |= {area: said["rating"] for area, said in before["areas"].items() if said["rating"]}
    looks = [review for review in story.of("reviews", status="completed") if review.knows["plan"] is before]
    for look in looks:
        if look.knows["completed"] > assessment.knows["decided"]:
            ratings |= {area: said["rating"] for area, said in look["areas"].items() if said["rating"]}
    shut = closed_by(looks)
    says: dict[str, Any] = {name: before and before[name] for name in (*TEXTS, "needs_social_work")}
    says |= {"status": "draft", "author_id": me, "submitted_by_id": None, **UNDECIDED}
    says |= {name: assessment[name] for name in ("subject", "person_id")}
    says |= {"edition": before["edition"] + 1 if before else 1, "previous_id": before.id if before else None}
    says["assessment_id"] = assessment.id
    plan = story.add("care_plans", assessment.case, says, id_, writers=frozenset(), assessment=assessment)
    goals = (
        [goal for goal in story.of("goals", before, status="open") if goal["area"] not in shut]
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
        plan["areas"] |= {area: found_as(assessment, area, ratings[area], status, reason)}
    for goal in goals:
        twin = story.add("goals", plan, dict(goal.says))
        for action in story.of("actions", goal, status="open"):
            story.add("actions", twin, dict(action.says))


def closed_by(reviews: list[Record]) -> dict[str, int]:
    """The areas that these reviews closed, and which did; what was decided last counts."""
    last = {
        area: (said["decision"], r["number"])
        for r in reviews
        for area, said in r["areas"].items()
        if said["decision"]
    }
    return {area: number for area, (decision, number) in last.items() if decision == "close"}


def found_as(
    assessment: Record, area: str, rating: int | None, status: str | None, reason: str | None
) -> dict[str, Any]:
    """An area of a plan: 'no need' does not outlive a weak rating."""
    if status == "no_need" and rating in {1, 2}:
        status = reason = None
    found = assessment["areas"][area] or {}
    rest = {name: found.get(name) for name in ("need", "strengths", "risk")}
    return {"rating": rating, "status": status, "reason": reason, **rest}


def plan_words(rng: Random, story: Story, plan: Record) -> Told | None:
    known = story.of("assessments", plan.case, subject=plan["subject"])
    if known and rng.random() < (0.7 if outdated(story, plan.knows["assessment"]) else 0.05):
        return Told({"assessment_id": rng.choice(known).id})
    if None not in {plan[name] for name in (*TEXTS, "needs_social_work")} and rng.random() < 0.8:
        return None
    said: dict[str, Any] = {name: blob("As she says.", rng) for name in TEXTS}
    said["needs_social_work"] = rng.random() < 0.5
    if rng.random() < 0.25:
        said[rng.choice(list(said))] = None
    return Told(said)


@act("PATCH /care-plans/{id}", "care_plans", tell=plan_words, weight=4)
def write_plan(s: Scene) -> Iterator[None]:
    refuse(unwritable(s), frozen(s.record))
    other = None
    if "assessment_id" in s.said and s.said["assessment_id"] != s.record["assessment_id"]:
        other = assessment_of(s)
        refuse(unfounded(s.story, other, s.case, s.record["subject"], s.record["person_id"]))
    yield
    wrote(s.record, s.me, **s.said)
    if other:
        s.record.knows["assessment"] = other
        rated = {area: (found or {}).get("rating") for area, found in other["areas"].items()}
        areas = s.record["areas"].items()
        s.record["areas"] = {
            a: found_as(other, a, rated[a], was["status"], was["reason"]) for a, was in areas
        }


def answer(rng: Random, _story: Story, plan: Record) -> Told | None:
    blank = [a for a, said in plan["areas"].items() if said["status"] is None and said["rating"] in {3, 4}]
    if not blank and rng.random() < 0.8:
        return None
    area = rng.choice(blank if blank and rng.random() < 0.8 else list(AREAS))
    if rng.random() < 0.05:
        return Told({"status": "no_need"}, wrong=True, area=area)
    if rng.random() < 0.1:
        return Told({"status": "goals", "reason": None}, area=area)
    return Told({"status": "no_need", "reason": blob("Strong enough.", rng)}, area=area)


@act("PUT /care-plans/{id}/areas/{area}", "care_plans", tell=answer, weight=12)
def answer_area(s: Scene) -> Iterator[None]:
    area, goals = s.record["areas"][s.area], s.story.of("goals", s.record, area=s.area)
    untrue = untrue_no_need(area, goals) if s.said["status"] == "no_need" else []
    refuse(unwritable(s), frozen(s.record), untrue)
    yield
    answered = {**area, "status": s.said["status"], "reason": s.said["reason"]}
    wrote(s.record, s.me, areas={**s.record["areas"], s.area: answered})


def untrue_no_need(area: dict[str, Any], goals: list[Record]) -> list[str]:
    weak, going = area["rating"] in {1, 2}, any(goal["status"] == "open" for goal in goals)
    return [*(["area_weak"] if weak else []), *(["goals_open"] if going else [])]
