"""Operations of the model: exit plan, closing, follow-ups and reopening."""

from collections.abc import Iterator
from datetime import date
from itertools import pairwise
from random import Random
from typing import Any

from tests.model_based.assessments import check_decider
from tests.model_based.child_model import (
    LEADER_ROLES,
    MEMBER_IDS_BY_TEAM,
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
from tests.model_based.consents import add_consent, check_follow_up_consent
from tests.model_based.dates import add_months, iso_date_in_days, today
from tests.model_based.reviews import EXIT_PLAN_FIELDS, exit_plan_fields
from tests.support import case_lifecycle
from tests.support.case_lifecycle import EXIT_CONDITIONS, reached_exit_dates

UNPLANNED_REASONS = {"moved_away", "died", "cannot_be_found"}


def exit_plan_payload(rng: Random, _child: ChildModel, case: ModelRecord) -> Payload | None:
    if is_too_early(rng, case):
        return None
    note = None if rng.random() < 0.1 else unique_text("Aunt helps.", rng)
    body: dict[str, Any] = {**case_lifecycle.exit_plan_payload(), "note": note}
    body["checklist"] = {name: {"note": None, **answer} for name, answer in body["checklist"].items()}
    body["taper"] = list(body["taper"])
    if rng.random() < 0.8:
        body |= {name: reached_exit_dates()[name] for name in ("taper", "ends_on")}
    draw = rng.random()
    if draw < 0.08:
        del body["checklist"][rng.choice(list(body["checklist"]))]
    elif draw < 0.14:
        body["checklist"]["friends"] = {"met": False, "note": None}
    elif draw < 0.2:
        body["taper"] = case_lifecycle.exit_plan_payload()["taper"][::-1]
    elif draw < 0.25:
        body["ends_on"] = rng.choice([None, iso_date_in_days(45), iso_date_in_days(-1)])
    elif draw < 0.3:
        body["follow_up_months"] = [3, 6]
    elif draw < 0.45:
        body |= {"reason_code": "moved_away", "taper": [], "ends_on": None, "follow_up_months": []}
    elif draw < 0.5:
        return Payload({"ends_on": "soon"}, is_invalid=True)
    return Payload({name: body.get(name) for name in EXIT_PLAN_FIELDS})


@register_operation(
    "PUT /cases/{case}/exit-plan", "cases", build_payload=exit_plan_payload, requires_version=False, weight=3
)
def replace_exit_plan(context: OperationContext) -> Iterator[None]:
    plan = next(iter(context.child.list_records("exit_plans", context.case)), None)
    if plan and context.expected_version is None:
        raise Rejected(428)
    if context.expected_version != (plan.version if plan else None) or (plan and plan.changed):
        raise Rejected(412)
    raise_if_unmet(check_writable(context))
    yield
    if plan is None:
        plan = context.child.add_record("exit_plans", context.case, exit_plan_fields(context.caller_id, {}))
    elif plan["status"] == "approved":
        earlier_version = {name: plan[name] for name in (*EXIT_PLAN_FIELDS, "author_id", "decided_by_id")}
        plan["earlier"] = [*plan["earlier"], earlier_version]
    plan.update(**context.payload, status="draft", author_id=context.caller_id, decided_by_id=None)


def check_exit_plan_ready(plan: ModelRecord, *, is_planned: bool) -> Iterator[str]:
    for name in EXIT_CONDITIONS:
        answer = plan["checklist"].get(name)
        if answer is None:
            yield "condition_unanswered"
        elif not answer["met"] and answer["note"] is None:
            yield "note_missing"
    if is_planned:
        yield from check_taper(plan)


def check_taper(plan: ModelRecord) -> Iterator[str]:
    if not {1, 3, 6} <= set(plan["follow_up_months"]):
        yield "follow_ups_missing"
    if plan["ends_on"] is None:
        yield "ends_on_missing"
    taper = [(step["from"], step["contacts_per_month"]) for step in plan["taper"]]
    if not taper or any(
        start >= next_start or contacts < next_contacts
        for (start, contacts), (next_start, next_contacts) in pairwise(taper)
    ):
        yield "taper_not_falling"
    elif plan["ends_on"] is not None and taper[-1][0] > plan["ends_on"]:
        yield "taper_after_end"
    elif plan["ends_on"] is not None and plan["note"] is None:
        length = date.fromisoformat(plan["ends_on"]) - date.fromisoformat(taper[0][0])
        if length.days < 28:
            yield "taper_short"


def check_exit_dates(plan: ModelRecord, *, are_reached: bool) -> Iterator[str]:
    """Yield the faults of dates that have passed at the approval, or that are ahead at the closing."""
    current_date = iso_date_in_days(0)
    days = [step["from"] for step in plan["taper"]]
    if are_reached:
        if any(day > current_date for day in days):
            yield "taper_not_reached"
        if plan["ends_on"] is not None and plan["ends_on"] > current_date:
            yield "end_not_reached"
        return
    yield from ("taper_past" for day in days if day < current_date)
    if plan["ends_on"] is not None and plan["ends_on"] < current_date:
        yield "end_past"


@register_operation("POST /cases/{case}/exit-plan/approve", "exit_plans", LEADER_ROLES, weight=40)
def approve_exit_plan(context: OperationContext) -> Iterator[None]:
    unmet = [] if context.record["status"] == "draft" else ["status"]
    is_planned = context.record["reason_code"] not in UNPLANNED_REASONS
    unmet += check_exit_plan_ready(context.record, is_planned=is_planned)
    unmet += check_exit_dates(context.record, are_reached=False) if is_planned else []
    unmet += check_decider(context, {context.record["author_id"]})
    raise_if_unmet(check_case_open(context.case), unmet)
    yield
    context.record.update(status="approved", decided_by_id=context.caller_id)


def is_too_early(rng: Random, case: ModelRecord) -> bool:
    """Return mostly True before the exit begins. Otherwise most cases would close early."""
    return bool(case["status"] not in {"exiting", "closed"} and rng.random() < 0.9)


def case_closure_payload(rng: Random, _child: ChildModel, case: ModelRecord) -> Payload | None:
    if is_too_early(rng, case):
        return None
    reason = rng.choice(["goals_met", "goals_met", "moved_away"])
    return (
        Payload({"reason_code": reason, "outcome": unique_text("Goes to school.", rng)})
        if rng.random() < 0.9
        else Payload({}, is_invalid=True)
    )


@register_operation("POST /cases/{id}/close", "cases", build_payload=case_closure_payload, weight=40)
def close_case(context: OperationContext) -> Iterator[None]:
    raise_if_unmet(check_case_open(context.case))
    is_planned = context.payload["reason_code"] not in UNPLANNED_REASONS
    completed = sorted(
        context.child.list_records("reviews", context.case, status="completed"),
        key=lambda review: int(review["number"]),
    )
    has_final_review = not is_planned or (completed and completed[-1]["decision"] == "begin_exit")
    plan = next(iter(context.child.list_records("exit_plans", context.case, status="approved")), None)
    has_other_reason = plan and not is_planned and plan["reason_code"] != context.payload["reason_code"]
    unmet = ["exit_plan_for_another_end"] if has_other_reason else ["exit_plan_not_approved"]
    if plan and not has_other_reason:
        is_for_another_end = is_planned and plan["reason_code"] in UNPLANNED_REASONS
        unmet = ["exit_plan_for_another_end"] if is_for_another_end else []
        unmet += check_exit_plan_ready(plan, is_planned=is_planned)
        unmet += check_exit_dates(plan, are_reached=True) if is_planned else []
        if context.payload["reason_code"] == "goals_met":
            unmet += ["condition_not_met" for answer in plan["checklist"].values() if not answer["met"]]
    raise_if_unmet(
        check_works_on_case(context.caller_id, context.case),
        unmet,
        [] if has_final_review else ["final_review_missing"],
    )
    yield
    assert plan
    for kind, status in (("reviews", "scheduled"), ("support_sessions", "planned")):
        for record in context.child.list_records(kind, context.case, status=status):
            record.update(status="cancelled")
    context.case.update(
        status="closed",
        closed_on=iso_date_in_days(0),
        next_review_on=None,
        close_reason=context.payload["reason_code"],
    )
    context.case.update(outcome=context.payload["outcome"])
    for months in plan["follow_up_months"]:
        fields = {"months": months, "due_on": add_months(today(), months).isoformat(), "status": "due"}
        context.child.add_record(
            "follow_ups",
            context.case,
            {**fields, "held_on": None, "wellbeing": None, "note": None, "author_id": None},
        )


def wellbeing_payload(rng: Random, _child: ChildModel, _record: ModelRecord) -> Payload:
    days = rng.choice([0, 0, 0, 0, -1, 1])
    body: dict[str, Any] = {
        "held_on": iso_date_in_days(days),
        "note": unique_text("He plays.", rng),
        "wellbeing": rng.choice(["well", "well", "at_risk", "not_reached"]),
    }
    return Payload(body, is_invalid=days > 0)


def follow_up_create_payload(rng: Random, child: ChildModel, record: ModelRecord) -> Payload:
    months = rng.choice([None, None, 1, 3, 5])
    result = wellbeing_payload(rng, child, record)
    return Payload({"id": random_id(rng), "months": months, **result.body}, is_invalid=result.is_invalid)


def follow_up_update_payload(rng: Random, child: ChildModel, record: ModelRecord) -> Payload:
    result = wellbeing_payload(rng, child, record)
    if rng.random() < 0.1:
        return Payload({**result.body, "wellbeing": None, "note": None}, is_invalid=result.is_invalid)
    return result


def check_follow_up(case: ModelRecord, body: dict[str, Any]) -> Iterator[str]:
    if case["closed_on"] is None:
        yield "case_open"
    if body["wellbeing"] is None and body["note"] is None:
        yield "wellbeing_missing"
    if case["closed_on"] and body["held_on"] < case["closed_on"]:
        yield "before_exit"


def follow_up_status(body: dict[str, Any]) -> str:
    return "missed" if body["wellbeing"] == "not_reached" else "held"


@register_operation("PATCH /follow-ups/{id}", "follow_ups", build_payload=follow_up_update_payload, weight=5)
def update_follow_up(context: OperationContext) -> Iterator[None]:
    staff_unmet = check_works_on_case(context.caller_id, context.case)
    is_over = context.record["status"] in {"held", "cancelled"}
    raise_if_unmet(["status"] if is_over else [], staff_unmet)
    raise_if_unmet(
        check_follow_up(context.case, context.payload),
        staff_unmet,
        check_follow_up_consent(context.child, context.case, context.payload["wellbeing"]),
    )
    yield
    context.record.update(
        **context.payload, status=follow_up_status(context.payload), author_id=context.caller_id
    )


@register_operation(
    "POST /cases/{case}/follow-ups", "cases", build_payload=follow_up_create_payload, requires_version=False
)
def create_follow_up(context: OperationContext) -> Iterator[None]:
    planned = find_planned_follow_up(context)
    unmet = ["status"] if planned and planned["status"] in {"held", "cancelled"} else []
    unmet += ["not_planned"] if planned is None and context.payload["months"] else []
    raise_if_unmet(
        check_follow_up(context.case, context.payload),
        unmet,
        check_works_on_case(context.caller_id, context.case),
        check_follow_up_consent(context.child, context.case, context.payload["wellbeing"]),
    )
    yield
    fields = {name: context.payload[name] for name in ("held_on", "wellbeing", "note")}
    fields |= {"status": follow_up_status(fields), "author_id": context.caller_id}
    if planned:
        planned.update(**fields)
    else:
        fields = {"months": None, "due_on": None, **fields}
        context.child.add_record("follow_ups", context.case, fields, context.payload["id"])


def find_planned_follow_up(context: OperationContext) -> ModelRecord | None:
    """Return the planned follow-up of the given month, else the nearest due one within 45 days."""
    if context.payload["months"]:
        return next(
            iter(context.child.list_records("follow_ups", context.case, months=context.payload["months"])),
            None,
        )
    held_on = date.fromisoformat(context.payload["held_on"])
    by_distance = {
        abs((date.fromisoformat(follow_up["due_on"]) - held_on).days): follow_up
        for follow_up in context.child.list_records("follow_ups", context.case)
        if follow_up["due_on"] and follow_up["status"] in {"due", "missed"}
    }
    return next((by_distance[days] for days in sorted(by_distance) if days <= 45), None)


def case_reopening_payload(rng: Random, _child: ChildModel, case: ModelRecord) -> Payload:
    body: dict[str, Any] = {"reason": unique_text("She asks for help again.", rng)}
    if rng.random() < 0.9:
        body["consent"] = {
            "id": random_id(rng),
            "given_by": ["child", "caregiver"],
            "method": "oral",
            "on": iso_date_in_days(0),
            "scope": ["services", "follow_up_contact"],
            "status": "given",
        }
    if rng.random() < 0.4:
        team_id = rng.choice(list(TEAM_IDS.values()))
        user_ids = sorted(MEMBER_IDS_BY_TEAM[rng.choice([team_id, case["team_id"]])])
        body |= {"team_id": team_id, "lead_worker_id": rng.choice(user_ids)}
    return Payload(body)


@register_operation("POST /cases/{id}/reopen", "cases", LEADER_ROLES, build_payload=case_reopening_payload)
def reopen_case(context: OperationContext) -> Iterator[None]:
    old_case, team_id = context.case, context.payload.get("team_id", context.case["team_id"])
    lead_worker_id = context.payload.get("lead_worker_id", old_case["lead_worker_id"])
    open_cases = [case for case in context.child.list_records("cases") if case["status"] != "closed"]
    unmet = ["open_case"] if open_cases else []
    if old_case["status"] != "closed":
        unmet = ["status"]
    new_team_case = ModelRecord("cases", {"team_id": team_id})
    if not (leads_case(context.caller_id, new_team_case) and leads_case(context.caller_id, old_case)):
        unmet.append("not_your_team")
    if lead_worker_id not in MEMBER_IDS_BY_TEAM[team_id]:
        unmet.append("worker_unfit")
    if "consent" not in context.payload:
        unmet.append("consent_missing")
    raise_if_unmet(unmet)
    yield
    old_case.update()
    fields = case_fields(team_id, lead_worker_id) | {
        "previous_case_id": old_case.id,
        "opened_on": iso_date_in_days(0),
    }
    new_case = context.child.add_record("cases", None, fields, break_glass_user_ids=frozenset())
    add_consent(context.child, new_case, context.payload["consent"])
    for follow_up in context.child.list_records("follow_ups"):
        if follow_up["status"] in {"due", "missed"}:
            follow_up.update(status="cancelled")
    for person in context.child.list_records("people", old_case):
        context.child.add_record("people", new_case, dict(person.fields))


def case_fields(team_id: str, lead_worker_id: str) -> dict[str, Any]:
    empty = dict.fromkeys(
        (
            "closed_on",
            "next_review_on",
            "risk_level",
            "last_contact_on",
            "extended_until",
            "close_reason",
            "previous_case_id",
            "outcome",
        )
    )
    return {
        "status": "assessment",
        "team_id": team_id,
        "lead_worker_id": lead_worker_id,
        "co_worker_ids": [],
        **empty,
    }
