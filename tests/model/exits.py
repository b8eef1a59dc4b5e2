"""Exit, close and what comes after, as the domain's gate says."""

from collections.abc import Iterator
from datetime import date
from itertools import pairwise
from random import Random
from typing import Any

from tests.model.assessments import not_your_team
from tests.model.days import day, months_after, today
from tests.model.reviews import exit_says
from tests.model.story import (
    LEADERS,
    MEMBERS,
    SUPERVISORS,
    TEAM,
    Record,
    Refused,
    Scene,
    Story,
    Told,
    act,
    blob,
    closed,
    leads,
    new_id,
    refuse,
    stranger,
    unwritable,
)
from tests.pathway import EXIT_PLAN

UNPLANNED = {"moved_away", "died", "cannot_be_found"}
ON_EXIT = ("reason_code", "checklist", "taper", "ends_on", "follow_up_months", "note")


def exit_words(rng: Random, _story: Story, case: Record) -> Told | None:
    if early(rng, case):
        return None
    said: dict[str, Any] = {**EXIT_PLAN, "note": blob("Aunt helps.", rng)}
    said["checklist"] = {name: {"note": None, **found} for name, found in said["checklist"].items()}
    said["taper"] = list(said["taper"])
    hole = rng.random()
    if hole < 0.08:
        del said["checklist"][rng.choice(list(said["checklist"]))]
    elif hole < 0.14:
        said["checklist"]["friends"] = {"met": False, "note": None}
    elif hole < 0.2:
        said["taper"].reverse()
    elif hole < 0.25:
        said["ends_on"] = rng.choice([None, "2027-01-15"])
    elif hole < 0.3:
        said["follow_up_months"] = [3, 6]
    elif hole < 0.45:
        said |= {"reason_code": "moved_away", "taper": [], "ends_on": None, "follow_up_months": []}
    elif hole < 0.5:
        return Told({"ends_on": "soon"}, wrong=True)
    return Told({name: said.get(name) for name in ON_EXIT})


@act("PUT /cases/{case}/exit-plan", "cases", tell=exit_words, versioned=False, weight=3)
def write_exit_plan(s: Scene) -> Iterator[None]:
    plan = next(iter(s.story.of("exit_plans", s.case)), None)
    if plan and s.seen is None:
        raise Refused(428)
    if s.seen != (plan.version if plan else None) or (plan and plan.changed):
        raise Refused(412)
    refuse(unwritable(s))
    yield
    if plan is None:
        plan = s.story.add("exit_plans", s.case, exit_says(s.me, {}))
    elif plan["status"] == "approved":
        edition = {name: plan[name] for name in (*ON_EXIT, "author_id", "decided_by_id")}
        plan["earlier"] = [*plan["earlier"], edition]
    plan.write(**s.said, status="draft", author_id=s.me, decided_by_id=None)


def unready(plan: Record, *, planned: bool) -> Iterator[str]:
    for name in EXIT_PLAN["checklist"]:
        answer = plan["checklist"].get(name)
        if answer is None:
            yield "condition_unanswered"
        elif not answer["met"] and answer["note"] is None:
            yield "note_missing"
    if not planned:
        return
    if not {1, 3, 6} <= set(plan["follow_up_months"]):
        yield "follow_ups_missing"
    if plan["ends_on"] is None:
        yield "ends_on_missing"
    taper = [(step["from"], -step["contacts_per_month"]) for step in plan["taper"]]
    if not taper or any(a >= c or b > d for (a, b), (c, d) in pairwise(taper)):
        yield "taper_not_falling"
    elif plan["ends_on"] is not None and taper[-1][0] > plan["ends_on"]:
        yield "taper_after_end"


@act("POST /cases/{case}/exit-plan/approve", "exit_plans", SUPERVISORS, weight=40)
def approve_exit_plan(s: Scene) -> Iterator[None]:
    waiting = [] if s.record["status"] == "draft" else ["status"]
    own = ["own_work"] if s.me == s.record["author_id"] else []
    missing = unready(s.record, planned=s.record["reason_code"] not in UNPLANNED)
    refuse(closed(s.case), waiting, own, not_your_team(s), missing)
    yield
    s.record.write(status="approved", decided_by_id=s.me)


def early(rng: Random, case: Record) -> bool:
    """Few think of the end before it has begun; else no child came far."""
    return bool(case["status"] not in {"exiting", "closed"} and rng.random() < 0.9)


# Close, follow up, reopen


def closing(rng: Random, _story: Story, case: Record) -> Told | None:
    if early(rng, case):
        return None
    reason = rng.choice(["goals_met", "goals_met", "moved_away"])
    return (
        Told({"reason_code": reason, "outcome": blob("Goes to school.", rng)})
        if rng.random() < 0.9
        else Told({}, wrong=True)
    )


