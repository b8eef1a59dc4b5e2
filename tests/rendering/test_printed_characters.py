"""Every character of a text appears in every PDF and every picture: as its glyph, or as a box that is counted."""

import itertools
import math
import re
import unicodedata
from contextlib import closing
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from fontTools.pens.areaPen import AreaPen
from fontTools.pens.boundsPen import BoundsPen
from fontTools.svgLib.path import parse_path
from fontTools.ttLib import TTFont

from app.rendering.line_breaks import split_at_line_breaks
from app.rendering.pdf import PdfDocument, TextStyle
from app.rendering.printed_file import PrintedFile
from app.rendering.shaping import replace_unprintable_characters, shape_text
from app.rendering.svg import build_paragraph, build_svg
from app.rendering.typefaces import (
    BOX,
    FONT_DIRECTORY,
    UNITS_PER_EM,
    Typeface,
    get_box_typeface,
    list_typefaces,
)
from tests.support.printed_pages import extract_text, get_glyph_outline, list_drawn_glyphs, parse_pdf
from tests.support.responses import SVG_NAMESPACE, parse_svg_texts

VIETNAMESE = "Nguyễn Thị Hồng Đặng"
PRINTABLE_TEXTS = (
    VIETNAMESE, unicodedata.normalize("NFD", VIETNAMESE), "Ÿğüş Łódź Āē Ʊɔ", "Αθήνα Кириллица", "កែវKeoសុខា ២០២៦",
    "ខ្ញុំ ក្ក្ក្រ ស្ត្រី ខ្\u200bមែរ", "\u17d2 ក\u17d2 \u17d2ក", "ក៍៍ក ៖៙៚៛᧠", "a\u0301\u0323\u0302 x\u0327\u0302 \u0301", "ก็ น้ำ ผู้ใหญ่ ๑๒๓ ฿",
    "ສົມຊາຍ ໃຈດີ", "देवनागरी हिन्दी", "王小明 張偉 「こんにちは」", "☎ ✓ ✗ ★ → ⇄ ≤ ≥ ≠ ½ ① ⚠\ufe0f ♀ ☑", "\U0001f600 👨‍👩‍👧 👍🏽 🇰🇭 1️⃣",
    "a\u200bb\u200cc\u200dd\ufeffe\u2060f\u00adg", "a\u202eb\u202cc\u200fd\u2066e\u2069f", "\u25af is no missing character", "",
)  # fmt: skip
"""Texts all of whose characters a font has."""
MISSING_TEXTS = {
    "محمد": 4, "שלום": 4, "김철수": 3, "ကို": 3, "a\u0001b\u0085c\u007f": 3, "x\ud800": 1, "\ufffe\ufdd0\U0001ffff": 3,
    "\ue000\U000f0000": 2, "\u0378": 1, "\ufffd": 1, "Keo 김 កែវ": 1, "a\u06e1": 1, "김\u0301": 1, "\U0001e900": 1,
}  # fmt: skip
"""Texts with characters that no font has, and their number."""
ALL_TEXTS = (*PRINTABLE_TEXTS, *MISSING_TEXTS)
INVISIBLE_CHARACTERS = re.compile(
    "[\\s\u00ad\u034f\u061c\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u2800\ufe00-\ufe0f\ufeff\ufff0-\ufff8]"
)
"""White space and the characters that Unicode defines as invisible."""


def print_pdf(text: str, *, bold: bool = False) -> PrintedFile:
    with closing(PdfDocument(text or "Title", "km")) as document:
        document.add_page()
        document.write_line(50, 50, text, TextStyle(10, bold=bold))
        document.write_line(50, 90, "Keo", TextStyle(10))
        return document.finish()


def print_svg(text: str, *, bold: bool = False) -> PrintedFile:
    body = build_paragraph([text], 20, 20, 10, font_weight="bold" if bold else "normal")
    return build_svg((200, 100), "Title", text, body, "km")


def list_pdf_outlines(printed: PrintedFile) -> list[Any]:
    """Return the outlines of the glyphs of the first line. Fails if one of the glyphs is `.notdef`."""
    glyphs = list(list_drawn_glyphs(parse_pdf(printed.content).pages[0]))
    assert ".notdef" not in [glyph.glyph_name for glyph in glyphs]
    return [glyph.outline for glyph in glyphs[:-3]]


def list_expected_glyphs(text: str, *, bold: bool) -> list[tuple[Typeface, str]]:
    return [
        (run.typeface, TTFont(run.typeface.path).getGlyphName(glyph.glyph_id))
        for run in shape_text(text, bold=bold)
        for glyph in run.glyphs
    ]


def get_source_outline(typeface: Typeface, glyph_name: str) -> Any:
    return get_glyph_outline(TTFont(typeface.path), glyph_name)


