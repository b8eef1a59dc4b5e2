"""Exit, close and what comes after, as the domain's gate says."""

from collections.abc import Iterator
from datetime import date
from itertools import pairwise
from random import Random
from typing import Any

from tests.model_based.assessments import check_supervises_team
from tests.model_based.child_model import (
    LEADER_ROLES,
    MEMBER_IDS_BY_TEAM,
    SUPERVISOR_ROLES,
    TEAM_IDS,
    ChildModel,
    ModelRecord,
    OperationContext,
    Payload,
    Rejected,
    check_case_open,
    check_works_on_case,
    check_writable,
    leads_case,
    raise_if_unmet,
    random_id,
    register_operation,
    unique_text,
)
from tests.model_based.dates import add_months, iso_date_in_days, today
from tests.model_based.reviews import exit_plan_fields
from tests.support.case_lifecycle import EXIT_PLAN_PAYLOAD

UNPLANNED_REASONS = {"moved_away", "died", "cannot_be_found"}
EXIT_PLAN_FIELDS = ("reason_code", "checklist", "taper", "ends_on", "follow_up_months", "note")


def exit_plan_payload(rng: Random, _story: ChildModel, case: ModelRecord) -> Payload | None:
    if is_too_early(rng, case):
        return None
    said: dict[str, Any] = {**EXIT_PLAN_PAYLOAD, "note": unique_text("Aunt helps.", rng)}
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
        return Payload({"ends_on": "soon"}, is_invalid=True)
    return Payload({name: said.get(name) for name in EXIT_PLAN_FIELDS})


@register_operation(
    "PUT /cases/{case}/exit-plan", "cases", build_payload=exit_plan_payload, requires_version=False, weight=3
)
def replace_exit_plan(s: OperationContext) -> Iterator[None]:
    plan = next(iter(s.child.list_records("exit_plans", s.case)), None)
    if plan and s.expected_version is None:
        raise Rejected(428)
    if s.expected_version != (plan.version if plan else None) or (plan and plan.changed):
        raise Rejected(412)
    raise_if_unmet(check_writable(s))
    yield
    if plan is None:
        plan = s.child.add_record("exit_plans", s.case, exit_plan_fields(s.caller_id, {}))
    elif plan["status"] == "approved":
        edition = {name: plan[name] for name in (*EXIT_PLAN_FIELDS, "author_id", "decided_by_id")}
        plan["earlier"] = [*plan["earlier"], edition]
    plan.update(**s.payload, status="draft", author_id=s.caller_id, decided_by_id=None)


def check_exit_plan_ready(plan: ModelRecord, *, planned: bool) -> Iterator[str]:
    for name in EXIT_PLAN_PAYLOAD["checklist"]:
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


@register_operation("POST /cases/{case}/exit-plan/approve", "exit_plans", SUPERVISOR_ROLES, weight=40)
def approve_exit_plan(s: OperationContext) -> Iterator[None]:
    waiting = [] if s.record["status"] == "draft" else ["status"]
    own = ["own_work"] if s.caller_id == s.record["author_id"] else []
    missing = check_exit_plan_ready(s.record, planned=s.record["reason_code"] not in UNPLANNED_REASONS)
    raise_if_unmet(check_case_open(s.case), waiting, own, check_supervises_team(s), missing)
    yield
    s.record.update(status="approved", decided_by_id=s.caller_id)


def is_too_early(rng: Random, case: ModelRecord) -> bool:
    """Few think of the end before it has begun; else no child came far."""
    return bool(case["status"] not in {"exiting", "closed"} and rng.random() < 0.9)


# Close, follow up, reopen


def case_closure_payload(rng: Random, _story: ChildModel, case: ModelRecord) -> Payload | None:
    if is_too_early(rng, case):
        return None
    reason = rng.choice(["goals_met", "goals_met", "moved_away"])
    return (
        Payload({"reason_code": reason, "outcome": unique_text("Goes to school.", rng)})
        if rng.random() < 0.9
        else Payload({}, is_invalid=True)
    )


@register_operation("POST /cases/{id}/close", "cases", build_payload=case_closure_payload, weight=40)
def close_case(s: OperationContext) -> Iterator[None]:
    raise_if_unmet(check_case_open(s.case))
    planned = s.payload["reason_code"] not in UNPLANNED_REASONS
    completed = sorted(
        s.child.list_records("reviews", s.case, status="completed"), key=lambda r: int(r["number"])
    )
    final = not planned or (completed and completed[-1]["decision"] == "begin_exit")
    plan = next(iter(s.child.list_records("exit_plans", s.case, status="approved")), None)
    other = plan and not planned and plan["reason_code"] != s.payload["reason_code"]
    missing = ["exit_plan_for_another_end"] if other else ["exit_plan_not_approved"]
    if plan and not other:
        missing = [*check_exit_plan_ready(plan, planned=planned)]
    raise_if_unmet(
        check_works_on_case(s.caller_id, s.case), missing, [] if final else ["final_review_missing"]
    )
    yield
    assert plan
    for kind, waits in (("reviews", "scheduled"), ("support_sessions", "planned")):
        for record in s.child.list_records(kind, s.case, status=waits):
            record.update(status="cancelled")
    s.case.update(
        status="closed",
        closed_on=iso_date_in_days(0),
        next_review_on=None,
        close_reason=s.payload["reason_code"],
    )
    s.case.update(outcome=s.payload["outcome"])
    for months in plan["follow_up_months"]:
        says = {"months": months, "due_on": add_months(today(), months).isoformat(), "status": "due"}
        s.child.add_record(
            "follow_ups",
            s.case,
            {**says, "held_on": None, "wellbeing": None, "note": None, "author_id": None},
        )


