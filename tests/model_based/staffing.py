"""Who works on a case, and until when, as the domain says."""

from collections.abc import Iterator
from random import Random

from tests.model_based.child_model import (
    CASEWORK_ROLES,
    IDS_BY_NAME,
    LEADER_ROLES,
    MANAGER_ROLES,
    MEMBER_IDS_BY_TEAM,
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
from tests.model_based.dates import iso_date_in_days
from tests.model_based.reviews import get_support_end


def check_workers_in_team(team: str, *workers: str) -> list[str]:
    return [] if set(workers) <= MEMBER_IDS_BY_TEAM[team] else ["worker_unfit"]


def set_staff(case: ModelRecord, story: ChildModel, lead: str, beside: set[str]) -> None:
    """What was planned by who does not see the case any more is the lead's now."""
    case.update(lead_worker_id=lead, co_worker_ids=sorted(beside - {lead}))
    for session in story.list_records("support_sessions", case, status="planned"):
        if session["worker_id"] not in {lead, *beside, *SUPERVISOR_IDS_BY_TEAM[case["team_id"]]}:
            session.update(worker_id=lead)


def assignment_payload(rng: Random, _story: ChildModel, case: ModelRecord) -> Payload:
    fit = sorted(MEMBER_IDS_BY_TEAM[case["team_id"]] if rng.random() < 0.85 else IDS_BY_NAME.values())
    return Payload(
        {"lead_worker_id": rng.choice(fit), "co_worker_ids": rng.sample(fit, rng.choice([0, 1, 1, 2]))}
    )


@register_operation(
    "POST /cases/{id}/assign", "cases", LEADER_ROLES, build_payload=assignment_payload, weight=0.5
)
def assign_case(s: OperationContext) -> Iterator[None]:
    lead, beside = s.payload["lead_worker_id"], set(s.payload["co_worker_ids"])
    mine = [] if leads_case(s.caller_id, s.case) else ["not_your_team"]
    raise_if_unmet(check_case_open(s.case), mine, check_workers_in_team(s.case["team_id"], lead, *beside))
    yield
    set_staff(s.case, s.child, lead, beside)


def transfer_payload(rng: Random, _story: ChildModel, _case: ModelRecord) -> Payload:
    team = rng.choice(list(TEAM_IDS.values()))
    lead = rng.choice(sorted(MEMBER_IDS_BY_TEAM[team] if rng.random() < 0.85 else IDS_BY_NAME.values()))
    return Payload({"team_id": team, "lead_worker_id": lead, "reason": unique_text("They moved.", rng)})


@register_operation(
    "POST /cases/{id}/transfer", "cases", MANAGER_ROLES, build_payload=transfer_payload, weight=0.5
)
def transfer_case(s: OperationContext) -> Iterator[None]:
    raise_if_unmet(
        check_case_open(s.case), check_workers_in_team(s.payload["team_id"], s.payload["lead_worker_id"])
    )
    yield
    s.case["team_id"] = s.payload["team_id"]
    set_staff(s.case, s.child, s.payload["lead_worker_id"], set())


def extension_payload(rng: Random, _story: ChildModel, _case: ModelRecord) -> Payload:
    until, fits = iso_date_in_days(rng.choice([-1, 100, 800, 900, 1000])), rng.random() < 0.9
    return Payload(
        {"until": until, "reason": "The trial is next spring."} if fits else {"until": until},
        is_invalid=not fits,
    )


@register_operation(
    "POST /cases/{id}/extend", "cases", MANAGER_ROLES, build_payload=extension_payload, weight=0.5
)
def extend_case(s: OperationContext) -> Iterator[None]:
    late = s.payload["until"] > max(get_support_end(s.case), iso_date_in_days(0))
    raise_if_unmet(check_case_open(s.case), [] if late else ["until_too_early"])
    yield
    s.case.update(extended_until=s.payload["until"])


def case_update_payload(rng: Random, _story: ChildModel, _case: ModelRecord) -> Payload:
    return (
        Payload({"status": "closed"}, is_invalid=True)
        if rng.random() < 0.2
        else Payload({"summary": unique_text("At school.", rng)})
    )


@register_operation(
    "PATCH /cases/{id}", "cases", CASEWORK_ROLES, build_payload=case_update_payload, weight=0.3
)
def update_case(s: OperationContext) -> Iterator[None]:
    raise_if_unmet(check_writable(s))
    yield
    s.case.update(**s.payload)


def break_glass_payload(rng: Random, _story: ChildModel, _case: ModelRecord) -> Payload:
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
def break_glass(s: OperationContext) -> Iterator[None]:
    yield
    s.case.hidden["glass"] = s.case.hidden["glass"] | {s.caller_id}
    s.child.add_record("break_glass", s.case, {"user_id": s.caller_id})
