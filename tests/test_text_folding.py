"""Texts that look equal have one folded form."""

import sys
import unicodedata
from collections import defaultdict
from importlib.resources import files
from itertools import product

import pytest
import uharfbuzz as hb
from hypothesis import example, given
from hypothesis import strategies as st

from app.services.cases.search import parse_case_numbers
from app.services.persons.gazetteer import load_gazetteer
from app.services.persons.name_normalization import canonical_form
from app.services.referrals.search import parse_tracking_number
from app.text_folding import (
    fold_identifier,
    fold_number,
    fold_text,
    is_blank,
    normalize_identifier,
    normalize_text,
)

VISIBLE_FORMATS = frozenset("؀؁؂؃؄؅۝࢐࢑࣢")
"""Format characters (Cf) of Arabic that are drawn."""
KHMER = st.text(alphabet=[chr(point) for point in range(0x1780, 0x17EA)] + [" ", "\u200b"], max_size=24)
TEXT = st.one_of(st.text(max_size=24), KHMER)
DIGIT_ZEROS = (0x17E0, 0x0660, 0x06F0, 0x0E50, 0x0ED0, 0xFF10, 0x1D7CE)
"""Zeros of Khmer, Arabic, Persian, Thai, Lao, full-width and mathematical digits."""


@pytest.mark.parametrize(
    "text",
    [
        "FSC-2026-0042",
        "fsc-2026-0042",
        "FSC\u20112026\u20110042",
        "FSC \u2013 2026 \u2014 0042",
        "FSC\u22122026\uff0d0042",
        "ＦＳＣ-２０２６-００４２",
        "FSC-២០២៦-០០៤២",
        "FSC-٢٠٢٦-٠٠٤٢",
        "\ufeffFSC-20\u200b26-0042\u2060\u00a0",
        "\tfsc-2026-0042 \n",
        "F\u00adSC-2026-0042",
    ],
)
def test_notations_of_a_number_have_one_folded_form(text: str) -> None:
    assert fold_text(text) == "fsc-2026-0042"
    assert fold_identifier(text) == "fsc20260042"


@pytest.mark.parametrize(
    ("text", "other_text"),
    [
        ("ស\u17d2\u178fី", "ស\u17d2\u178aី"),
        ("ស្ត្រី", "ស្រ្តី"),
        ("ហាង ស្ត្រី", "  ហាង\u200b ស្រ្ដី "),
        ("ក\u17be", "ក\u17c1\u17b8"),
        ("ម\u17bb\u17c6", "ម\u17c6\u17bb"),
        ("សុខ ១", "សុខ 1"),
        ("Nguyễn", "NGUYE\u0302\u0303N"),
        ("O'Neil", "O\u2019Neil"),
        ("Sok Dara", "SOK\u00a0\u2003 Dara"),
        ("Straße", "STRASSE"),
        ("ﬁnance", "Finance"),
    ],
)
def test_texts_that_look_equal_have_one_folded_form(text: str, other_text: str) -> None:
    assert fold_text(text) == fold_text(other_text)


@pytest.mark.parametrize(
    ("text", "other_text"),
    [("Sok Dara", "SokDara"), ("Rene", "René"), ("សុខ", "សូខ"), ("តា", "ដា"), ("A-1", "A1"), ("12", "21")],
)
def test_texts_that_look_different_have_different_folded_forms(text: str, other_text: str) -> None:
    assert fold_text(text) != fold_text(other_text)


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("\u0405\u043ekh\u0430", "sokha"),
        ("\u0421h\u0430n", "chan"),
        ("\u041c\u0410\u041c\u0410", "mama"),
        ("\u039d\u03b1r\u03a5", "nary"),
        ("D\u03b1r\u03b1", "dara"),
        ("S\u043e\u0301k", "sók"),
    ],
)
def test_letters_that_look_like_latin_letters_are_folded_to_latin(text: str, folded: str) -> None:
    # Catches: the letters are replaced after the composition, so that an accent keeps a Cyrillic letter.
    assert fold_text(text) == folded
    assert canonical_form(text, "latin") == canonical_form(folded, "latin")


