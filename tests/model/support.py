"""What is done with the child, and what is shared with others, as the domain says."""

from collections.abc import Iterator
from random import Random
from typing import Any
from uuid import UUID

from tests.model.days import day, moment
from tests.model.story import (
    CASEWORK,
    ID,
    LEADING,
    MEMBERS,
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
    stranger,
    unwritable,
    works_on,
)
from tests.world import id_of

PROVIDER = {name: str(UUID(bytes=id_of(f"provider {name}").bytes, version=4)) for name in ("good", "lapsed")}
BASIS = {"basis": "vital_interest", "decided_by": "The supervisor", "on": "2026-11-01", "child_told": None}
HELD = {"attended", "attended_part"}


# Sessions


def contact(rng: Random, _story: Story, case: Record) -> Told:
    body: dict[str, Any] = {"id": new_id(rng), "kind": rng.choice(["home_visit", "therapy"])}
    how = rng.random()
    if how < 0.5:
        body |= {"planned_at": moment(rng.randint(2, 60))}
        if rng.random() < 0.3:
            body["worker_id"] = rng.choice([*case["co_worker_ids"], *sorted(ID.values())])
    elif how < 0.75:
        body |= {"held_at": moment(-1), "attendance": "attended", "summary": blob("We drew.", rng)}
    elif how < 0.9:
        body |= {"planned_at": moment(-1), "attendance": "missed_by_child", "missed_reason": "Rain."}
    else:
        body |= {"held_at": moment(rng.choice([2, -1])), "attendance": "attended"}
        body |= {} if body["held_at"] == moment(2) else {"missed_reason": "Both held and missed."}
        return Told(body, wrong=True)
    return Told(body)


def session_status(says: dict[str, Any]) -> str:
    came = says.get("attendance")
    return "planned" if came is None else "held" if came in HELD else "missed"


@act("POST /cases/{case}/support-sessions", "cases", tell=contact, versioned=False, weight=0.6)
def record_session(s: Scene) -> Iterator[None]:
    status, worker = session_status(s.said), s.said.get("worker_id", s.me)
    unmet = stranger(s.me, s.case) if status == "planned" or worker != s.me else []
    there = works_on(worker, s.case) or worker in LEADING[s.case["team_id"]]
    fit = worker == s.me or (there and worker in MEMBERS[s.case["team_id"]])
    refuse(closed(s.case), unmet, [] if fit else ["worker_unfit"])
    yield
    blank: dict[str, Any] = dict.fromkeys(
        ("planned_at", "held_at", "attendance", "missed_reason", "summary", "cancel_reason")
    )
    says = {**blank, **s.said, "status": status, "worker_id": worker, "author_id": s.me}
    s.story.add("support_sessions", s.case, says, s.said["id"], recorded=status != "planned")


def how_it_went(rng: Random, _story: Story, _record: Record) -> Told:
    held: dict[str, Any] = {"held_at": moment(-1), "attendance": "attended", "missed_reason": None}
    missed: dict[str, Any] = {
        "planned_at": moment(-1),
        "attendance": "missed_by_family",
        "missed_reason": "Ill.",
        "held_at": None,
    }
    if rng.random() < 0.1:
        return Told({"attendance": "perhaps"}, wrong=True)
    said: dict[str, Any] = rng.choice([held, held, missed, {}, {"planned_at": moment(rng.randint(2, 60))}])
    return Told({**said, "summary": blob("We talked.", rng)})


def uncorrectable(s: Scene) -> list[str]:
    """Planned, whoever works on the case changes it; once recorded, its author does for a day."""
    if s.record["status"] == "planned":
        return stranger(s.me, s.case)
    if not s.record.knows["recorded"]:
        return ["frozen", *stranger(s.me, s.case)]
    part = [] if s.record["worker_id"] == s.me else stranger(s.me, s.case)
    return part if s.record["author_id"] == s.me else ["not_yours", *part]


@act("PATCH /support-sessions/{id}", "support_sessions", tell=how_it_went)
def change_session(s: Scene) -> Iterator[None]:
    refuse(closed(s.case), uncorrectable(s))
    says = {**s.record.says, **s.said}
    status = session_status(says)
    if status == "missed" and says["planned_at"] > moment(0):
        raise Refused(422)
    yield
    first = status != "planned" and not s.record.knows["recorded"]
    s.record.write(**s.said, status=status, author_id=s.me if first else s.record["author_id"])
    s.record.knows["recorded"] = status != "planned"


def a_reason(rng: Random, _story: Story, _record: Record) -> Told:
    return Told({"reason": blob("Not needed.", rng)}) if rng.random() < 0.9 else Told({}, wrong=True)


@act("POST /support-sessions/{id}/cancel", "support_sessions", tell=a_reason)
def cancel_session(s: Scene) -> Iterator[None]:
    refuse(closed(s.case), [] if s.record["status"] == "planned" else ["status"], stranger(s.me, s.case))
    yield
    s.record.write(status="cancelled", cancel_reason=s.said["reason"])


def afterthought(rng: Random, _story: Story, _record: Record) -> Told:
    return Told({"id": new_id(rng), "text": blob("He asked for paint.", rng)})


