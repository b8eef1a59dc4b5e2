"""Reviews as the domain's gate says: every active area answered, the next one scheduled, the case going on as decided."""

from collections.abc import Iterator
from datetime import date
from random import Random
from typing import Any

from tests.model.days import day, months_after, schedule
from tests.model.plans import closed_by, editions, open_edition
from tests.model.story import Record, Scene, Story, Told, act, blob, refuse, stranger

ANSWERED = ("rating", "progress", "decision")


def active_areas(story: Story, review: Record) -> list[str]:
    plan = review.knows["plan"]
    earlier = [
        r for r in story.of("reviews", review.case, status="completed") if r["number"] < review["number"]
    ]
    shut = closed_by([r for r in earlier if r.knows["plan"] is plan])
    return [area for area, said in plan["areas"].items() if said["status"] == "goals" and area not in shut]


def review_words(rng: Random, story: Story, review: Record) -> Told:
    areas: dict[str, Any] = {}
    for area in active_areas(story, review):
        decision = rng.choice(["continue", "continue", "continue", "adapt", "close"])
        areas[area] = {"rating": rng.randint(1, 4), "progress": blob("Good days.", rng), "decision": decision}
    said: dict[str, Any] = {
        "areas": areas,
        "held_on": day(-rng.choice([0] * 9 + [1])),
        "decision": rng.choice(["continue", "adapt", "begin_exit", "begin_exit"]),
        "summary": blob("He laughs again.", rng),
    }
    hole = rng.random()
    if hole < 0.1 and areas:
        areas[rng.choice(list(areas))][rng.choice(ANSWERED)] = None
    elif hole < 0.2:
        said[rng.choice(["held_on", "decision"])] = None
    elif hole < 0.25:
        said["held_on"] = day(1)
    elif hole < 0.3:
        return Told({"decision": "go_home"}, wrong=True)
    return Told(said)


@act("PATCH /reviews/{id}", "reviews", tell=review_words, weight=15)
def write_review(s: Scene) -> Iterator[None]:
    refuse([] if s.record["status"] == "scheduled" else ["status"], stranger(s.me, s.case))
    yield
    blank, before = dict.fromkeys(ANSWERED), s.record["areas"]
    told = {area: {**blank, **before.get(area, {}), **found} for area, found in s.said["areas"].items()}
    s.record.write(**{**s.said, "areas": {**before, **told}})


def unanswered(s: Scene) -> Iterator[str]:
    said = s.record.says
    for area in active_areas(s.story, s.record):
        found = said["areas"].get(area, dict.fromkeys(ANSWERED))
        yield from (f"{name}_missing" for name in ANSWERED if found[name] is None)
    if said["decision"] is None:
        yield "decision_missing"
    if said["decision"] == "continue" and any(a["decision"] == "adapt" for a in said["areas"].values()):
        yield "decision_contradicts"
    if said["held_on"] is None:
        yield "held_on_missing"
    elif said["held_on"] > day(0):
        yield "date_in_future"
    elif said["held_on"] < day(0):  # every plan here was approved today, and none was reviewed before it was
        yield "before_support"
    if said["decision"] in {"continue", "adapt"} and day(0) > supported_until(s.case):
        yield "extension_needed"


def supported_until(case: Record) -> str:
    ends = months_after(date.fromisoformat(case["opened_on"]), 24).isoformat()
    return max(ends, case["extended_until"] or "")


@act("POST /reviews/{id}/complete", "reviews", weight=40)
def complete_review(s: Scene) -> Iterator[None]:
    waiting = [] if s.record["status"] == "scheduled" else ["status"]
    refuse(waiting, stranger(s.me, s.case), unanswered(s))
    yield
    s.record.write(status="completed", completed_by_id=s.me)
    s.record.knows["completed"] = s.story.tick()
    plan, decision = s.record.knows["plan"], s.record["decision"]
    schedule(s.story, s.case, plan, date.fromisoformat(s.record["held_on"]))
    s.case.write()
    draft, in_force = editions(s.story, s.case, "child", None)
    if decision == "adapt" and not draft:
        approved = s.story.of("assessments", s.case, subject="child", status="approved")
        newest = max(approved, key=lambda one: int(one.knows["decided"]))
        open_edition(s.story, s.case["lead_worker_id"], newest, in_force)
    if decision == "begin_exit" and s.case["status"] == "active":
        s.case.write(status="exiting")
        if not s.story.of("exit_plans", s.case):
            s.story.add("exit_plans", s.case, exit_says(s.me, {"follow_up_months": [1, 3, 6]}))


def sooner(rng: Random, _story: Story, _case: Record) -> Told:
    wanted = rng.choice([None, *map(day, (-1, 0, 5, 30, 60, 200))])
    return Told({"due_on": wanted, "reason": "He ran away."})


@act("POST /cases/{case}/reviews", "cases", tell=sooner, versioned=False, weight=4)
def bring_review_forward(s: Scene) -> Iterator[None]:
    refuse(stranger(s.me, s.case))
    waiting = s.story.of("reviews", s.case, status="scheduled")
    refuse([] if waiting else ["no_review_scheduled"])
    due_on = waiting[0]["due_on"]
    wanted = s.said["due_on"] or min(day(0), due_on)
    refuse([] if day(0) <= wanted < due_on or wanted == due_on else ["not_earlier"])
    yield
    if wanted == due_on:
        return
    waiting[0].write(due_on=wanted)
    s.case.write(next_review_on=wanted)


def exit_says(me: str, said: dict[str, Any]) -> dict[str, Any]:
    blank: dict[str, Any] = dict.fromkeys(("reason_code", "ends_on", "note", "decided_by_id"))
    return {"status": "draft", "author_id": me, "earlier": [], "checklist": {}, "taper": [], **blank, **said}
