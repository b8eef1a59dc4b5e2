"""Romanization of Khmer names by rules and by the table of irregular names."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.services.persons.irregular_names import IRREGULAR_NAMES
from app.services.persons.khmer_romanization import romanize_khmer
from app.services.persons.name_normalization import canonical_form, list_sound_keys
from bench.names import FAMILY_NAMES, GIVEN_NAMES

KHMER = st.text(alphabet=[chr(point) for point in range(0x1780, 0x17EA)] + ["a", "7", " "], max_size=24)


def share_sound_key(khmer: str, latin: str) -> bool:
    latin_word = canonical_form(latin, "latin").replace(" ", "")
    return not list_sound_keys("khmer", canonical_form(khmer, "khmer")).isdisjoint(
        list_sound_keys("latin", latin_word)
    )


@pytest.mark.parametrize(
    ("khmer", "latin"),
    [
        ("ស្រី", "srey"),
        ("សុខា", "sokha"),
        ("ដារ៉ា", "dara"),
        ("សុភា", "sophea"),
        ("ចាន់", "chan"),
        ("សំណាង", "samnang"),
        ("តាំង", "tang"),
        ("អ៊ុក", "uk"),
        ("ប៊ុន", "bun"),
        ("បញ្ញា", "banhnha"),
        ("រស្មី", "reaksmey"),
        ("វីរៈ", "virak"),
        ("ពង្ស៍", "pong"),
    ],
)
def test_usual_spelling_is_one_of_the_romanizations(khmer: str, latin: str) -> None:
    assert latin in romanize_khmer(canonical_form(khmer, "khmer"))


def test_names_have_a_common_sound_key_in_both_scripts() -> None:
    names = [*FAMILY_NAMES, *GIVEN_NAMES]
    assert [name for name in names if not share_sound_key(*name)] == []


@pytest.mark.parametrize("name", IRREGULAR_NAMES)
def test_irregular_name_has_the_key_of_each_spelling(name: str) -> None:
    assert all(share_sound_key(name, spelling) for spelling in IRREGULAR_NAMES[name])


@given(KHMER)
def test_every_text_has_a_limited_number_of_romanizations(text: str) -> None:
    for word in canonical_form(text, "khmer").split():
        assert 1 <= len(romanize_khmer(word)) <= 24
        assert len(list_sound_keys("khmer", word)) <= 12
