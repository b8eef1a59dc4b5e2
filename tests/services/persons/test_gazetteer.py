import re
import unicodedata
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.services.persons import gazetteer
from app.services.persons.gazetteer import Gazetteer, Place

LENGTHS = {"province": 2, "district": 4, "commune": 6, "village": 8}
LEVELS = list(LENGTHS)


@pytest.fixture(scope="module")
def cambodia() -> Gazetteer:
    return gazetteer.load_gazetteer()


def row(level: str, code: str, *, km: str = "ភូមិ", en: str = "Phum", **parents: str) -> dict[str, str]:
    return {f"{level}_code": code, f"{level}_kh": km, f"{level}_en": en, **parents}


def test_gazetteer_contains_all_places_of_the_data_files(cambodia: Gazetteer) -> None:
    assert Counter(place.level for place in cambodia.places.values()) == {
        "province": 25,
        "district": 210,
        "commune": 1661,
        "village": 14521,
    }


def test_every_code_has_the_digits_of_its_level(cambodia: Gazetteer) -> None:
    for code, place in cambodia.places.items():
        assert code == place.code
        assert re.fullmatch(f"[0-9]{{{LENGTHS[place.level]}}}", code)


def test_codes_keep_leading_zeros(cambodia: Gazetteer) -> None:
    assert cambodia.places["01"].name_en == "Banteay Meanchey"
    assert cambodia.places["0203"].parent_code == "02"


def test_every_place_below_a_province_follows_its_parent(cambodia: Gazetteer) -> None:
    earlier_places: dict[str, Place] = {}
    for place in cambodia.places.values():
        assert (place.parent_code is None) == (place.level == "province")
        assert place.parent_code is None or place.parent_code in earlier_places
        earlier_places[place.code] = place


def test_every_code_begins_with_the_codes_of_its_district_and_province(cambodia: Gazetteer) -> None:
    for place in cambodia.places.values():
        ancestor, levels = place, [place.level]
        while ancestor.parent_code is not None:
            ancestor = cambodia.places[ancestor.parent_code]
            levels.append(ancestor.level)
            assert ancestor.level == "commune" or place.code.startswith(ancestor.code)
        assert levels == sorted(levels, key=LEVELS.index, reverse=True)


def test_village_without_its_commune_has_the_district_as_parent(cambodia: Gazetteer) -> None:
    assert cambodia.reparented_codes == [f"120913{number:02}" for number in range(1, 10)]
    assert {cambodia.places[code].parent_code for code in cambodia.reparented_codes} == {"1209"}


def test_village_parent_is_the_commune_of_its_row(cambodia: Gazetteer) -> None:
    villages_of_other_communes = [
        place
        for place in cambodia.places.values()
        if place.level == "village" and place.parent_code not in {place.code[:6], "1209"}
    ]
    assert len(villages_of_other_communes) == 25
    assert cambodia.places["02140408"].parent_code == "021405"


def test_duplicate_code_belongs_to_its_first_row(cambodia: Gazetteer) -> None:
    assert len(cambodia.duplicate_codes) == 46
    assert len(set(cambodia.duplicate_codes)) == 25
    assert cambodia.places["02140401"].name_en == "Mukh Rea Pir"
    assert cambodia.places["14110401"].parent_code == "141104"  # a later row names the parent 141107


def test_placeholder_codes_are_reported_as_malformed(cambodia: Gazetteer) -> None:
    assert cambodia.malformed_codes == ["0506140-"] * 9


def test_every_row_is_loaded_or_reported(cambodia: Gazetteer) -> None:
    rows = 25 + 210 + 1661 + 14576
    assert len(cambodia.places) + len(cambodia.duplicate_codes) + len(cambodia.malformed_codes) == rows


def test_names_are_normalized_in_both_scripts(cambodia: Gazetteer) -> None:
    for place in cambodia.places.values():
        assert re.search(
            "[\u1780-\u17b3\u17e0-\u17e9]", place.name_km
        )  # a few villages have a number as their name
        assert re.search("[A-Za-z]", place.name_en)
        for name in (place.name_km, place.name_en):
            assert name == unicodedata.normalize("NFC", " ".join(name.split()))
            assert not [char for char in name if unicodedata.category(char) in {"Cf", "Cc"}]


def test_kind_of_a_place_in_the_capital_is_its_legal_designation(cambodia: Gazetteer) -> None:
    kinds = Counter((place.level, place.kind) for place in cambodia.places.values())
    assert kinds["province", "capital"] == 1
    assert kinds["province", "province"] == 24
    assert kinds["district", "khan"] == 14
    assert kinds["commune", "sangkat"] == sum(
        place.level == "commune" and place.code.startswith("12") for place in cambodia.places.values()
    )
    assert cambodia.places["12"].kind == "capital"


@pytest.mark.parametrize("code", ["17100901", "171009", "0203", "12"])
def test_gazetteer_contains_the_places_of_partner_samples(cambodia: Gazetteer, code: str) -> None:
    assert cambodia.places[code].name_km


def test_gazetteer_is_loaded_in_a_fixed_order(cambodia: Gazetteer) -> None:
    assert list(gazetteer.load_gazetteer().places.values()) == list(cambodia.places.values())


def test_checksum_of_the_data_files_is_stable() -> None:
    assert re.fullmatch("[0-9a-f]{64}", gazetteer.compute_checksum())
    assert gazetteer.compute_checksum() == gazetteer.compute_checksum()


def test_attribution_contains_the_source_and_its_terms() -> None:
    assert "Ministry of Economy and Finance" in gazetteer.DATA_SOURCE
    assert "https://data.mef.gov.kh/terms-of-use" in gazetteer.DATA_SOURCE


@pytest.mark.parametrize("code", ["", "1", "001", "0a", "០១", "+1", "1.0"])
def test_malformed_code_is_skipped_and_reported(code: str) -> None:
    result = Gazetteer()
    result.add_row("province", row("province", code))
    assert (result.places, result.malformed_codes) == ({}, [code])


@given(st.lists(st.integers(0, 99).map("{:02}".format), max_size=30))
def test_first_row_of_a_repeated_code_is_used(codes: list[str]) -> None:
    result = Gazetteer()
    for number, code in enumerate(codes):
        result.add_row("province", row("province", code, en=f"Place {number}"))
    assert {code: place.name_en for code, place in result.places.items()} == {
        code: f"Place {codes.index(code)}" for code in codes
    }
    assert Counter(codes) == Counter([*result.places, *result.duplicate_codes])


def test_invisible_characters_are_removed_from_names() -> None:
    result = Gazetteer()
    result.add_row(
        "province", row("province", "01", km="\ufeffក\u200bណ្\u200dដាល\u17b4", en=" Kan\u00a0 dal\u200b ")
    )
    assert (result.places["01"].name_km, result.places["01"].name_en) == ("កណ្ដាល", "Kan dal")
