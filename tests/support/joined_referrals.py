"""Referrals that join the open case of a child, and the children that match a phone number."""

from typing import Any

from tests.support.responses import expect_json
from tests.support.scenario import Scenario, acceptance_payload, id_of

NAME = {"script": "latin", "family": "Sok", "given": "Vichet"}
CHILD = {
    "names": [NAME], "sex": "male", "place_code": "17100901", "birth": {"date": "2016-03-11", "precision": "day"},
}  # fmt: skip
MOTHER = {"names": [{"script": "latin", "family": "Chea", "given": "Srey Mom"}], "relationship": "mother"}
UNCLE = {"names": [{"script": "latin", "family": "Ros", "given": "Bunthoeun"}], "relationship": "uncle"}
REASON = {"reason": "It is another child."}


def with_phone(person: dict[str, Any], number: str) -> dict[str, Any]:
    return {**person, "phone": {"number": number, "owner": "self"}}


async def join_case(
    scenario: Scenario,
    case: dict[str, Any],
    caregiver: dict[str, Any],
    referral: dict[str, Any] | None = None,
    **child: Any,
) -> str:
    """Accept a referral of partner_two into the case and return its path."""
    fields = {"child": {**CHILD, **child}, "caregiver": caregiver, **(referral or {})}
    referral = await scenario.create_referral("partner_two", **fields)
    path = f"/v1/referrals/{referral['id']}"
    supervisor = scenario.supervisor_north
    expect_json(await supervisor.act(path, "acknowledge", {"team_id": str(id_of("north"))}))
    accepted = expect_json(
        await supervisor.act(path, "accept", acceptance_payload(child_id=case["child_id"]))
    )
    assert accepted["case_id"] == case["id"]
    return path


async def list_matching_ids(scenario: Scenario, number: str) -> set[str]:
    """Return the children that match a referral with this phone number and the family name only."""
    child = {**CHILD, "names": [{"script": "latin", "family": "Sok", "given": "Vichet"}]}
    referral = await scenario.create_referral(child=child, caregiver=with_phone(UNCLE, number))
    items = expect_json(await scenario.supervisor_north.get(f"/v1/referrals/{referral['id']}/matches"))[
        "items"
    ]
    return {item["id"] for item in items if item["kind"] == "child" and "phone_shared" in (item["why"] or [])}
