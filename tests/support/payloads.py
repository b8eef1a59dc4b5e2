"""Payloads that several test modules send."""

from typing import Any

from app.kit.dates import today
from tests.support.scenario import id_of

BREAK_GLASS_PAYLOAD = {"reason": "The child is at our door and her worker is away."}
HELD_SESSION_PAYLOAD: dict[str, Any] = {
    "kind": "therapy", "form": "play", "held_at": "2026-01-13T02:00:00Z", "attendance": "attended",
    "participants": ["the child", "លោកយាយ"], "areas": ["emotional_health", "relationships"],
    "place": "Playroom", "mood": {"value": 4, "of": 5, "words": "ដូចក្រោយភ្លៀង"},
    "summary": "Built a house with many doors.", "next_step": "Invite the grandmother.",
}  # fmt: skip
MISSED_SESSION_PAYLOAD = {"attendance": "missed_by_family", "missed_reason": "The road was flooded."}
PLANNED_VISIT_PAYLOAD = {
    "kind": "home_visit",
    "planned_at": "2026-01-20T02:00:00Z",
    "areas": ["shelter_safety"],
}
SERVICES_CONSENT_PAYLOAD = {
    "given_by": ["child"],
    "method": "oral",
    "on": "2026-11-10",
    "scope": ["services"],
}
TRANSFER_PAYLOAD = {
    "team_id": str(id_of("south")),
    "lead_worker_id": str(id_of("worker_south")),
    "reason": "Ours now.",
}
PERSON_PAYLOAD = {
    "role": "other",
    "relationship": "aunt",
    "names": [{"script": "latin", "family": "Keo", "given": "Sok"}],
}
ASSIGNMENT_PAYLOAD = {"lead_worker_id": str(id_of("worker_south")), "co_worker_ids": []}
REASON_PAYLOAD = {"reason": "Not needed."}
CHILD_MERGE_PAYLOAD = {
    "merged_child_id": "{south_child_id}", "merged_child_version": 1, "reason": "Referred twice.",
}  # fmt: skip
AUNT_PAYLOAD = {
    "role": "other", "relationship": "aunt", "note": "Picks the child up on Fridays.",
    "names": [{"script": "latin", "family": "Keo ", "given": "Sre\u00ady Leak"}],
    "phone": {"number": "012 345 679", "owner": "self", "safe_to_call": False},
}  # fmt: skip
SHARING_CONSENT_PAYLOAD = {
    "given_by": ["child", "caregiver"],
    "method": "oral",
    "on": "2026-01-10",
    "scope": ["share_with_providers"],
}
BILINGUAL_NAMES = [
    {"script": "latin", "family": "Keo", "given": "Intrea"},
    {"script": "khmer", "family": "កែវ", "given": "ឥន្ទ្រា"},
]
POLICE_REPORT_PAYLOAD: dict[str, Any] = {
    "kind": "report", "on": "2026-01-12", "authority": "anti_trafficking_police", "file_number": "112/26",
    "place": "សៀមរាប", "support_person": "Her aunt", "description": "The grandmother reported it.",
}  # fmt: skip
HOSPITAL_PAYLOAD: dict[str, Any] = {
    "name": "មន្ទីរពេទ្យ Angkor \u200bHospital",
    "kind": "hospital",
    "services": ["medical", "mental_health"],
    "province_codes": ["17"],
    "contacts": [{"name": "Dr Lim", "position": "Paediatrics", "phone": "012 345 678"}],
    "places": "Six beds, day and night.",
    "safeguarding_checked_on": "2026-01-10",
    "safeguarding_valid_until": "2028-01-09",
}
VITAL_INTEREST_BASIS = {
    "basis": "vital_interest",
    "decided_by": "Night supervisor",
    "on": "2026-01-10",
    "reason": "Not safe.",
}
PROVIDER_CONSENT_PAYLOAD = {
    "given_by": ["child", "caregiver"],
    "method": "oral",
    "on": "2026-01-10",
    "scope": ["services", "share_with_providers"],
}


def reopening_consent_payload() -> dict[str, Any]:
    return {
        "given_by": ["child", "caregiver"],
        "method": "oral",
        "on": today().isoformat(),
        "scope": ["services"],
    }


def feedback_payload() -> dict[str, Any]:
    return {
        "given_by": "child",
        "rating": 4,
        "occasion": "review",
        "given_on": today().isoformat(),
        "helped_by": "family_member",
        "comment": "ខ្ញុំចូលចិត្តគូរ",
    }
