"""Payloads of referrals and their acts."""

from collections.abc import Mapping
from typing import Any

from tests.support.scenario import Scenario, acceptance_payload

LEAK_CANARY = "Canary9271"
SAMPLE_DATE = "2026-03-01"
FULL_REFERRAL_PAYLOAD: dict[str, Any] = {
    "id": "6f1f5a52-6c0f-4b0e-9d5e-0d5c8f0f9271",
    "external_id": "sample external id",
    "source": "api",
    "urgency": "urgent",
    "concern": {
        "kind": "survivor", "summary": "sample summary", "occurred_on": SAMPLE_DATE, "period": "sample period",
        "child_is_safe_now": True, "reported_to": ["police"],
    },
    "child": {
        "names": [{"script": "latin", "family": "sample family", "given": "sample given"}],
        "nickname": "sample nickname", "sex": "male", "gender_identity": "boy",
        "birth": {"date": "2015-05-04", "precision": "day"},
        "place_code": "1710", "address_detail": "sample address",
        "phone": {"number": "012345678", "owner": "self", "safe_to_call": True},
        "languages": ["km"],
        "disability": {"has_difficulty": True, "difficulties": {"seeing": "some"}, "note": "sample note"},
        "school": {"status": "attending", "grade": "4", "name": "sample school"},
        "idpoor": "poor_1",
    },
    "caregiver": {
        "names": [{"script": "latin", "family": "sample family", "given": "sample given"}],
        "relationship": "mother", "phone": {"number": "012345678", "owner": "self", "safe_to_call": True},
        "place_code": "1710", "address_detail": "sample address", "knows_of_referral": True,
    },
    "referrer": {"name": "sample name", "position": "sample position", "phone": "+85523880001", "email": "a@b.example"},
    "consent": {
        "given_by": ["child"], "method": "oral", "on": SAMPLE_DATE, "scope": ["services"], "witness": "sample witness",
        "basis_without_consent": {
            "basis": "vital_interest", "decided_by": "sample decider", "on": SAMPLE_DATE, "child_told": True,
            "reason": "sample reason",
        },
    },
    "services_already_given": ["medical"],
    "documents": [{"title": "sample title", "note": "sample note"}],
}  # fmt: skip
REFERRAL_ACT_PAYLOADS: dict[str, Mapping[str, Any]] = {
    "acknowledge": {},
    "request-information": {"question": "Is the child safe tonight?"},
    "provide-information": {"answer": "Yes, with an aunt."},
    "accept": acceptance_payload(),
    "decline": {"reason_code": "no_capacity", "reason": "Full until March."},
    "withdraw": {"reason": "Sent by mistake."},
}


async def create_referral_after_acts(scenario: Scenario, *acts: str, **changes: Any) -> str:
    """Create a referral, perform acts on it as supervisor_north, and return its path."""
    path = f"/v1/referrals/{(await scenario.create_referral(**changes))['id']}"
    for act in acts:
        response = await scenario.supervisor_north.act(path, act, REFERRAL_ACT_PAYLOADS[act])
        assert response.status_code == 200, (act, response.text)
    return path
