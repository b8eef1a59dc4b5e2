"""Possible duplicates: what the samples do not show."""

from tests.world import World, referral


async def test_two_scripts_meet_in_the_caregivers_phone(world: World) -> None:
    around = {"relationship": "mother", "phone": {"number": "012 777 888", "owner": "self"}, "names": []}
    known = {"sex": "male", "birth": {"date": "2014-02-03", "precision": "day"}, "place_code": "17100901"}
    khmer = {**known, "names": [{"script": "khmer", "family": "សុខ", "given": "វិចិត្រ"}]}
    latin = {**known, "names": [{"script": "latin", "family": "Sok", "given": "Vichet"}]}
    first = await world.referral(child=khmer, caregiver=around)
    second = await world.referral("partner_two", child=latin, caregiver=around)
    stranger = await world.referral(child={**referral()["child"], "place_code": "0203"})

    answer = await world.supervisor_north.get(f"/v1/referrals/{first['id']}/matches")
    assert [match["id"] for match in answer.json()["items"]] == [second["id"]]
    assert "phone_shared" in answer.json()["items"][0]["why"]
    lonely = await world.supervisor_north.get(f"/v1/referrals/{stranger['id']}/matches")
    assert lonely.json()["items"] == []


async def test_matches_are_paged_and_each_one_shown_is_logged(world: World) -> None:
    child = referral()["child"]
    told = [await world.referral(child=child) for _ in range(4)]
    path = f"/v1/referrals/{told[0]['id']}/matches"
    seen: list[str] = []
    cursor = None
    while True:
        query = {"limit": 2, **({"cursor": cursor} if cursor else {})}
        answer = await world.supervisor_north.get(path, params=query)
        shown = [match["id"] for match in answer.json()["items"]]
        logged = {entry["record"]["id"] for entry in await world.log(answer.headers["x-request-id"])}
        assert set(shown) <= logged
        seen += shown
        cursor = answer.json()["next_cursor"]
        if cursor is None:
            break
    assert sorted(seen) == sorted(one["id"] for one in told[1:])