@act("POST /cases/{id}/close", "cases", tell=closing, weight=40)
def close_case(s: Scene) -> Iterator[None]:
    refuse(closed(s.case))
    planned = s.said["reason_code"] not in UNPLANNED
    completed = sorted(s.story.of("reviews", s.case, status="completed"), key=lambda r: int(r["number"]))
    final = not planned or (completed and completed[-1]["decision"] == "begin_exit")
    plan = next(iter(s.story.of("exit_plans", s.case, status="approved")), None)
    other = plan and not planned and plan["reason_code"] != s.said["reason_code"]
    missing = ["exit_plan_for_another_end"] if other else ["exit_plan_not_approved"]
    if plan and not other:
        missing = [*unready(plan, planned=planned)]
    refuse(stranger(s.me, s.case), missing, [] if final else ["final_review_missing"])
    yield
    assert plan
    for kind, waits in (("reviews", "scheduled"), ("support_sessions", "planned")):
        for record in s.story.of(kind, s.case, status=waits):
            record.write(status="cancelled")
    s.case.write(status="closed", closed_on=day(0), next_review_on=None, close_reason=s.said["reason_code"])
    s.case.write(outcome=s.said["outcome"])
    for months in plan["follow_up_months"]:
        says = {"months": months, "due_on": months_after(today(), months).isoformat(), "status": "due"}
        s.story.add(
            "follow_ups",
            s.case,
            {**says, "held_on": None, "wellbeing": None, "note": None, "author_id": None},
        )


def wellbeing(rng: Random, _story: Story, _record: Record) -> Told:
    said: dict[str, Any] = {"held_on": day(rng.choice([0, 0, 0, 0, -1, 1])), "note": blob("He plays.", rng)}
    return Told({**said, "wellbeing": rng.choice(["well", "well", "at_risk", "not_reached"])})


def unplanned_look(rng: Random, story: Story, record: Record) -> Told:
    months = rng.choice([None, None, 1, 3, 5])
    return Told({"id": new_id(rng), "months": months, **wellbeing(rng, story, record).body})


def looked_at(rng: Random, story: Story, record: Record) -> Told:
    told = wellbeing(rng, story, record).body
    return Told({**told, "wellbeing": None, "note": None} if rng.random() < 0.1 else told)


def unlooked(case: Record, said: dict[str, Any]) -> Iterator[str]:
    if case["closed_on"] is None:
        yield "case_open"
    if said["wellbeing"] is None and said["note"] is None:
        yield "wellbeing_missing"
    if said["held_on"] > day(0):
        yield "date_in_future"
    elif case["closed_on"] and said["held_on"] < case["closed_on"]:
        yield "before_exit"


def outcome(said: dict[str, Any]) -> str:
    return "missed" if said["wellbeing"] == "not_reached" else "held"


@act("PATCH /follow-ups/{id}", "follow_ups", tell=looked_at, weight=5)
def record_follow_up(s: Scene) -> Iterator[None]:
    looks = stranger(s.me, s.case)
    refuse(["status"] if s.record["status"] == "held" else [], looks)
    refuse(unlooked(s.case, s.said), looks)
    yield
    s.record.write(**s.said, status=outcome(s.said), author_id=s.me)


@act("POST /cases/{case}/follow-ups", "cases", tell=unplanned_look, versioned=False)
def add_follow_up(s: Scene) -> Iterator[None]:
    planned = planned_look(s)
    taken = ["status"] if planned and planned["status"] == "held" else []
    unplanned = ["not_planned"] if planned is None and s.said["months"] else []
    refuse(unlooked(s.case, s.said), taken, unplanned, stranger(s.me, s.case))
    yield
    said = {name: s.said[name] for name in ("held_on", "wellbeing", "note")}
    told = {**said, "status": outcome(said), "author_id": s.me}
    if planned:
        planned.write(**told)
    else:
        s.story.add("follow_ups", s.case, {"months": None, "due_on": None, **told}, s.said["id"])


def planned_look(s: Scene) -> Record | None:
    """The planned one that a look is: the one of these months; else the nearest in 45 days that waits."""
    if s.said["months"]:
        return next(iter(s.story.of("follow_ups", s.case, months=s.said["months"])), None)
    apart = {
        abs((date.fromisoformat(one["due_on"]) - date.fromisoformat(s.said["held_on"])).days): one
        for one in s.story.of("follow_ups", s.case)
        if one["due_on"] and one["status"] != "held"
    }
    return next((apart[days] for days in sorted(apart) if days <= 45), None)


def coming_back(rng: Random, _story: Story, case: Record) -> Told:
    said = {"reason": blob("She asks for help again.", rng)}
    if rng.random() < 0.4:
        team = rng.choice(list(TEAM.values()))
        said |= {
            "team_id": team,
            "lead_worker_id": rng.choice(sorted(MEMBERS[rng.choice([team, case["team_id"]])])),
        }
    return Told(said)


@act("POST /cases/{id}/reopen", "cases", LEADERS, tell=coming_back)
def reopen_case(s: Scene) -> Iterator[None]:
    old, team = s.case, s.said.get("team_id", s.case["team_id"])
    lead = s.said.get("lead_worker_id", old["lead_worker_id"])
    still = ["status"] if old["status"] != "closed" else []
    going = [case for case in s.story.of("cases") if case["status"] != "closed"]
    there = Record("cases", {"team_id": team})
    mine = [] if leads(s.me, there) and leads(s.me, old) else ["not_your_team"]
    unfit = [] if lead in MEMBERS[team] else ["worker_unfit"]
    refuse(still or (["open_case"] if going else []), mine, unfit)
    yield
    old.write()
    says = case_says(team, lead) | {"previous_case_id": old.id, "opened_on": day(0)}
    new = s.story.add("cases", None, says, glass=frozenset())
    for person in s.story.of("people", old):
        s.story.add("people", new, dict(person.says))


def case_says(team: str, lead: str) -> dict[str, Any]:
    blank = dict.fromkeys(
        ("closed_on", "next_review_on", "extended_until", "close_reason", "previous_case_id", "outcome")
    )
    return {"status": "assessment", "team_id": team, "lead_worker_id": lead, "co_worker_ids": [], **blank}
