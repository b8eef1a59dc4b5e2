"""Texts that were typed in a legacy Khmer font are detected, and names of other languages are not."""

import pytest

from app.services.persons.detail_warnings import list_detail_warnings
from app.services.persons.legacy_fonts import is_legacy_address, is_legacy_name

LEGACY = ("suk BisidæÞ", "BisidæÞ", "sMNag", "cn\u00a7", "PU\u00a7mi", "Ca suPaB", "vN\u00d1a")


@pytest.mark.parametrize("text", LEGACY)
def test_text_in_a_legacy_font_is_detected_in_a_name_and_an_address(text: str) -> None:
    assert is_legacy_name(text)
    assert is_legacy_address(text)


@pytest.mark.parametrize(
    "name",
    [
        "Sok Piseth", "SreyMom", "McDonald", "O'Neil", "MARY", "Nguyễn Thị Hồng Đặng", "Jørgen", "Søren Bækgaard", "François",
        "Groß", "José Peña", "Sok-Dara", "D'Arc", "Sok (Chet)", "Dara2", "ស្រីមុំ", "ដារ៉ា Dara", "",
    ],
)  # fmt: skip
def test_name_of_another_language_is_not_taken_for_a_legacy_font(name: str) -> None:
    assert not is_legacy_name(name)


@pytest.mark.parametrize(
    "address",
    [
        "#12, St. 271, Phum Thmei",
        "House 5, near the PhD school of Mr. McDonald",
        "N°5 rue de la Paix",
        "½ km after the market",
        "ផ្ទះលេខ 5",
    ],
)
def test_address_with_symbols_is_not_taken_for_a_legacy_font(address: str) -> None:
    assert not is_legacy_address(address)


def test_every_text_of_a_person_is_checked_for_legacy_fonts() -> None:
    # Catches: only names that are declared as Khmer are checked.
    names = [{"script": "latin", "family": "suk", "given": "BisidæÞ"}]
    details = {"names": names, "nickname": "sMNag", "address_detail": "PU\u00a7mi fµI", "phones": []}
    warnings = [(fault.pointer, fault.code) for fault in list_detail_warnings(details, "/caregiver")]
    assert warnings == [
        (f"/caregiver/{field}", "legacy_font") for field in ("names/0/given", "nickname", "address_detail")
    ]
