"""Payloads of referrals and their acts."""

from collections.abc import Mapping
from typing import Any

from tests.support.responses import expect_json
from tests.support.scenario import AuthenticatedClient, Scenario, acceptance_payload, id_of

LEAK_CANARY = "Canary9271"
SAMPLE_DATE = "2026-03-01"
SAMPLE_PHONE = {
    "number": "012345678", "owner": "self", "note": "sample note", "safe_to_call": True, "e164": "+85512345678",
}  # fmt: skip
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
        "phone": {**SAMPLE_PHONE}, "phones": [{**SAMPLE_PHONE}],
        "languages": ["km"],
        "disability": {"has_difficulty": True, "difficulties": {"seeing": "some"}, "note": "sample note"},
        "school": {"status": "attending", "grade": "4", "name": "sample school"},
        "idpoor": "poor_1", "living_arrangement": "relatives",
    },
    "caregiver": {
        "names": [{"script": "latin", "family": "sample family", "given": "sample given"}],
        "relationship": "mother", "phone": {**SAMPLE_PHONE}, "phones": [{**SAMPLE_PHONE}],
        "place_code": "1710", "address_detail": "sample address", "knows_of_referral": True,
    },
    "referrer": {"name": "sample name", "position": "sample position", "phone": "+85523880001", "phone_e164": "+85523880001", "email": "a@b.example"},
    "consent": {
        "given_by": ["child"], "method": "oral", "on": SAMPLE_DATE, "scope": ["services", "share_with_fsc"], "witness": "sample witness",
        "alternative_giver_reason": "sample alternative",
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
    "reinstate": {"reason": "Another referral was meant."},
    "detach": {"reason": "It is another child."},
}


async def create_referral_after_acts(scenario: Scenario, *acts: str, **changes: Any) -> str:
    """Create a referral, perform acts on it as supervisor_north, and return its path."""
    path = f"/v1/referrals/{(await scenario.create_referral(**changes))['id']}"
    for act in acts:
        response = await scenario.supervisor_north.act(path, act, REFERRAL_ACT_PAYLOADS[act])
        assert response.status_code == 200, (act, response.text)
    return path


async def find_hidden_match(client: AuthenticatedClient, path: str) -> str:
    """Return the id that stands for the only hidden child among the matches of a referral."""
    matches = expect_json(await client.get(f"{path}/matches"))["items"]
    (match_id,) = [item["id"] for item in matches if item["kind"] == "child" and not item["is_visible"]]
    return str(match_id)


async def open_second_case(scenario: Scenario, superuser_connection: Any, child_id: str) -> str:
    """Close the cases, and open a case of worker_south for the child of one of them. Return its id."""
    await superuser_connection.execute("UPDATE cases SET status = 'closed'")
    referral = await scenario.create_referral()
    path, acknowledgement = f"/v1/referrals/{referral['id']}", {"team_id": str(id_of("south"))}
    expect_json(await scenario.supervisor_south.act(path, "acknowledge", acknowledgement))
    acceptance = acceptance_payload("worker_south", child_id=child_id)
    case_id: str = expect_json(await scenario.manager.act(path, "accept", acceptance))["case_id"]
    return case_id
