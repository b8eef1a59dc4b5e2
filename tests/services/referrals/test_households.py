"""Matches: a child with a wrong fact, a child in the other script, other children of a household, and the gate."""

from typing import Any

from tests.support.responses import expect_json
from tests.support.scenario import AuthenticatedClient, Scenario, acceptance_payload, id_of

KHMER_NAME = {"script": "khmer", "family": "សុខ", "given": "វិចិត្រ"}
LATIN_NAME = {"script": "latin", "family": "Sok", "given": "Vichet"}
CHILD = {
    "names": [KHMER_NAME, LATIN_NAME], "sex": "male", "place_code": "17100901",
    "birth": {"date": "2016-03-11", "precision": "day"},
}  # fmt: skip
CAREGIVER = {
    "names": [{"script": "latin", "family": "Chea", "given": "Srey Mom"}],
    "relationship": "mother",
    "phone": {"number": "012 777 888", "owner": "self"},
}

SIBLING = {
    "names": [{"script": "latin", "family": "Sok", "given": "Sopheap"}], "sex": "female",
    "place_code": "17100901", "birth": {"date": "2012-08-20", "precision": "day"},
}  # fmt: skip


async def list_matches(
    scenario: Scenario, child: dict[str, Any], caregiver: dict[str, Any] | None = CAREGIVER
) -> list[dict[str, Any]]:
    """Return the matches of a new referral."""
    referral = await scenario.create_referral(child=child, caregiver=caregiver)
    response = await scenario.supervisor_north.get(f"/v1/referrals/{referral['id']}/matches")
    items: list[dict[str, Any]] = expect_json(response)["items"]
    return items


async def test_match_with_a_different_birth_date_has_the_reason_birth_conflict(scenario: Scenario) -> None:
    case = await scenario.open_case(child=CHILD, caregiver=CAREGIVER)
    (match,) = await list_matches(scenario, {**CHILD, "birth": {"date": "2016-11-03", "precision": "day"}})
    assert (match["kind"], match["id"]) == ("child", case["child_id"])
    assert {"birth_conflict", "birth_near"} <= set(match["why"])


async def test_child_in_the_other_script_is_matched_and_found(scenario: Scenario) -> None:
    case = await scenario.open_case(child={**CHILD, "names": [KHMER_NAME]}, caregiver=None)
    (match,) = await list_matches(scenario, {**CHILD, "names": [LATIN_NAME]}, None)
    assert (match["kind"], match["id"], match["likelihood"]) == ("child", case["child_id"], "likely")
    for q in ("Sok Vichet", "vicheth", "vichet sok", "សុខវិចិត្រ"):
        found = expect_json(await scenario.worker_north.get("/v1/children", params={"q": q}))
        assert [item["id"] for item in found["items"]] == [case["child_id"]], q


async def test_sibling_is_listed_as_household_only_if_it_is_visible(scenario: Scenario) -> None:
    # Catches: `_find_possible_duplicates` lists hidden households.
    case = await scenario.open_case(child=CHILD, caregiver=CAREGIVER)
    (match,) = await list_matches(scenario, SIBLING)
    assert (match["kind"], match["id"]) == ("household", case["child_id"])
    assert match["likelihood"] == "likely"
    assert match["score"] == 0.4
    assert {"phone_shared", "caregiver_similar"} <= set(match["why"])
    referral = await scenario.create_referral("worker_south", child=SIBLING, caregiver=CAREGIVER)
    items = expect_json(await scenario.worker_south.get(f"/v1/referrals/{referral['id']}/matches"))["items"]
    assert [item for item in items if item["kind"] == "household"] == []


async def test_twin_with_a_similar_name_is_listed_as_household(scenario: Scenario) -> None:
    case = await scenario.open_case(
        child={**CHILD, "names": [{**LATIN_NAME, "given": "Sokha"}]}, caregiver=CAREGIVER
    )
    (match,) = await list_matches(scenario, {**CHILD, "names": [{**LATIN_NAME, "given": "Sokhom"}]})
    assert (match["kind"], match["id"]) == ("household", case["child_id"])
    assert {"given_name_conflict", "birth_compatible"} <= set(match["why"])
    match, twin = await list_matches(scenario, {**CHILD, "names": [{**LATIN_NAME, "given": "Sokkha"}]})
    assert (twin["kind"], twin["record_kind"]) == ("household", "referral")
    assert (match["kind"], match["likelihood"], match["id"]) == ("child", "likely", case["child_id"])


