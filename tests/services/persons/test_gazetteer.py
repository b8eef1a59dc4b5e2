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
def loaded() -> Gazetteer:
    return gazetteer.load_gazetteer()


def row(level: str, code: str, *, km: str = "ភូមិ", en: str = "Phum", **parents: str) -> dict[str, str]:
    return {f"{level}_code": code, f"{level}_kh": km, f"{level}_en": en, **parents}


def test_the_country_has_the_places_the_ministry_lists(loaded: Gazetteer) -> None:
    assert Counter(place.level for place in loaded.places.values()) == {
        "province": 25,
        "district": 210,
        "commune": 1661,
        "village": 14521,
    }


def test_every_code_has_the_length_of_its_level_and_only_digits(loaded: Gazetteer) -> None:
    for code, place in loaded.places.items():
        assert code == place.code
        assert re.fullmatch(f"[0-9]{{{LENGTHS[place.level]}}}", code)


def test_leading_zeros_are_kept(loaded: Gazetteer) -> None:
    assert loaded.places["01"].name_en == "Banteay Meanchey"
    assert loaded.places["0203"].parent_code == "02"


def test_only_provinces_have_no_parent_and_every_parent_comes_first(loaded: Gazetteer) -> None:
    seen: dict[str, Place] = {}
    for place in loaded.places.values():
        assert (place.parent_code is None) == (place.level == "province")
        assert place.parent_code is None or place.parent_code in seen
        seen[place.code] = place


def test_every_place_lies_in_the_district_and_province_its_code_begins_with(loaded: Gazetteer) -> None:
    for place in loaded.places.values():
        above, levels = place, [place.level]
        while above.parent_code is not None:
            above = loaded.places[above.parent_code]
            levels.append(above.level)
            assert above.level == "commune" or place.code.startswith(above.code)
        assert levels == sorted(levels, key=LEVELS.index, reverse=True)


def test_a_village_of_an_unlisted_commune_hangs_from_its_district(loaded: Gazetteer) -> None:
    assert loaded.reparented_codes == [f"120913{number:02}" for number in range(1, 10)]
    assert {loaded.places[code].parent_code for code in loaded.reparented_codes} == {"1209"}


def test_a_village_belongs_to_the_commune_its_row_names_not_to_its_prefix(loaded: Gazetteer) -> None:
    strays = [
        place
        for place in loaded.places.values()
        if place.level == "village" and place.parent_code not in {place.code[:6], "1209"}
    ]
    assert len(strays) == 25
    assert loaded.places["02140408"].parent_code == "021405"


def test_the_first_row_keeps_a_code_that_several_rows_have(loaded: Gazetteer) -> None:
    assert len(loaded.duplicate_codes) == 46
    assert len(set(loaded.duplicate_codes)) == 25
    assert loaded.places["02140401"].name_en == "Mukh Rea Pir"
    assert loaded.places["14110401"].parent_code == "141104"  # another row has it under 141107
    assert gazetteer.list_duplicate_codes() == tuple(loaded.duplicate_codes)


def test_placeholders_are_no_codes(loaded: Gazetteer) -> None:
    assert loaded.malformed_codes == ["0506140-"] * 9


def test_no_row_is_lost_without_being_told(loaded: Gazetteer) -> None:
    rows = 25 + 210 + 1661 + 14576
    assert len(loaded.places) + len(loaded.duplicate_codes) + len(loaded.malformed_codes) == rows


def test_names_are_in_both_scripts_and_without_invisible_characters(loaded: Gazetteer) -> None:
    for place in loaded.places.values():
        assert re.search(
            "[\u1780-\u17b3\u17e0-\u17e9]", place.name_km
        )  # a few villages are called by a number
        assert re.search("[A-Za-z]", place.name_en)
        for name in (place.name_km, place.name_en):
            assert name == unicodedata.normalize("NFC", " ".join(name.split()))
            assert not [char for char in name if unicodedata.category(char) in {"Cf", "Cc"}]


def test_the_capital_its_khans_and_sangkats_are_called_so(loaded: Gazetteer) -> None:
    kinds = Counter((place.level, place.kind) for place in loaded.places.values())
    assert kinds["province", "capital"] == 1
    assert kinds["province", "province"] == 24
    assert kinds["district", "khan"] == 14
    assert kinds["commune", "sangkat"] == sum(
        place.level == "commune" and place.code.startswith("12") for place in loaded.places.values()
    )
    assert loaded.places["12"].kind == "capital"


@pytest.mark.parametrize("code", ["17100901", "171009", "0203", "12"])
def test_the_places_partners_send_are_known(loaded: Gazetteer, code: str) -> None:
    assert loaded.places[code].name_km


def test_reading_twice_gives_the_same_places_in_the_same_order() -> None:
    assert list(gazetteer.iterate_places()) == list(gazetteer.iterate_places())


def test_the_checksum_is_of_these_very_files() -> None:
    assert re.fullmatch("[0-9a-f]{64}", gazetteer.compute_checksum())
    assert gazetteer.compute_checksum() == gazetteer.compute_checksum()


def test_the_source_is_named_with_its_terms() -> None:
    assert "Ministry of Economy and Finance" in gazetteer.DATA_SOURCE
    assert "https://data.mef.gov.kh/terms-of-use" in gazetteer.DATA_SOURCE


@pytest.mark.parametrize("code", ["", "1", "001", "0a", "០១", "+1", "1.0"])
def test_what_is_no_code_is_left_out_and_told(code: str) -> None:
    found = Gazetteer()
    found.add_row("province", row("province", code))
    assert (found.places, found.malformed_codes) == ({}, [code])


@given(st.lists(st.integers(0, 99).map("{:02}".format), max_size=30))
def test_whatever_repeats_the_first_row_wins(codes: list[str]) -> None:
    found = Gazetteer()
    for number, code in enumerate(codes):
        found.add_row("province", row("province", code, en=f"Place {number}"))
    assert {code: place.name_en for code, place in found.places.items()} == {
        code: f"Place {codes.index(code)}" for code in codes
    }
    assert Counter(codes) == Counter([*found.places, *found.duplicate_codes])


def test_a_name_loses_what_cannot_be_seen() -> None:
    found = Gazetteer()
    found.add_row(
        "province", row("province", "01", km="\ufeffក\u200bណ្\u200dដាល\u17b4", en=" Kan\u00a0 dal\u200b ")
    )
    assert (found.places["01"].name_km, found.places["01"].name_en) == ("កណ្ដាល", "Kan dal")
