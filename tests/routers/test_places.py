"""Single places with their path, and several places by their codes."""

import pytest

from tests.support.responses import expect_json, parse_faults
from tests.support.scenario import Scenario

VILLAGE_PATH = ["17", "1710", "171009", "17100901"]


@pytest.mark.parametrize("depth", [1, 2, 3, 4])
async def test_place_has_the_path_from_its_province(scenario: Scenario, depth: int) -> None:
    code = VILLAGE_PATH[depth - 1]
    place = expect_json(await scenario.http.get(f"/v1/places/{code}"))
    assert [step["code"] for step in place["path"]] == VILLAGE_PATH[:depth]
    assert [step["level"] for step in place["path"]] == ["province", "district", "commune", "village"][:depth]
    assert place["path"][-1] == {name: value for name, value in place.items() if name != "path"}
    assert all(step["name_km"] and step["name_en"] for step in place["path"])


async def test_unknown_place_is_not_found_and_malformed_code_is_invalid(scenario: Scenario) -> None:
    for code in ("99", "17100999", "1799"):
        assert (await scenario.http.get(f"/v1/places/{code}")).status_code == 404, code
    for code in ("1", "171", "1710090101", "x7"):
        response = await scenario.http.get(f"/v1/places/{code}")
        assert parse_faults(response) == {("path:code", "string_pattern_mismatch")}, code


async def test_places_are_listed_by_code_without_unknown_ones(scenario: Scenario) -> None:
    async def list_codes(query: str) -> list[str]:
        page = expect_json(await scenario.http.get(f"/v1/places?{query}"))
        assert page["next_cursor"] is None
        return [place["code"] for place in page["items"]]

    assert await list_codes("codes=17100901,12,9999,12") == ["12", "17100901"]
    assert await list_codes("codes=12,1710&parent=17") == ["1710"]
    assert await list_codes("codes=99") == []
    villages = expect_json(await scenario.http.get("/v1/places?q=Ph&limit=200"))["items"]
    codes = [village["code"] for village in villages]
    assert len(codes) == 200
    assert await list_codes(f"codes={','.join(codes)}&limit=1") == codes
    for invalid in (",".join([*codes, "17"]), "17,", "", "17x"):
        assert (await scenario.http.get("/v1/places", params={"codes": invalid})).status_code == 422, invalid
