"""What is done with the child, and what is shared with others, as the domain says."""

from collections.abc import Iterator
from random import Random
from typing import Any
from uuid import UUID

from tests.model_based.child_model import (
    CASEWORK_ROLES,
    IDS_BY_NAME,
    MEMBER_IDS_BY_TEAM,
    SUPERVISOR_IDS_BY_TEAM,
    ChildModel,
    ModelRecord,
    OperationContext,
    Payload,
    Rejected,
    check_case_open,
    check_works_on_case,
    check_writable,
    is_assigned,
    raise_if_unmet,
    random_id,
    register_operation,
    unique_text,
)
from tests.model_based.dates import iso_date_in_days, iso_datetime_in_days
from tests.support.scenario import id_of

PROVIDER_IDS = {
    name: str(UUID(bytes=id_of(f"provider {name}").bytes, version=4)) for name in ("good", "lapsed")
}
VITAL_INTEREST_BASIS = {
    "basis": "vital_interest",
    "decided_by": "The supervisor",
    "on": "2026-11-01",
    "child_told": None,
}
HELD_ATTENDANCES = {"attended", "attended_part"}


# Sessions


def session_create_payload(rng: Random, _story: ChildModel, case: ModelRecord) -> Payload:
    body: dict[str, Any] = {"id": random_id(rng), "kind": rng.choice(["home_visit", "therapy"])}
    how = rng.random()
    if how < 0.5:
        body |= {"planned_at": iso_datetime_in_days(rng.randint(2, 60))}
        if rng.random() < 0.3:
            body["worker_id"] = rng.choice([*case["co_worker_ids"], *sorted(IDS_BY_NAME.values())])
    elif how < 0.75:
        body |= {
            "held_at": iso_datetime_in_days(-1),
            "attendance": "attended",
            "summary": unique_text("We drew.", rng),
        }
    elif how < 0.9:
        body |= {
            "planned_at": iso_datetime_in_days(-1),
            "attendance": "missed_by_child",
            "missed_reason": "Rain.",
        }
    else:
        body |= {"held_at": iso_datetime_in_days(rng.choice([2, -1])), "attendance": "attended"}
        body |= (
            {} if body["held_at"] == iso_datetime_in_days(2) else {"missed_reason": "Both held and missed."}
        )
        return Payload(body, is_invalid=True)
    return Payload(body)


def session_status(says: dict[str, Any]) -> str:
    came = says.get("attendance")
    return "planned" if came is None else "held" if came in HELD_ATTENDANCES else "missed"


@register_operation(
    "POST /cases/{case}/support-sessions",
    "cases",
    build_payload=session_create_payload,
    requires_version=False,
    weight=0.6,
)
def create_support_session(s: OperationContext) -> Iterator[None]:
    status, worker = session_status(s.payload), s.payload.get("worker_id", s.caller_id)
    unmet = check_works_on_case(s.caller_id, s.case) if status == "planned" or worker != s.caller_id else []
    there = is_assigned(worker, s.case) or worker in SUPERVISOR_IDS_BY_TEAM[s.case["team_id"]]
    fit = worker == s.caller_id or (there and worker in MEMBER_IDS_BY_TEAM[s.case["team_id"]])
    raise_if_unmet(check_case_open(s.case), unmet, [] if fit else ["worker_unfit"])
    yield
    blank: dict[str, Any] = dict.fromkeys(
        ("planned_at", "held_at", "attendance", "missed_reason", "summary", "cancel_reason")
    )
    says = {**blank, **s.payload, "status": status, "worker_id": worker, "author_id": s.caller_id}
    s.child.add_record("support_sessions", s.case, says, s.payload["id"], recorded=status != "planned")


def session_update_payload(rng: Random, _story: ChildModel, _record: ModelRecord) -> Payload:
    held: dict[str, Any] = {
        "held_at": iso_datetime_in_days(-1),
        "attendance": "attended",
        "missed_reason": None,
    }
    missed: dict[str, Any] = {
        "planned_at": iso_datetime_in_days(-1),
        "attendance": "missed_by_family",
        "missed_reason": "Ill.",
        "held_at": None,
    }
    if rng.random() < 0.1:
        return Payload({"attendance": "perhaps"}, is_invalid=True)
    said: dict[str, Any] = rng.choice(
        [held, held, missed, {}, {"planned_at": iso_datetime_in_days(rng.randint(2, 60))}]
    )
    return Payload({**said, "summary": unique_text("We talked.", rng)})