def test_letter_case_of_other_alphabets_is_ignored() -> None:
    for word in ("\u0410\u043d\u043d\u0430", "\u041a\u0438\u0457\u0432", "\u0391\u03b8\u03ae\u03b1"):
        assert fold_text(word.upper()) == fold_text(word.lower())


def test_letter_o_is_folded_to_zero_only_in_numbers() -> None:
    assert fold_text("SOK") != fold_text("S0K")
    assert fold_identifier("SOK-10") != fold_identifier("S0K-lO")
    assert fold_number("FSC-2O26-OOl2") == fold_number("FSC-2026-0012")
    assert parse_case_numbers("FSC-2O26-OO42") == ["FSC-2026-0042"]
    assert parse_tracking_number("r-7k3m 92qo") == "R-7K3M-92Q0"


@given(TEXT)
@example("ក\u17dd\u17d2ក")
@example("\u17c1\u17b6\u17b8\u17bb")
@example("İ\u0345ŉ")
@example("a \u2010\u00b4 b \u0301c")
def test_folding_is_idempotent_and_independent_of_unicode_forms(text: str) -> None:
    folded = fold_text(text)
    assert fold_text(folded) == folded
    assert normalize_text(folded) == folded
    for form in ("NFC", "NFD"):
        assert fold_text(unicodedata.normalize(form, text)) == folded


@given(st.text(alphabet="0123456789 -abc", max_size=12), st.sampled_from(DIGIT_ZEROS))
def test_digits_of_every_script_are_folded(text: str, zero: int) -> None:
    assert fold_text(text.translate({48 + digit: zero + digit for digit in range(10)})) == fold_text(text)


def test_every_format_character_is_invisible() -> None:
    formats = [
        chr(point)
        for point in range(sys.maxunicode + 1)
        if unicodedata.category(chr(point)) == "Cf" and chr(point) not in VISIBLE_FORMATS
    ]
    left = [
        character
        for character in formats
        if unicodedata.name(character, "").split(" ")[0] not in {"EGYPTIAN", "KAITHI"}
        and fold_text(f"a{character}b") != "ab"
    ]
    assert left == []


def test_places_with_exchanged_subscripts_have_one_folded_form() -> None:
    names = {place.name_km for place in load_gazetteer().places.values()}
    for name in names:
        exchanged = name.translate(str.maketrans("\u178f\u178a", "\u178a\u178f"))
        subscripts = "".join(
            other if index and name[index - 1] == "\u17d2" else own
            for index, (own, other) in enumerate(zip(name, exchanged, strict=True))
        )
        assert fold_text(subscripts) == fold_text(name)


@pytest.mark.parametrize(
    ("text", "stored"),
    [
        (" HW-2026-00317\u00a0", "HW-2026-00317"),
        ("HW-2026-00317\u200b", "HW-2026-00317"),
        ("\ufeffHW-2026-00317", "HW-2026-00317"),
        ("E\u0301-1", "É-1"),
        ("hw 2026", "hw 2026"),
        ("hw  2026", "hw  2026"),
        ("ＨＷ-１", "ＨＷ-１"),
        ("HW\u20111", "HW\u20111"),
    ],
)
def test_identifier_of_another_system_is_only_trimmed_and_composed(text: str, stored: str) -> None:
    assert normalize_identifier(text) == stored
    assert normalize_identifier(stored) == stored


@given(st.text(max_size=24))
def test_stored_identifier_has_the_folded_form_of_the_sent_one(text: str) -> None:
    assert fold_identifier(normalize_identifier(text)) == fold_identifier(text)