async def test_child_with_the_given_name_in_the_other_script_and_the_phone_is_listed(
    scenario: Scenario,
) -> None:
    case = await scenario.open_case(child={**CHILD, "names": [KHMER_NAME]}, caregiver=CAREGIVER)
    alone = {"names": [{"script": "latin", "given": "Vichet"}], "phone": {"number": "012 777 888"}}
    (match,) = await list_matches(scenario, alone, None)
    assert (match["kind"], match["id"], match["likelihood"]) == ("child", case["child_id"], "possible")


async def test_open_referrals_of_one_household_list_each_other_as_matches(scenario: Scenario) -> None:
    supervisor = scenario.supervisor_north
    first = await scenario.create_referral(child=CHILD, caregiver=CAREGIVER)
    second = await scenario.create_referral(child=SIBLING, caregiver=CAREGIVER)
    for referral, other in ((first, second), (second, first)):
        response = await supervisor.get(f"/v1/referrals/{referral['id']}/matches")
        (item,) = expect_json(response)["items"]
        assert (item["kind"], item["record_kind"], item["id"]) == ("household", "referral", other["id"])
        assert (item["is_visible"], item["likelihood"]) == (True, "likely")
        entries = await scenario.list_access_entries(response.headers["x-request-id"])
        assert other["id"] in {entry["record"]["id"] for entry in entries}


async def test_referral_of_a_household_is_listed_only_if_it_is_open_and_visible(scenario: Scenario) -> None:
    supervisor, manager = scenario.supervisor_north, scenario.manager
    first = await scenario.create_referral(child=CHILD, caregiver=CAREGIVER)
    matches, path = f"/v1/referrals/{first['id']}/matches", "/v1/referrals/{}"
    hidden = path.format((await scenario.create_referral(child=SIBLING, caregiver=CAREGIVER))["id"])
    expect_json(await manager.act(hidden, "acknowledge", {"team_id": str(id_of("south"))}))
    assert expect_json(await supervisor.get(matches))["items"] == []
    assert [item["kind"] for item in expect_json(await manager.get(matches))["items"]] == ["household"]
    decline = {"reason_code": "outside_area", "reason": "Lives in another province."}
    expect_json(await manager.act(hidden, "decline", decline))
    assert expect_json(await manager.get(matches))["items"] == []


async def get_acceptance_faults(caller: AuthenticatedClient, path: str) -> dict[str, str]:
    """Try to accept a referral without listing its matches, and return the pointers of the unmet conditions by code."""
    etag = (await caller.get(path)).headers["etag"]
    response = await caller.post(f"{path}/accept", acceptance_payload(), etag=etag)
    return {fault["code"]: fault["pointer"] for fault in response.json().get("unmet", [])}


async def test_acceptance_requires_that_the_caller_opened_the_matches(scenario: Scenario) -> None:
    # Catches: `has_opened_matches` without the condition on the caller; `check_matches_opened` that returns [].
    referral = await scenario.create_referral(child=CHILD)
    path = f"/v1/referrals/{referral['id']}"
    supervisor = scenario.supervisor_north
    await supervisor.act(path, "acknowledge", {"team_id": str(id_of("north"))})
    unopened = {"duplicates_not_opened": "/duplicates_reviewed"}
    assert await get_acceptance_faults(supervisor, path) == unopened
    await scenario.manager.open_matches(path)
    assert await get_acceptance_faults(supervisor, path) == unopened
    await supervisor.open_matches(path)
    etag = (await supervisor.get(path)).headers["etag"]
    changed = {"child": {"names": [{**LATIN_NAME, "given": "Dara"}]}}
    expect_json(await supervisor.patch(path, changed, etag=etag))
    assert await get_acceptance_faults(supervisor, path) == unopened
    await supervisor.open_matches(path)
    assert await get_acceptance_faults(supervisor, path) == {}
    assert (await supervisor.get(path)).json()["status"] == "accepted"


async def test_first_comparison_of_a_referral_of_others_does_not_count(scenario: Scenario) -> None:
    # Catches: `is_exempt` that ignores who entered the referral.
    for number in range(12):
        name = {"script": "latin", "family": "Keo", "given": f"Sovann {number}"}
        assert await list_matches(scenario, {**CHILD, "names": [name]}, None) is not None