def check_session_correctable(s: OperationContext) -> list[str]:
    """Planned, whoever works on the case changes it; once recorded, its author does for a day."""
    if s.record["status"] == "planned":
        return check_works_on_case(s.caller_id, s.case)
    if not s.record.hidden["recorded"]:
        return ["frozen", *check_works_on_case(s.caller_id, s.case)]
    part = [] if s.record["worker_id"] == s.caller_id else check_works_on_case(s.caller_id, s.case)
    return part if s.record["author_id"] == s.caller_id else ["not_yours", *part]


@register_operation("PATCH /support-sessions/{id}", "support_sessions", build_payload=session_update_payload)
def update_support_session(s: OperationContext) -> Iterator[None]:
    raise_if_unmet(check_case_open(s.case), check_session_correctable(s))
    says = {**s.record.fields, **s.payload}
    status = session_status(says)
    if status == "missed" and says["planned_at"] > iso_datetime_in_days(0):
        raise Rejected(422)
    yield
    first = status != "planned" and not s.record.hidden["recorded"]
    s.record.update(**s.payload, status=status, author_id=s.caller_id if first else s.record["author_id"])
    s.record.hidden["recorded"] = status != "planned"


def reason_payload(rng: Random, _story: ChildModel, _record: ModelRecord) -> Payload:
    return (
        Payload({"reason": unique_text("Not needed.", rng)})
        if rng.random() < 0.9
        else Payload({}, is_invalid=True)
    )


@register_operation("POST /support-sessions/{id}/cancel", "support_sessions", build_payload=reason_payload)
def cancel_support_session(s: OperationContext) -> Iterator[None]:
    raise_if_unmet(
        check_case_open(s.case),
        [] if s.record["status"] == "planned" else ["status"],
        check_works_on_case(s.caller_id, s.case),
    )
    yield
    s.record.update(status="cancelled", cancel_reason=s.payload["reason"])


def addendum_payload(rng: Random, _story: ChildModel, _record: ModelRecord) -> Payload:
    return Payload({"id": random_id(rng), "text": unique_text("He asked for paint.", rng)})


@register_operation(
    "POST /support-sessions/{id}/addenda",
    "support_sessions",
    build_payload=addendum_payload,
    requires_version=False,
)
def create_addendum(s: OperationContext) -> Iterator[None]:
    part = [] if s.record["worker_id"] == s.caller_id else check_works_on_case(s.caller_id, s.case)
    raise_if_unmet(check_case_open(s.case), [] if s.record.hidden["recorded"] else ["status"], part)
    yield
    s.child.add_record(
        "session_addenda", s.record, {"text": s.payload["text"], "author_id": s.caller_id}, s.payload["id"]
    )


# Consents, and sharing on them


def consent_payload(rng: Random, _story: ChildModel, _case: ModelRecord) -> Payload:
    scope = ["services", *(["share_with_providers"] if rng.random() < 0.8 else [])]
    said = {
        "id": random_id(rng),
        "given_by": ["child", "caregiver"],
        "method": "oral",
        "on": iso_date_in_days(-1),
        "scope": scope,
    }
    said["status"] = "given" if rng.random() < 0.85 else "refused"
    return Payload({**said, "given_by": []}, is_invalid=True) if rng.random() < 0.1 else Payload(said)


@register_operation(
    "POST /cases/{case}/consents",
    "cases",
    CASEWORK_ROLES,
    build_payload=consent_payload,
    requires_version=False,
    weight=0.3,
)
def create_consent(s: OperationContext) -> Iterator[None]:
    raise_if_unmet(check_works_on_case(s.caller_id, s.case))
    yield
    says = {name: s.payload[name] for name in ("given_by", "method", "on", "scope", "status")}
    s.child.add_record("consents", s.case, says, s.payload["id"])


@register_operation("POST /consents/{id}/withdraw", "consents", CASEWORK_ROLES, build_payload=reason_payload)
def withdraw_consent(s: OperationContext) -> Iterator[None]:
    raise_if_unmet(
        [] if s.record["status"] == "given" else ["status"], check_works_on_case(s.caller_id, s.case)
    )
    yield
    s.record.update(status="withdrawn", withdrawn_by_id=s.caller_id, withdrawal_reason=s.payload["reason"])