KHMER_FONT = hb.Font(
    hb.Face(hb.Blob.from_file_path(str(files("app.rendering") / "fonts" / "NotoSansKhmer-Regular.ttf")))
)
KHMER_LETTERS = [chr(point) for point in range(0x1780, 0x17A3)]
SUBSCRIPTS = ["", *(f"\u17d2{letter}" for letter in "កងតមរសញហ")]
SHIFTERS = "\u17bb\u17c9\u17ca"
OTHER_MARKS = "\u17b7\u17b8\u17b9\u17ba\u17be\u17d0\u17c6\u17bf\u17c1\u17b6\u17c4\u17bd\u17bc\u17cb\u17cc"


def shape_khmer(text: str) -> tuple[tuple[int, ...], ...]:
    """Return the glyphs of a text in the font of the PDF documents, with their positions."""
    buffer = hb.Buffer()
    buffer.add_str(text)
    buffer.guess_segment_properties()
    hb.shape(KHMER_FONT, buffer)
    return tuple(
        (info.codepoint, position.x_offset, position.y_offset, position.x_advance)
        for info, position in zip(buffer.glyph_infos, buffer.glyph_positions, strict=True)
    )


def test_khmer_clusters_with_equal_glyphs_have_one_folded_form() -> None:
    # Catches: the letter BA has the shifter triisap. ប៉ី and បុី look the same, but have two folded forms.
    forms: defaultdict[tuple[tuple[int, ...], ...], set[str]] = defaultdict(set)
    pairs = [*product(SHIFTERS, OTHER_MARKS), *product(OTHER_MARKS, SHIFTERS)]
    for letter, subscript, marks in product(KHMER_LETTERS, SUBSCRIPTS, pairs):
        text = letter + subscript + "".join(marks)
        forms[shape_khmer(text)].add(fold_text(text))
    assert [texts for texts in forms.values() if len(texts) > 1] == []


@pytest.mark.parametrize(("text", "other"), [("ចំប៉ី", "ចំបុី"), ("មុំ", "ម៉ំ")])
def test_khmer_words_that_look_equal_have_one_folded_form(text: str, other: str) -> None:
    assert fold_text(text) == fold_text(other)


@pytest.mark.parametrize(
    ("text", "other"),
    [("ប៉ា", "បុា"), ("ម៉ៅ", "មុៅ"), ("ស៊ា", "សុា"), ("ហ៊ាន", "ហុាន"), ("អ៊ូ", "អុូ"), ("ស៊ី", "ស៊ុី"), ("ញ៉ែម", "ញុែម"), ("ម៉ាំ", "មុាំ")],
)  # fmt: skip
def test_shifter_typed_as_the_vowel_u_has_one_folded_form(text: str, other: str) -> None:
    # Catches: only vowels above the letter make the vowel u a shifter.
    assert fold_text(text) == fold_text(other) == text


def test_every_vowel_but_u_makes_the_vowel_u_a_shifter() -> None:
    vowels = [chr(point) for point in range(0x17B6, 0x17C6) if chr(point) != "\u17bb"]
    for letter, sign, vowel, last in product(
        "ងញនបមយរលវសហអ", "\u17c9\u17ca", vowels, ("", "\u17c6", "\u17c7")
    ):
        typed = {fold_text(letter + marks + last) for marks in (f"\u17bb{vowel}", f"{vowel}\u17bb")}
        correct = {fold_text(f"{letter}{sign}{vowel}{last}") for sign in "\u17c9\u17ca"}
        assert len(typed) == 1
        assert typed < correct
        assert fold_text(f"{letter}{sign}{vowel}\u17bb{last}") == fold_text(f"{letter}{sign}{vowel}{last}")


def test_blank_text_is_a_text_whose_normalized_form_is_empty() -> None:
    # Catches: `_VISIBLE` without white space, or with ASCII white space only.
    for code in range(0x30000):
        for text in (chr(code), f" {chr(code)}\u200b"):
            assert is_blank(text) == (normalize_text(text) == ""), hex(code)
    assert is_blank("")
    assert not is_blank(" a ")
