"""Possible duplicates of referrals, in addition to the samples of partners."""

from typing import Any

import pytest

from app.access.blind_index import MAX_TOKEN_BITS, MIN_TOKEN_BITS
from app.services.persons import name_matching, person_details
from tests.support.responses import expect_json
from tests.support.scenario import Scenario, referral_payload

INSERT_CROWD = """
    INSERT INTO name_tokens (owner_id, kind, token)
    SELECT md5('person ' || n)::uuid, $1, token FROM generate_series(1, 350) AS n, unnest($2::integer[]) AS token
"""


async def test_caregiver_phone_matches_referrals_in_different_scripts(scenario: Scenario) -> None:
    caregiver = {"relationship": "mother", "phone": {"number": "012 777 888", "owner": "self"}, "names": []}
    details = {"sex": "male", "birth": {"date": "2014-02-03", "precision": "day"}, "place_code": "17100901"}
    khmer_child = {**details, "names": [{"script": "khmer", "family": "សុខ", "given": "វិចិត្រ"}]}
    latin_child = {**details, "names": [{"script": "latin", "family": "Sok", "given": "Vichet"}]}
    first = await scenario.create_referral(child=khmer_child, caregiver=caregiver)
    second = await scenario.create_referral("partner_two", child=latin_child, caregiver=caregiver)
    unrelated = await scenario.create_referral(child={**referral_payload()["child"], "place_code": "0203"})

    response = await scenario.supervisor_north.get(f"/v1/referrals/{first['id']}/matches")
    assert [match["id"] for match in response.json()["items"]] == [second["id"]]
    assert "phone_shared" in response.json()["items"][0]["why"]
    unrelated_matches = await scenario.supervisor_north.get(f"/v1/referrals/{unrelated['id']}/matches")
    assert unrelated_matches.json()["items"] == []


async def test_phone_of_a_person_added_later_matches_the_child(scenario: Scenario) -> None:
    # Catches: `people._store_details` does not call `add_contact_search_tokens`.
    details = {"sex": "male", "birth": {"date": "2014-02-03", "precision": "day"}, "place_code": "17100901"}
    latin_child = {**details, "names": [{"script": "latin", "family": "Sok", "given": "Vichet"}]}
    khmer_child = {**details, "names": [{"script": "khmer", "family": "សុខ", "given": "វិចិត្រ"}]}
    case = await scenario.open_case(child=latin_child)
    uncle = {"role": "supporter", "relationship": "uncle", "names": [{"script": "latin", "given": "Dara"}]}
    people = f"/v1/cases/{case['id']}/people"
    created = await scenario.worker_north.post(people, {**uncle, "phone": {"number": "011 223 344"}})
    assert await list_matching_child_ids(scenario, khmer_child, "+85511223344") == {case["child_id"]}
    changed_phone = {"phone": {"number": "011 223 355"}}
    await scenario.worker_north.patch(f"/v1/people/{created.json()['id']}", changed_phone, etag='"1"')
    assert await list_matching_child_ids(scenario, khmer_child, "+85511223355") == {case["child_id"]}


async def list_matching_child_ids(scenario: Scenario, child: dict[str, Any], number: str) -> set[str]:
    """Return the children that match a new referral whose caregiver has this phone number."""
    caregiver = {"relationship": "uncle", "phone": {"number": number, "owner": "self"}, "names": []}
    referral = await scenario.create_referral(child=child, caregiver=caregiver)
    matches = await scenario.supervisor_north.get(f"/v1/referrals/{referral['id']}/matches")
    return {match["id"] for match in matches.json()["items"] if match["kind"] == "child"}


@pytest.mark.parametrize("rare_fact", ["full name", "phone"])
async def test_duplicate_with_frequent_names_is_found_by_a_rare_token(
    scenario: Scenario, superuser_connection: Any, rare_fact: str
) -> None:
    # Catches: `possible_duplicates` sorts by the number of tokens instead of their rarity.
    phone = "+85512777888"
    name = {"script": "latin", "family": "Sok", "given": "Vichet"}
    keys = name_matching.compute_person_keys([name], None)  # type: ignore[list-item]  # a name as in the payload
    rare_keys = {
        "full name": keys
        - name_matching.compute_search_keys("Sok")
        - name_matching.compute_search_keys("Vichet"),
        "phone": {person_details.get_phone_search_key(phone)},
    }[rare_fact]
    for kind in ("child", "referral"):
        tokens, rare_tokens = (
            set(person_details.hash_search_keys(hashed, kind)) for hashed in (keys, rare_keys)
        )
        stored = [token >> (MAX_TOKEN_BITS - MIN_TOKEN_BITS) for token in tokens - rare_tokens]
        await superuser_connection.execute(INSERT_CROWD, kind, stored)

    child = {**referral_payload()["child"], "names": [name], "nickname": None}
    if rare_fact == "phone":
        child["phone"] = {"number": phone, "owner": "self"}
    case = await scenario.open_case(child=child)
    first, second = await scenario.create_referral(child=child), await scenario.create_referral(child=child)
    matches = expect_json(await scenario.supervisor_north.get(f"/v1/referrals/{first['id']}/matches"))
    assert {match["id"] for match in matches["items"]} == {case["child_id"], second["id"]}


async def test_accepted_referral_is_found_by_name_but_is_not_a_possible_duplicate(
    scenario: Scenario,
) -> None:
    # Catches: `search._compile_candidates_query` selects the kind `referral` only.
    child = {
        **referral_payload()["child"],
        "names": [{"script": "latin", "family": "Sok", "given": "Vichet"}],
    }
    case = await scenario.open_case(child=child)
    referral = await scenario.create_referral(child=child)
    matches = expect_json(await scenario.supervisor_north.get(f"/v1/referrals/{referral['id']}/matches"))
    assert [(match["kind"], match["id"]) for match in matches["items"]] == [("child", case["child_id"])]
    found = expect_json(await scenario.supervisor_north.get("/v1/referrals?q=sok vichet"))
    assert {item["id"] for item in found["items"]} == {case["referral_id"], referral["id"]}


async def test_matches_are_paginated_and_logged(scenario: Scenario) -> None:
    child = referral_payload()["child"]
    referrals = [await scenario.create_referral(child=child) for _ in range(4)]
    path = f"/v1/referrals/{referrals[0]['id']}/matches"
    listed_ids: list[str] = []
    cursor = None
    while True:
        query = {"limit": 2, **({"cursor": cursor} if cursor else {})}
        response = await scenario.supervisor_north.get(path, params=query)
        page_ids = [match["id"] for match in response.json()["items"]]
        logged_ids = {
            entry["record"]["id"]
            for entry in await scenario.list_access_entries(response.headers["x-request-id"])
        }
        assert set(page_ids) <= logged_ids
        listed_ids += page_ids
        cursor = response.json()["next_cursor"]
        if cursor is None:
            break
    assert sorted(listed_ids) == sorted(referral["id"] for referral in referrals[1:])