def service_referral_payload(rng: Random, story: ChildModel, case: ModelRecord) -> Payload:
    body: dict[str, Any] = {
        "id": random_id(rng),
        "provider_id": PROVIDER_IDS[rng.choice(["good"] * 4 + ["lapsed"])],
    }
    body |= {
        "service": "medical",
        "need": unique_text("Stomach pain.", rng),
        "shared_fields": ["age", "need"],
    }
    consents = story.list_records("consents", None if rng.random() < 0.1 else case)
    if consents and rng.random() < 0.8:
        body["consent_id"] = rng.choice(consents).id
    elif rng.random() < 0.8:
        body["basis_without_consent"] = {**VITAL_INTEREST_BASIS, "reason": unique_text("She bleeds.", rng)}
    return Payload(body, is_invalid="consent_id" not in body and "basis_without_consent" not in body)


@register_operation(
    "POST /cases/{case}/service-referrals",
    "cases",
    build_payload=service_referral_payload,
    requires_version=False,
)
def create_service_referral(s: OperationContext) -> Iterator[None]:
    raise_if_unmet(check_writable(s))
    consent = s.payload.get("consent_id")
    if consent and s.child.find_record(consent) not in s.child.list_records("consents", s.case):
        raise Rejected(422)
    yield
    blank: dict[str, Any] = dict.fromkeys(
        ("consent_id", "basis_without_consent", "sent_by_id", "reason", "outcome", "answer")
    )
    says = {**blank, **s.payload, "status": "draft", "author_id": s.caller_id}
    s.child.add_record("service_referrals", s.case, says, s.payload["id"])


@register_operation("POST /service-referrals/{id}/send", "service_referrals", weight=15)
def send_service_referral(s: OperationContext) -> Iterator[None]:
    consent, unmet = s.child.find_record(s.record["consent_id"]), []
    if consent and consent["status"] != "given":
        unmet.append(f"consent_{consent['status']}")
    if consent and "share_with_providers" not in consent["scope"]:
        unmet.append("consent_scope")
    if s.record["provider_id"] == PROVIDER_IDS["lapsed"]:
        unmet.append("safeguarding_invalid")
    raise_if_unmet(check_writable(s), [] if s.record["status"] == "draft" else ["status"], unmet)
    yield
    s.record.update(status="sent", sent_by_id=s.caller_id)


def move_service_referral(s: OperationContext, sources: set[str], **said: Any) -> Iterator[None]:
    """What a provider was asked ends also after the case."""
    raise_if_unmet(
        [] if s.record["status"] in sources else ["status"], check_works_on_case(s.caller_id, s.case)
    )
    yield
    s.record.update(**said)


@register_operation("POST /service-referrals/{id}/accept", "service_referrals", weight=6)
def accept_service_referral(s: OperationContext) -> Iterator[None]:
    return move_service_referral(s, {"sent"}, status="accepted")


@register_operation("POST /service-referrals/{id}/decline", "service_referrals", build_payload=reason_payload)
def decline_service_referral(s: OperationContext) -> Iterator[None]:
    return move_service_referral(s, {"sent"}, status="declined", reason=s.payload["reason"])


def optional_reason_payload(rng: Random, _story: ChildModel, _record: ModelRecord) -> Payload:
    return (
        Payload({"reason": rng.choice([None, "They moved."])})
        if rng.random() < 0.9
        else Payload({"reason": " "}, is_invalid=True)
    )


@register_operation(
    "POST /service-referrals/{id}/cancel",
    "service_referrals",
    build_payload=optional_reason_payload,
    weight=0.3,
)
def cancel_service_referral(s: OperationContext) -> Iterator[None]:
    return move_service_referral(
        s, {"draft", "sent", "accepted"}, status="cancelled", reason=s.payload["reason"]
    )


def completion_payload(rng: Random, _story: ChildModel, _record: ModelRecord) -> Payload:
    return (
        Payload({"outcome": rng.choice(["need_met", "not_met"])})
        if rng.random() < 0.9
        else Payload({}, is_invalid=True)
    )


@register_operation(
    "POST /service-referrals/{id}/complete", "service_referrals", build_payload=completion_payload, weight=6
)
def complete_service_referral(s: OperationContext) -> Iterator[None]:
    return move_service_referral(s, {"accepted"}, status="completed", outcome=s.payload["outcome"])