@act("POST /support-sessions/{id}/addenda", "support_sessions", tell=afterthought, versioned=False)
def add_addendum(s: Scene) -> Iterator[None]:
    part = [] if s.record["worker_id"] == s.me else stranger(s.me, s.case)
    refuse(closed(s.case), [] if s.record.knows["recorded"] else ["status"], part)
    yield
    s.story.add("session_addenda", s.record, {"text": s.said["text"], "author_id": s.me}, s.said["id"])


# Consents, and sharing on them


def agreement(rng: Random, _story: Story, _case: Record) -> Told:
    scope = ["services", *(["share_with_providers"] if rng.random() < 0.8 else [])]
    said = {
        "id": new_id(rng),
        "given_by": ["child", "caregiver"],
        "method": "oral",
        "on": day(-1),
        "scope": scope,
    }
    said["status"] = "given" if rng.random() < 0.85 else "refused"
    return Told({**said, "given_by": []}, wrong=True) if rng.random() < 0.1 else Told(said)


@act("POST /cases/{case}/consents", "cases", CASEWORK, tell=agreement, versioned=False, weight=0.3)
def record_consent(s: Scene) -> Iterator[None]:
    refuse(stranger(s.me, s.case))
    yield
    says = {name: s.said[name] for name in ("given_by", "method", "on", "scope", "status")}
    s.story.add("consents", s.case, says, s.said["id"])


@act("POST /consents/{id}/withdraw", "consents", CASEWORK, tell=a_reason)
def withdraw_consent(s: Scene) -> Iterator[None]:
    refuse([] if s.record["status"] == "given" else ["status"], stranger(s.me, s.case))
    yield
    s.record.write(status="withdrawn", withdrawn_by_id=s.me, withdrawal_reason=s.said["reason"])


def asking(rng: Random, story: Story, case: Record) -> Told:
    body: dict[str, Any] = {"id": new_id(rng), "provider_id": PROVIDER[rng.choice(["good"] * 4 + ["lapsed"])]}
    body |= {"service": "medical", "need": blob("Stomach pain.", rng), "shared_fields": ["age", "need"]}
    consents = story.of("consents", None if rng.random() < 0.1 else case)
    if consents and rng.random() < 0.8:
        body["consent_id"] = rng.choice(consents).id
    elif rng.random() < 0.8:
        body["basis_without_consent"] = {**BASIS, "reason": blob("She bleeds.", rng)}
    return Told(body, wrong="consent_id" not in body and "basis_without_consent" not in body)


@act("POST /cases/{case}/service-referrals", "cases", tell=asking, versioned=False)
def draft_service_referral(s: Scene) -> Iterator[None]:
    refuse(unwritable(s))
    consent = s.said.get("consent_id")
    if consent and s.story.find(consent) not in s.story.of("consents", s.case):
        raise Refused(422)
    yield
    blank: dict[str, Any] = dict.fromkeys(
        ("consent_id", "basis_without_consent", "sent_by_id", "reason", "outcome", "answer")
    )
    says = {**blank, **s.said, "status": "draft", "author_id": s.me}
    s.story.add("service_referrals", s.case, says, s.said["id"])


@act("POST /service-referrals/{id}/send", "service_referrals", weight=15)
def send_service_referral(s: Scene) -> Iterator[None]:
    consent, unmet = s.story.find(s.record["consent_id"]), []
    if consent and consent["status"] != "given":
        unmet.append(f"consent_{consent['status']}")
    if consent and "share_with_providers" not in consent["scope"]:
        unmet.append("consent_scope")
    if s.record["provider_id"] == PROVIDER["lapsed"]:
        unmet.append("safeguarding_invalid")
    refuse(unwritable(s), [] if s.record["status"] == "draft" else ["status"], unmet)
    yield
    s.record.write(status="sent", sent_by_id=s.me)


def step(s: Scene, sources: set[str], **said: Any) -> Iterator[None]:
    """What a provider was asked ends also after the case."""
    refuse([] if s.record["status"] in sources else ["status"], stranger(s.me, s.case))
    yield
    s.record.write(**said)


@act("POST /service-referrals/{id}/accept", "service_referrals", weight=6)
def accept_service(s: Scene) -> Iterator[None]:
    return step(s, {"sent"}, status="accepted")


@act("POST /service-referrals/{id}/decline", "service_referrals", tell=a_reason)
def decline_service(s: Scene) -> Iterator[None]:
    return step(s, {"sent"}, status="declined", reason=s.said["reason"])


def perhaps_a_reason(rng: Random, _story: Story, _record: Record) -> Told:
    return (
        Told({"reason": rng.choice([None, "They moved."])})
        if rng.random() < 0.9
        else Told({"reason": " "}, wrong=True)
    )


@act("POST /service-referrals/{id}/cancel", "service_referrals", tell=perhaps_a_reason, weight=0.3)
def cancel_service(s: Scene) -> Iterator[None]:
    return step(s, {"draft", "sent", "accepted"}, status="cancelled", reason=s.said["reason"])


def went(rng: Random, _story: Story, _record: Record) -> Told:
    return (
        Told({"outcome": rng.choice(["need_met", "not_met"])}) if rng.random() < 0.9 else Told({}, wrong=True)
    )


@act("POST /service-referrals/{id}/complete", "service_referrals", tell=went, weight=6)
def complete_service(s: Scene) -> Iterator[None]:
    return step(s, {"accepted"}, status="completed", outcome=s.said["outcome"])
