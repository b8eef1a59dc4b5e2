"""Normal forms of names: equal visible words have equal forms, and stored names contain no invisible characters."""

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from app.services.persons.name_normalization import canonical_form
from app.text_folding import detect_script, normalize_text

INVISIBLE = [
    "\u200b",
    "\u200c",
    "\u200d",
    "\u200e",
    "\u200f",
    "\ufeff",
    "\u2060",
    "\u00ad",
    "\u202e",
    "\u2067",
    "\u17b4",
]
KHMER = st.text(alphabet=[chr(point) for point in range(0x1780, 0x17EA)] + [" ", "\u200b"], max_size=24)
KHMER_SYLLABLES = ["សុ", "ខ", "វិ", "ចិ", "ត្រ", "ស្រី", "មុំ", "ជា", "លី", "ភា", "ឱ", "ស្ត្រី", "រ៉ា", "ហ៊ាន"]
KHMER_WORD = st.lists(st.sampled_from(KHMER_SYLLABLES), min_size=1, max_size=4).map("".join)


@pytest.mark.parametrize(
    ("text", "other_text"),
    [
        ("ស្ត្រី", "ស្រ្តី"),
        ("ក\u17be", "ក\u17c1\u17b8"),
        ("ក\u17be", "ក\u17b8\u17c1"),
        ("ក\u17c4", "ក\u17c1\u17b6"),
        ("ស\u17ca\u17b8", "ស\u17b8\u17ca"),
        ("ស\u17ca\u17b8", "ស\u17bb\u17b8"),
        ("ម\u17bb\u17c6", "ម\u17c6\u17bb"),
        ("ន\u17b6\u17c6", "ន\u17c6\u17b6"),
        ("ស\u17d2\u178fី", "ស\u17d2\u178aី"),
        ("កីី", "កី"),
        ("ក\u17d2", "ក"),
        ("ឱក", "ឲក"),
        ("សុខ\u200bវិចិត្រ", "សុខវិចិត្រ"),
        ("សុខ\u00a0វិចិត្រ", "សុខ វិចិត្រ"),
        ("១២", "12"),
    ],
)
def test_khmer_words_that_look_the_same_have_one_canonical_form(text: str, other_text: str) -> None:
    assert canonical_form(text, "khmer") == canonical_form(other_text, "khmer")


@pytest.mark.parametrize("sign", "\u17ce\u17cf\u17d1\u17d3\u17dd")
def test_sign_that_is_typed_instead_of_bantoc_has_its_canonical_form(sign: str) -> None:
    for typed in (f"ចាន{sign}", f"ចាន់{sign}", f"ចាន{sign}{sign}"):
        assert canonical_form(typed, "khmer") == "ចាន់"


@pytest.mark.parametrize(("text", "other_text"), [("សុខ", "សូខ"), ("កា", "ខា"), ("មុំ", "មុះ"), ("ប៉ា", "បា")])
def test_khmer_words_that_look_different_have_different_forms(text: str, other_text: str) -> None:
    assert canonical_form(text, "khmer") != canonical_form(other_text, "khmer")


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("Sok", "sok"),
        ("  SREY-MOM ", "srey mom"),
        ("O'Neil", "oneil"),
        ("D\u2019Arc", "darc"),
        ("Nguyễn Đào", "nguyen dao"),
        ("So\u200bk", "sok"),
        ("Sok\u00a0Vichet", "sok vichet"),
        ("S\u0301ok", "sok"),
        ("Sok (Chet), jr.", "sok chet jr"),
        ("Groß", "gross"),
        ("\uff33\uff4f\uff4b", "sok"),
        ("Dara ២", "dara 2"),
        ("", ""),
    ],
)
def test_latin_form_ignores_case_accents_and_punctuation(text: str, canonical: str) -> None:
    assert canonical_form(text, "latin") == canonical


@given(st.one_of(st.text(max_size=24), KHMER), st.sampled_from(["khmer", "latin"]))
@example("ក\u17dd\u17d2ក", "khmer")
@example("\u17c1\u17b6\u17b8\u17bb", "khmer")
@example("İ\u0345ŉ", "latin")
def test_canonical_form_is_idempotent(text: str, script: str) -> None:
    canonical = canonical_form(text, script)
    assert canonical_form(canonical, script) == canonical


@given(st.one_of(st.text(max_size=24), KHMER))
def test_stored_form_is_nfc_with_single_spaces_and_idempotent(text: str) -> None:
    stored = normalize_text(text)
    assert unicodedata.is_normalized("NFC", stored)
    assert stored == " ".join(stored.split()) == normalize_text(stored)
    assert not any(character in stored for character in INVISIBLE)


@given(KHMER_WORD, st.sampled_from(INVISIBLE), st.integers(0, 20))
def test_invisible_characters_do_not_change_the_canonical_form(word: str, invisible: str, index: int) -> None:
    index = min(index, len(word))
    assert canonical_form(word[:index] + invisible + word[index:], "khmer") == canonical_form(word, "khmer")


def test_stored_form_keeps_case_and_accents() -> None:
    assert normalize_text("  Nguye\u0302\u0303n\u200b   Dara\n") == "Nguyễn Dara"


@pytest.mark.parametrize(
    ("text", "script"),
    [
        ("សុខ", "khmer"),
        ("Sok", "latin"),
        ("សុខ S", "khmer"),
        ("Nguyễn", "latin"),
        ("", "latin"),
        ("១២", "latin"),
    ],
)
def test_script_is_detected_from_the_majority_of_letters(text: str, script: str) -> None:
    assert detect_script(text) == script