def wellbeing_payload(rng: Random, _story: ChildModel, _record: ModelRecord) -> Payload:
    said: dict[str, Any] = {
        "held_on": iso_date_in_days(rng.choice([0, 0, 0, 0, -1, 1])),
        "note": unique_text("He plays.", rng),
    }
    return Payload({**said, "wellbeing": rng.choice(["well", "well", "at_risk", "not_reached"])})


def follow_up_create_payload(rng: Random, story: ChildModel, record: ModelRecord) -> Payload:
    months = rng.choice([None, None, 1, 3, 5])
    return Payload({"id": random_id(rng), "months": months, **wellbeing_payload(rng, story, record).body})


def follow_up_update_payload(rng: Random, story: ChildModel, record: ModelRecord) -> Payload:
    told = wellbeing_payload(rng, story, record).body
    return Payload({**told, "wellbeing": None, "note": None} if rng.random() < 0.1 else told)


def check_follow_up(case: ModelRecord, said: dict[str, Any]) -> Iterator[str]:
    if case["closed_on"] is None:
        yield "case_open"
    if said["wellbeing"] is None and said["note"] is None:
        yield "wellbeing_missing"
    if said["held_on"] > iso_date_in_days(0):
        yield "date_in_future"
    elif case["closed_on"] and said["held_on"] < case["closed_on"]:
        yield "before_exit"


def follow_up_status(said: dict[str, Any]) -> str:
    return "missed" if said["wellbeing"] == "not_reached" else "held"


@register_operation("PATCH /follow-ups/{id}", "follow_ups", build_payload=follow_up_update_payload, weight=5)
def update_follow_up(s: OperationContext) -> Iterator[None]:
    looks = check_works_on_case(s.caller_id, s.case)
    raise_if_unmet(["status"] if s.record["status"] == "held" else [], looks)
    raise_if_unmet(check_follow_up(s.case, s.payload), looks)
    yield
    s.record.update(**s.payload, status=follow_up_status(s.payload), author_id=s.caller_id)


@register_operation(
    "POST /cases/{case}/follow-ups", "cases", build_payload=follow_up_create_payload, requires_version=False
)
def create_follow_up(s: OperationContext) -> Iterator[None]:
    planned = find_planned_follow_up(s)
    taken = ["status"] if planned and planned["status"] == "held" else []
    unplanned = ["not_planned"] if planned is None and s.payload["months"] else []
    raise_if_unmet(
        check_follow_up(s.case, s.payload), taken, unplanned, check_works_on_case(s.caller_id, s.case)
    )
    yield
    said = {name: s.payload[name] for name in ("held_on", "wellbeing", "note")}
    told = {**said, "status": follow_up_status(said), "author_id": s.caller_id}
    if planned:
        planned.update(**told)
    else:
        s.child.add_record("follow_ups", s.case, {"months": None, "due_on": None, **told}, s.payload["id"])


def find_planned_follow_up(s: OperationContext) -> ModelRecord | None:
    """The planned one that a look is: the one of these months; else the nearest in 45 days that waits."""
    if s.payload["months"]:
        return next(iter(s.child.list_records("follow_ups", s.case, months=s.payload["months"])), None)
    apart = {
        abs((date.fromisoformat(one["due_on"]) - date.fromisoformat(s.payload["held_on"])).days): one
        for one in s.child.list_records("follow_ups", s.case)
        if one["due_on"] and one["status"] != "held"
    }
    return next((apart[days] for days in sorted(apart) if days <= 45), None)


def case_reopening_payload(rng: Random, _story: ChildModel, case: ModelRecord) -> Payload:
    said = {"reason": unique_text("She asks for help again.", rng)}
    if rng.random() < 0.4:
        team = rng.choice(list(TEAM_IDS.values()))
        said |= {
            "team_id": team,
            "lead_worker_id": rng.choice(sorted(MEMBER_IDS_BY_TEAM[rng.choice([team, case["team_id"]])])),
        }
    return Payload(said)


@register_operation("POST /cases/{id}/reopen", "cases", LEADER_ROLES, build_payload=case_reopening_payload)
def reopen_case(s: OperationContext) -> Iterator[None]:
    old, team = s.case, s.payload.get("team_id", s.case["team_id"])
    lead = s.payload.get("lead_worker_id", old["lead_worker_id"])
    still = ["status"] if old["status"] != "closed" else []
    going = [case for case in s.child.list_records("cases") if case["status"] != "closed"]
    there = ModelRecord("cases", {"team_id": team})
    mine = [] if leads_case(s.caller_id, there) and leads_case(s.caller_id, old) else ["not_your_team"]
    unfit = [] if lead in MEMBER_IDS_BY_TEAM[team] else ["worker_unfit"]
    raise_if_unmet(still or (["open_case"] if going else []), mine, unfit)
    yield
    old.update()
    says = case_fields(team, lead) | {"previous_case_id": old.id, "opened_on": iso_date_in_days(0)}
    new = s.child.add_record("cases", None, says, glass=frozenset())
    for person in s.child.list_records("people", old):
        s.child.add_record("people", new, dict(person.fields))


def case_fields(team: str, lead: str) -> dict[str, Any]:
    blank = dict.fromkeys(
        ("closed_on", "next_review_on", "extended_until", "close_reason", "previous_case_id", "outcome")
    )
    return {"status": "assessment", "team_id": team, "lead_worker_id": lead, "co_worker_ids": [], **blank}