@pytest.mark.parametrize("bold", [False, True])
@pytest.mark.parametrize("text", ALL_TEXTS)
def test_pdf_draws_every_character_and_counts_the_boxes(text: str, bold: bool) -> None:
    # Catches: `_find_typeface` returns the first typeface for a character that no font has.
    printed = print_pdf(text, bold=bold)
    expected = [
        get_source_outline(*glyph)
        for word in split_at_line_breaks(replace_unprintable_characters(text))
        for glyph in list_expected_glyphs(word, bold=bold)
    ]
    outlines = list_pdf_outlines(printed)
    assert outlines == expected
    reader = parse_pdf(printed.content)
    assert extract_text(reader) == f"{replace_unprintable_characters(text)}Keo"
    assert reader.xmp_metadata
    assert reader.xmp_metadata.dc_title == {"x-default": replace_unprintable_characters(text) or "Title"}
    box_typeface = get_box_typeface()
    box = get_source_outline(box_typeface, TTFont(box_typeface.path).getBestCmap()[ord(BOX)])
    assert outlines.count(box) == MISSING_TEXTS.get(text, 0) + text.count(BOX)
    assert printed.missing_characters == MISSING_TEXTS.get(text, 0)


@pytest.mark.parametrize("bold", [False, True])
@pytest.mark.parametrize("text", ALL_TEXTS)
def test_picture_draws_every_character_and_counts_the_boxes(text: str, bold: bool) -> None:
    printed = print_svg(text, bold=bold)
    root = ET.fromstring(printed.content)  # noqa: S314 - the application rendered it
    outlines = {path.attrib["id"]: path.attrib["d"] for path in root.iter(f"{SVG_NAMESPACE}path")}
    drawn = [use.attrib["href"].removeprefix("#") for use in root.iter(f"{SVG_NAMESPACE}use")]
    expected = [measure_source_glyph(*glyph) for glyph in list_expected_glyphs(text, bold=bold)]
    for reference, shape in zip(drawn, filter(any, expected), strict=True):
        assert measure_path(outlines[reference]) == pytest.approx(shape, rel=0.01, abs=3)
    assert "".join(parse_svg_texts(printed.content.decode())) == replace_unprintable_characters(text)
    assert drawn.count("box") == printed.missing_characters == MISSING_TEXTS.get(text, 0)


def measure_path(path: str) -> tuple[float, ...]:
    """Return the bounds of an SVG path and the square root of its area."""
    bounds, area = BoundsPen(None), AreaPen(None)
    parse_path(path, bounds)
    parse_path(path, area)
    return (*(bounds.bounds or (0, 0, 0, 0)), math.sqrt(abs(area.value)))


def measure_source_glyph(typeface: Typeface, glyph_name: str) -> tuple[float, ...]:
    """Return the same of a glyph of a font file, in thousandths of the font size."""
    font = TTFont(typeface.path)
    glyphs = font.getGlyphSet()
    bounds, area = BoundsPen(glyphs), AreaPen(glyphs)
    glyphs[glyph_name].draw(bounds)
    glyphs[glyph_name].draw(area)
    scale = UNITS_PER_EM / font["head"].unitsPerEm
    return tuple(scale * value for value in (*(bounds.bounds or (0, 0, 0, 0)), math.sqrt(abs(area.value))))


def test_only_invisible_characters_have_no_visible_glyph() -> None:
    # Catches: an empty glyph for Đ in the font.
    blocks = (range(0x20, 0x3000), range(0x3000, 0xD800, 7), range(0xE000, 0x20000, 7))
    for codepoint in itertools.chain(*blocks):
        character = chr(codepoint)
        if INVISIBLE_CHARACTERS.match(character) or 0x1D173 <= codepoint <= 0x1D17A:
            continue
        extents = [
            run.typeface.harfbuzz_font.get_glyph_extents(glyph.glyph_id)
            for run in shape_text(character)
            for glyph in run.glyphs
        ]
        assert any(extent and extent.width and extent.height for extent in extents), f"U+{codepoint:04X}"


@pytest.mark.parametrize("text", PRINTABLE_TEXTS)
def test_text_and_its_normal_forms_have_no_missing_character(text: str) -> None:
    for form in ("NFC", "NFD", "NFKC", "NFKD"):
        runs = shape_text(unicodedata.normalize(form, text))
        assert sum(run.missing_characters for run in runs) == 0


def test_composed_and_decomposed_letters_have_the_same_glyphs() -> None:
    [composed], [decomposed] = shape_text(VIETNAMESE), shape_text(unicodedata.normalize("NFD", VIETNAMESE))
    assert composed.glyphs == decomposed.glyphs


def test_spaces_and_digits_stay_in_the_font_of_the_letters_before_them() -> None:
    assert [run.text for run in shape_text("កែវ ២០ (12) Keo 12 ก 12")] == ["កែវ ២០ (12) ", "Keo 12 ", "ก 12"]
    assert [run.typeface.family for run in shape_text("\U0001f600 12")] == ["NotoEmoji", "NotoSans"]


def test_every_font_file_has_a_free_licence_and_is_in_the_notices() -> None:
    notices = (FONT_DIRECTORY.parents[2] / "NOTICE.md").read_text()
    listed = {typeface.path for bold in (False, True) for typeface in list_typefaces(bold=bold)}
    assert listed == set(FONT_DIRECTORY.glob("*.ttf"))
    for path in listed:
        names, rights = TTFont(path)["name"], TTFont(path)["OS/2"].fsType
        assert "SIL Open Font License, Version 1.1" in names.getDebugName(13)
        assert rights == 0  # embedding is not restricted
        assert f"`{path.stem.partition('-')[0]}`" in notices
