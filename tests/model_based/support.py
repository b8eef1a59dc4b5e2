"""Operations of the model: support sessions, consents and service referrals."""

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
from tests.model_based.consents import (
    add_consent,
    apply_refusal,
    check_consent_register,
    next_position,
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


def session_create_payload(rng: Random, _child: ChildModel, case: ModelRecord) -> Payload:
    body: dict[str, Any] = {"id": random_id(rng), "kind": rng.choice(["home_visit", "therapy"])}
    draw = rng.random()
    if draw < 0.5:
        body |= {"planned_at": iso_datetime_in_days(rng.randint(2, 60))}
        if rng.random() < 0.3:
            body["worker_id"] = rng.choice([*case["co_worker_ids"], *sorted(IDS_BY_NAME.values())])
    elif draw < 0.75:
        body |= {
            "held_at": iso_datetime_in_days(-1),
            "attendance": "attended",
            "summary": unique_text("We drew.", rng),
        }
    elif draw < 0.9:
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


def session_status(fields: dict[str, Any]) -> str:
    attendance = fields.get("attendance")
    if attendance is None:
        return "planned"
    return "held" if attendance in HELD_ATTENDANCES else "missed"


def update_last_contact(context: OperationContext) -> None:
    """Update the case if its latest held session is on another day."""
    held = context.child.list_records("support_sessions", context.case, status="held")
    latest = max((session["held_at"] for session in held), default=None)
    # The generated times are 9 a.m. in Cambodia, so their date in UTC is the local date.
    last_contact_on = latest and latest[:10]
    if last_contact_on != context.case["last_contact_on"]:
        context.case.update(last_contact_on=last_contact_on)


@register_operation(
    "POST /cases/{case}/support-sessions",
    "cases",
    build_payload=session_create_payload,
    requires_version=False,
    weight=0.6,
)
def create_support_session(context: OperationContext) -> Iterator[None]:
    status, caller_id = session_status(context.payload), context.caller_id
    worker_id, team_id = context.payload.get("worker_id", caller_id), context.case["team_id"]
    must_work_on_case = status == "planned" or worker_id != caller_id
    is_on_case = is_assigned(worker_id, context.case) or worker_id in SUPERVISOR_IDS_BY_TEAM[team_id]
    is_fit = worker_id == caller_id or (is_on_case and worker_id in MEMBER_IDS_BY_TEAM[team_id])
    raise_if_unmet(
        check_case_open(context.case),
        check_works_on_case(caller_id, context.case) if must_work_on_case else [],
        [] if is_fit else ["worker_unfit"],
    )
    yield
    empty: dict[str, Any] = dict.fromkeys(
        ("planned_at", "held_at", "attendance", "missed_reason", "summary", "cancel_reason")
    )
    fields = {**empty, **context.payload, "status": status, "worker_id": worker_id, "author_id": caller_id}
    context.child.add_record(
        "support_sessions", context.case, fields, context.payload["id"], is_recorded=status != "planned"
    )
    update_last_contact(context)


def session_update_payload(rng: Random, _child: ChildModel, _record: ModelRecord) -> Payload:
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
    body: dict[str, Any] = rng.choice(
        [held, held, missed, {}, {"planned_at": iso_datetime_in_days(rng.randint(2, 60))}]
    )
    return Payload({**body, "summary": unique_text("We talked.", rng)})


def check_session_correctable(context: OperationContext) -> list[str]:
    """Staff of the case may change a planned session; only the author may change a recorded one, for 24 hours."""
    if context.record["status"] == "planned":
        return check_works_on_case(context.caller_id, context.case)
    if not context.record.hidden["is_recorded"]:
        return ["frozen", *check_works_on_case(context.caller_id, context.case)]
    unmet = check_takes_part(context)
    return unmet if context.record["author_id"] == context.caller_id else ["not_yours", *unmet]


def check_takes_part(context: OperationContext) -> list[str]:
    """The worker of a session needs no assignment to the case."""
    if context.record["worker_id"] == context.caller_id:
        return []
    return check_works_on_case(context.caller_id, context.case)


@register_operation("PATCH /support-sessions/{id}", "support_sessions", build_payload=session_update_payload)
def update_support_session(context: OperationContext) -> Iterator[None]:
    raise_if_unmet(check_case_open(context.case), check_session_correctable(context))
    session = context.record
    fields = {**session.fields, **context.payload}
    status = session_status(fields)
    if status == "missed" and fields["planned_at"] > iso_datetime_in_days(0):
        raise Rejected(422)
    yield
    is_first_record = status != "planned" and not session.hidden["is_recorded"]
    author_id = context.caller_id if is_first_record else session["author_id"]
    session.update(**context.payload, status=status, author_id=author_id)
    session.hidden["is_recorded"] = status != "planned"
    update_last_contact(context)


def reason_payload(rng: Random, _child: ChildModel, _record: ModelRecord) -> Payload:
    return (
        Payload({"reason": unique_text("Not needed.", rng)})
        if rng.random() < 0.9
        else Payload({}, is_invalid=True)
    )


@register_operation("POST /support-sessions/{id}/cancel", "support_sessions", build_payload=reason_payload)
def cancel_support_session(context: OperationContext) -> Iterator[None]:
    raise_if_unmet(
        check_case_open(context.case),
        [] if context.record["status"] == "planned" else ["status"],
        check_works_on_case(context.caller_id, context.case),
    )
    yield
    context.record.update(status="cancelled", cancel_reason=context.payload["reason"])


def addendum_payload(rng: Random, _child: ChildModel, _record: ModelRecord) -> Payload:
    return Payload({"id": random_id(rng), "text": unique_text("He asked for paint.", rng)})


@register_operation(
    "POST /support-sessions/{id}/addenda",
    "support_sessions",
    build_payload=addendum_payload,
    requires_version=False,
)
def create_addendum(context: OperationContext) -> Iterator[None]:
    unmet = [] if context.record.hidden["is_recorded"] else ["status"]
    raise_if_unmet(check_case_open(context.case), unmet, check_takes_part(context))
    yield
    context.child.add_record(
        "session_addenda",
        context.record,
        {"text": context.payload["text"], "author_id": context.caller_id},
        context.payload["id"],
    )


def consent_payload(rng: Random, _child: ChildModel, _case: ModelRecord) -> Payload:
    scope = ["services", *(["share_with_providers"] if rng.random() < 0.9 else [])]
    scope += ["follow_up_contact"] if rng.random() < 0.8 else []
    body: dict[str, Any] = {
        "id": random_id(rng),
        "given_by": ["child", "caregiver"],
        "method": "oral",
        "on": iso_date_in_days(-1),
        "scope": scope,
    }
    body["status"] = "given" if rng.random() < 0.95 else "refused"
    if rng.random() < 0.1:
        basis = {**VITAL_INTEREST_BASIS, "reason": unique_text("She bleeds.", rng)}
        body |= {"given_by": [], "method": None, "status": "given", "basis_without_consent": basis}
        return Payload({**body, "scope": ["share_with_providers"]})
    return Payload({**body, "given_by": []}, is_invalid=True) if rng.random() < 0.1 else Payload(body)


@register_operation(
    "POST /cases/{case}/consents",
    "cases",
    CASEWORK_ROLES,
    build_payload=consent_payload,
    requires_version=False,
    weight=0.3,
)
def create_consent(context: OperationContext) -> Iterator[None]:
    raise_if_unmet(check_works_on_case(context.caller_id, context.case))
    yield
    consent = add_consent(context.child, context.case, context.payload)
    if consent["status"] == "refused":
        apply_refusal(context.child, context.case, consent)


# A withdrawal blocks most later steps, so its weight is low.
@register_operation(
    "POST /consents/{id}/withdraw", "consents", CASEWORK_ROLES, build_payload=reason_payload, weight=0.05
)
def withdraw_consent(context: OperationContext) -> Iterator[None]:
    raise_if_unmet(
        [] if context.record["status"] == "given" else ["status"],
        check_works_on_case(context.caller_id, context.case),
    )
    yield
    context.record.update(
        status="withdrawn", withdrawn_by_id=context.caller_id, withdrawal_reason=context.payload["reason"]
    )
    context.record.hidden["withdrawn"] = next_position(context.child, iso_date_in_days(0))
    apply_refusal(context.child, context.case, context.record)


def service_referral_payload(rng: Random, child: ChildModel, case: ModelRecord) -> Payload:
    body: dict[str, Any] = {
        "id": random_id(rng),
        "provider_id": PROVIDER_IDS[rng.choice(["good"] * 4 + ["lapsed"])],
    }
    body |= {
        "service": "medical",
        "need": unique_text("Stomach pain.", rng),
        "shared_fields": ["age", "need"],
    }
    consents = child.list_records("consents", None if rng.random() < 0.1 else case)
    if consents and rng.random() < 0.8:
        body["consent_id"] = rng.choice(consents).id
    return Payload(body, is_invalid="consent_id" not in body)


@register_operation(
    "POST /cases/{case}/service-referrals",
    "cases",
    build_payload=service_referral_payload,
    requires_version=False,
)
def create_service_referral(context: OperationContext) -> Iterator[None]:
    raise_if_unmet(check_writable(context))
    consent = context.payload.get("consent_id")
    if consent and context.child.find_record(consent) not in context.child.list_records(
        "consents", context.case
    ):
        raise Rejected(422)
    yield
    empty: dict[str, Any] = dict.fromkeys(
        ("consent_id", "basis_without_consent", "sent_by_id", "reason", "outcome", "answer")
    )
    fields = {**empty, **context.payload, "status": "draft", "author_id": context.caller_id}
    context.child.add_record("service_referrals", context.case, fields, context.payload["id"])


@register_operation("POST /service-referrals/{id}/send", "service_referrals", weight=15)
def send_service_referral(context: OperationContext) -> Iterator[None]:
    consent, unmet = context.child.find_record(context.record["consent_id"]), []
    assert consent
    if consent["status"] != "given":
        unmet.append(f"consent_{consent['status']}")
    if "share_with_providers" not in consent["scope"]:
        unmet.append("consent_scope")
    if consent.hidden["is_basis"]:
        unmet.append("basis_unconfirmed")
    else:
        for scope in ("share_with_providers", "services"):
            unmet += check_consent_register(context.child, context.case, scope)
    if context.record["provider_id"] == PROVIDER_IDS["lapsed"]:
        unmet.append("safeguarding_invalid")
    raise_if_unmet(check_writable(context), [] if context.record["status"] == "draft" else ["status"], unmet)
    yield
    context.record.update(status="sent", sent_by_id=context.caller_id)


def move_service_referral(context: OperationContext, sources: set[str], **fields: Any) -> Iterator[None]:
    """Change the status of a service referral. This is also possible in a closed case."""
    raise_if_unmet(
        [] if context.record["status"] in sources else ["status"],
        check_works_on_case(context.caller_id, context.case),
    )
    yield
    context.record.update(**fields)


@register_operation("POST /service-referrals/{id}/accept", "service_referrals", weight=6)
def accept_service_referral(context: OperationContext) -> Iterator[None]:
    return move_service_referral(context, {"sent"}, status="accepted")


@register_operation("POST /service-referrals/{id}/decline", "service_referrals", build_payload=reason_payload)
def decline_service_referral(context: OperationContext) -> Iterator[None]:
    return move_service_referral(context, {"sent"}, status="declined", reason=context.payload["reason"])


def optional_reason_payload(rng: Random, _child: ChildModel, _record: ModelRecord) -> Payload:
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
def cancel_service_referral(context: OperationContext) -> Iterator[None]:
    return move_service_referral(
        context, {"draft", "sent", "accepted"}, status="cancelled", reason=context.payload["reason"]
    )


def completion_payload(rng: Random, _child: ChildModel, _record: ModelRecord) -> Payload:
    return (
        Payload({"outcome": rng.choice(["need_met", "not_met"])})
        if rng.random() < 0.9
        else Payload({}, is_invalid=True)
    )


@register_operation(
    "POST /service-referrals/{id}/complete", "service_referrals", build_payload=completion_payload, weight=6
)
def complete_service_referral(context: OperationContext) -> Iterator[None]:
    return move_service_referral(
        context, {"accepted"}, status="completed", outcome=context.payload["outcome"]
    )
