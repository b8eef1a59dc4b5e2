"""Operations of the model: staff, team, extension and summary of a case, and break-glass access."""

from collections.abc import Iterator
from datetime import date
from random import Random

from tests.model_based.child_model import (
    CASEWORK_ROLES,
    IDS_BY_NAME,
    LEADER_ROLES,
    MANAGER_ROLES,
    MEMBER_IDS_BY_TEAM,
    NAMES_BY_ID,
    SUPERVISOR_IDS_BY_TEAM,
    TEAM_IDS,
    WORKER_ROLES,
    ChildModel,
    ModelRecord,
    OperationContext,
    Payload,
    check_case_open,
    check_writable,
    leads_case,
    raise_if_unmet,
    register_operation,
    unique_text,
)
from tests.model_based.dates import add_months, iso_date_in_days
from tests.model_based.reviews import get_support_end


def check_workers_in_team(team_id: str, *worker_ids: str) -> list[str]:
    return [] if set(worker_ids) <= MEMBER_IDS_BY_TEAM[team_id] else ["worker_unfit"]


def set_staff(case: ModelRecord, child: ChildModel, lead_worker_id: str, co_worker_ids: set[str]) -> None:
    """Set the staff of a case. The lead worker takes over planned sessions of workers without access."""
    co_workers = sorted(co_worker_ids - {lead_worker_id}, key=NAMES_BY_ID.__getitem__)
    case.update(lead_worker_id=lead_worker_id, co_worker_ids=co_workers)
    staff_ids = {lead_worker_id, *co_worker_ids, *SUPERVISOR_IDS_BY_TEAM[case["team_id"]]}
    for session in child.list_records("support_sessions", case, status="planned"):
        if session["worker_id"] not in staff_ids:
            session.update(worker_id=lead_worker_id)


def assignment_payload(rng: Random, _child: ChildModel, case: ModelRecord) -> Payload:
    user_ids = sorted(MEMBER_IDS_BY_TEAM[case["team_id"]] if rng.random() < 0.85 else IDS_BY_NAME.values())
    lead_worker_id = rng.choice(user_ids)
    co_worker_ids = rng.sample(user_ids, rng.choice([0, 1, 1, 2]))
    return Payload({"lead_worker_id": lead_worker_id, "co_worker_ids": co_worker_ids})


@register_operation(
    "POST /cases/{id}/assign", "cases", LEADER_ROLES, build_payload=assignment_payload, weight=0.5
)
def assign_case(context: OperationContext) -> Iterator[None]:
    lead_worker_id = context.payload["lead_worker_id"]
    co_worker_ids = set(context.payload["co_worker_ids"])
    raise_if_unmet(
        check_case_open(context.case),
        [] if leads_case(context.caller_id, context.case) else ["not_your_team"],
        check_workers_in_team(context.case["team_id"], lead_worker_id, *co_worker_ids),
    )
    yield
    set_staff(context.case, context.child, lead_worker_id, co_worker_ids)


def transfer_payload(rng: Random, _child: ChildModel, _case: ModelRecord) -> Payload:
    team_id = rng.choice(list(TEAM_IDS.values()))
    user_ids = sorted(MEMBER_IDS_BY_TEAM[team_id] if rng.random() < 0.85 else IDS_BY_NAME.values())
    lead_worker_id = rng.choice(user_ids)
    reason = unique_text("They moved.", rng)
    return Payload({"team_id": team_id, "lead_worker_id": lead_worker_id, "reason": reason})


@register_operation(
    "POST /cases/{id}/transfer", "cases", MANAGER_ROLES, build_payload=transfer_payload, weight=0.5
)
def transfer_case(context: OperationContext) -> Iterator[None]:
    raise_if_unmet(
        check_case_open(context.case),
        check_workers_in_team(context.payload["team_id"], context.payload["lead_worker_id"]),
    )
    yield
    context.case["team_id"] = context.payload["team_id"]
    set_staff(context.case, context.child, context.payload["lead_worker_id"], set())


def extension_payload(rng: Random, _child: ChildModel, _case: ModelRecord) -> Payload:
    until = iso_date_in_days(rng.choice([-1, 100, 800, 900, 1000, 1800]))
    if rng.random() < 0.9:
        return Payload({"until": until, "reason": "The trial is next spring."})
    return Payload({"until": until}, is_invalid=True)


@register_operation(
    "POST /cases/{id}/extend", "cases", MANAGER_ROLES, build_payload=extension_payload, weight=0.5
)
def extend_case(context: OperationContext) -> Iterator[None]:
    previous_end = max(get_support_end(context.case), iso_date_in_days(0))
    unmet = ["until_too_early"] if context.payload["until"] <= previous_end else []
    first_end = add_months(date.fromisoformat(context.case["opened_on"]), 24).isoformat()
    if context.case["extended_until"] is None:
        first_end = max(first_end, iso_date_in_days(0))
    if context.payload["until"] > add_months(date.fromisoformat(first_end), 12).isoformat():
        unmet = ["until_too_late"]
    raise_if_unmet(check_case_open(context.case), unmet)
    yield
    context.case.update(extended_until=context.payload["until"])


def case_update_payload(rng: Random, _child: ChildModel, _case: ModelRecord) -> Payload:
    return (
        Payload({"status": "closed"}, is_invalid=True)
        if rng.random() < 0.2
        else Payload({"summary": unique_text("At school.", rng)})
    )


@register_operation(
    "PATCH /cases/{id}", "cases", CASEWORK_ROLES, build_payload=case_update_payload, weight=0.3
)
def update_case(context: OperationContext) -> Iterator[None]:
    raise_if_unmet(check_writable(context))
    yield
    context.case.update(**context.payload)


def break_glass_payload(rng: Random, _child: ChildModel, _case: ModelRecord) -> Payload:
    return (
        Payload({"reason": unique_text("The child is in hospital now.", rng)})
        if rng.random() < 0.8
        else Payload({"reason": "now"}, is_invalid=True)
    )


@register_operation(
    "POST /cases/{id}/break-glass",
    "cases",
    WORKER_ROLES,
    build_payload=break_glass_payload,
    requires_version=False,
    allows_hidden=True,
    weight=0.1,
)
def break_glass(context: OperationContext) -> Iterator[None]:
    yield
    context.case.hidden["break_glass_user_ids"] = context.case.hidden["break_glass_user_ids"] | {
        context.caller_id
    }
    context.child.add_record("break_glass", context.case, {"user_id": context.caller_id})
