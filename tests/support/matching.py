"""A child in another team, and referrals that match it."""

from typing import Any

from tests.support.responses import expect_json
from tests.support.scenario import AuthenticatedClient, referral_payload

NAME = {"script": "latin", "family": "Vong", "given": "Piseth"}
PHONE = {"number": "012 345 678", "owner": "self"}
SECRET = {"year": 2020, "sex": "male", "commune": "171021"}
COMMUNES = [f"1710{number:02}" for number in range(1, 23)]
HIDDEN_CHILD = {
    "names": [NAME], "sex": SECRET["sex"], "birth": {"date": "2020-07-01", "precision": "month"},
    "place_code": SECRET["commune"], "phone": PHONE,
}  # fmt: skip
MAX_CHANGES, MAX_BY_CALLER = 5, 8
"""The limits of a day: changes of a referral, and identities of a caller."""


def build_child(**facts: Any) -> dict[str, Any]:
    """Return the child of a referral: a known name and the facts. By default, the child is older than the hidden one."""
    return {"names": [NAME], "birth": {"date": "2009-01-01", "precision": "year"}, **facts}


async def enter_referral(client: AuthenticatedClient, child: dict[str, Any]) -> str:
    """Enter a referral without a caregiver and return its path."""
    payload = referral_payload(child=child, caregiver=None, source="walk_in")
    return f"/v1/referrals/{expect_json(await client.post('/v1/referrals', payload), 201)['id']}"
