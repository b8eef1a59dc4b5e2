"""The consent register of the model. Every entry is the answer of the child and the caregiver, or a legal basis."""

from typing import Any

from tests.model_based.child_model import ChildModel, ModelRecord

Position = tuple[str, int]
"""The day of an answer, and the number of answers that were recorded earlier."""


def next_position(child: ChildModel, day: str) -> Position:
    """Return the position of an answer that is recorded now."""
    child.clock += 1
    return day, child.clock


def add_consent(child: ChildModel, case: ModelRecord, payload: dict[str, Any]) -> ModelRecord:
    """Add an entry to the register of a case."""
    fields = {name: payload[name] for name in ("given_by", "method", "on", "scope", "status")}
    hidden = {"is_basis": not payload["given_by"], "said": next_position(child, payload["on"])}
    return child.add_record("consents", case, fields, payload["id"], **hidden)


def check_consent_register(child: ChildModel, case: ModelRecord, scope: str) -> list[str]:
    """Return why the latest answers do not permit a purpose. A refusal in any case counts, a consent only in its own case."""
    answers: list[tuple[Position, str, ModelRecord]] = []
    for entry in child.list_records("consents"):
        if scope not in entry["scope"] or entry.hidden["is_basis"]:
            continue
        is_refusal = entry["status"] == "refused"
        answers.append((entry.hidden["said"], "consent_refused" if is_refusal else "", entry.case))
        if "withdrawn" in entry.hidden:
            answers.append((entry.hidden["withdrawn"], "consent_withdrawn", entry.case))
    answers.sort(key=lambda answer: answer[0])
    if answers and answers[-1][1]:
        return [answers[-1][1]]
    of_case = [code for _, code, answer_case in answers if answer_case is case]
    return [code for code in of_case[-1:] or ["consent_giver_missing"] if code]


def apply_refusal(child: ChildModel, case: ModelRecord, consent: ModelRecord) -> None:
    """Mark the shared data that a refused or withdrawn entry concerns for its recall, and cancel follow-ups."""
    is_about_providers = bool({"services", "share_with_providers"}.intersection(consent["scope"]))
    for referral in child.list_records("service_referrals", case):
        is_shared = referral["sent_by_id"] is not None
        is_concerned = is_about_providers or referral["consent_id"] == consent.id
        if is_shared and is_concerned and "recall" not in referral.hidden:
            referral.update()
            referral.hidden["recall"] = True
    if "follow_up_contact" in consent["scope"]:
        for follow_up in child.list_records("follow_ups", case):
            if follow_up["status"] in {"due", "missed"}:
                follow_up.update(status="cancelled")


def check_follow_up_consent(child: ChildModel, case: ModelRecord, wellbeing: str | None) -> list[str]:
    """A family that was not reached was not contacted."""
    return [] if wellbeing == "not_reached" else check_consent_register(child, case, "follow_up_contact")
