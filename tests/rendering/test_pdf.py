"""PDF documents: shaped glyphs, copied text, line breaks and embedded fonts."""

import io
import logging
import re
import subprocess
import sys
from contextlib import closing
from typing import Any

import pypdf
import pytest
import uharfbuzz
from fontTools.ttLib import TTFont

from app.rendering.line_breaks import wrap_text
from app.rendering.pdf import PdfDocument, TextStyle
from app.rendering.typefaces import FONT_DIRECTORY
from tests.support.printed_pages import (
    count_glyphs_of_image,
    extract_text,
    get_glyph_outline,
    list_drawn_glyphs,
    parse_pdf,
)

DIFFICULT_WORDS = (
    "ស្ត្រី", "ក្រុម", "កុមារ", "ខ្ញុំ", "ព្រះរាជាណាចក្រ", "សុខភាពផ្លូវអារម្មណ៍", "គ្រួសារ", "ញ៉ាំ", "ប៊ូតុង", "ស៊ី", "ហ៊ឹម",
    "លើ", "កោះ", "ភៀស", "ស្រៀវ", "វិជ្ជាជីវៈ", "អ្នកញឹកញាប់", "កញ្ញា", "ឥន្ទ្រា", "ស៊្រីន", "ធ្វើ", "ខ្លាំង",
)  # fmt: skip
FONT_PATH = FONT_DIRECTORY / "NotoSansKhmer-Regular.ttf"
KHMER_TEXT = (
    "កុមារត្រូវបានការពារនៅក្នុងគ្រួសារដែលមានសុវត្ថិភាព និងទទួលបានការគាំទ្រពីអ្នកថែទាំរបស់ខ្លួនជារៀងរាល់សប្តាហ៍។ "
    "មនុស្សទាំងអស់រស់នៅលើផែនដីមិនមែនគ្រាន់តែជាការសប្បាយនោះទេ តែវាជាការចូលរួមចំណែក។"
)


def render_lines(*lines: str) -> pypdf.PdfReader:
    """Return a PDF page with these lines."""
    with closing(PdfDocument("Title", "km")) as document:
        document.add_page()
        for row, line in enumerate(lines):
            document.write_line(50, 50 + 30 * row, line, TextStyle(10))
        return parse_pdf(bytes(document.output()))


def list_shaped_glyphs(word: str) -> list[tuple[float, float, Any]]:
    """Return position and outline of each glyph that HarfBuzz produces for a word with the complete font."""
    font, complete_font = (
        uharfbuzz.Font(uharfbuzz.Face(uharfbuzz.Blob.from_file_path(FONT_PATH))),
        TTFont(FONT_PATH),
    )
    buffer = uharfbuzz.Buffer()
    buffer.add_str(word)
    buffer.guess_segment_properties()
    uharfbuzz.shape(font, buffer)
    x, glyphs = 0.0, []
    for info, position in zip(buffer.glyph_infos, buffer.glyph_positions, strict=True):
        glyph = get_glyph_outline(complete_font, complete_font.getGlyphName(info.codepoint))
        glyphs.append((x + position.x_offset, position.y_offset, glyph))
        x += position.x_advance
    return glyphs


@pytest.mark.parametrize("word", DIFFICULT_WORDS)
def test_glyphs_and_positions_in_the_pdf_equal_those_of_harfbuzz(word: str) -> None:
    drawn_glyphs = list(list_drawn_glyphs(render_lines(word).pages[0]))
    shaped_glyphs = list_shaped_glyphs(word)
    assert [glyph.outline for glyph in drawn_glyphs] == [glyph for _, _, glyph in shaped_glyphs]
    for drawn, (shaped_x, shaped_y, _) in zip(drawn_glyphs, shaped_glyphs, strict=True):
        assert (drawn.x, drawn.y) == pytest.approx((shaped_x, shaped_y), abs=1.01)


def test_shaped_words_differ_from_unshaped_letters() -> None:
    font = TTFont(FONT_PATH)
    letters = font.getBestCmap()
    for word in ("ស្ត្រី", "ក្រុម", "ខ្ញុំ"):
        assert [get_glyph_outline(font, letters[ord(letter)]) for letter in word] != [
            glyph for _, _, glyph in list_shaped_glyphs(word)
        ]


@pytest.mark.parametrize("word", [*DIFFICULT_WORDS, "សម្លៀកបំពាក់", "a\u200bb", "ក្នុង ស្រុក"])
def test_word_can_be_extracted_from_the_pdf(word: str) -> None:
    reader = render_lines(word)
    assert extract_text(reader) == word
    text_without_spaces = re.sub("[\u200b\\s]", "", reader.pages[0].extract_text())
    assert text_without_spaces == re.sub("[\u200b\\s]", "", word)


def test_khmer_lines_break_between_words_and_fit_the_width() -> None:
    style = TextStyle(10)
    for width in (30.0, 60.0, 113.0, 250.0):
        with closing(PdfDocument("Title", "km")) as document:
            lines = document.wrap_text(KHMER_TEXT, width, style)
            assert all(document.measure_text(line, style) <= width for line in lines)
        assert "".join(lines).replace(" ", "") == KHMER_TEXT.replace(" ", "")
        assert not any(re.match("[\u17b4-\u17d3\u17dd]", line) for line in lines)
        assert not any(line.endswith("\u17d2") for line in lines)
    assert wrap_text("ព្រះរាជាណាចក្រកម្ពុជា", 8, len) == ["ព្រះរាជា", "ណាចក្រ", "កម្ពុជា"] or wrap_text(
        "ព្រះរាជាណាចក្រកម្ពុជា", 14, len
    ) == ["ព្រះរាជាណាចក្រ", "កម្ពុជា"]
    assert wrap_text("one\n\ttwo", 5, len) == ["one", " two"]
    assert wrap_text("unbelievable", 5, len) == ["unbel", "ievab", "le"]


def test_pdf_rendering_does_not_log_content(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        reader = render_lines("កែវ Keo 漢 \U0001f600")
    assert caplog.text == ""
    assert extract_text(reader) == "កែវ Keo 漢 \U0001f600"


def test_application_start_does_not_import_pdf_libraries() -> None:
    code = (
        "import sys, app.main; print({'fpdf', 'fontTools', 'PIL', 'icu4py', 'uharfbuzz'} & set(sys.modules))"
    )
    process = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert process.stdout.strip() == "set()"


def test_image_of_a_page_shows_every_glyph() -> None:
    """The check of the image finds the glyphs of a page that a reader prints without ink (ISO 32000-2, 9.3.6)."""
    document = render_lines("ខ្ញុំ ស្ត្រី ខ្មែរ", "Nguyễn 王小明")
    writer = pypdf.PdfWriter(document)
    drawn = io.BytesIO()
    writer.write(drawn)
    visible, absent = count_glyphs_of_image(drawn.getvalue())
    assert visible > 20
    assert absent == 0
    contents: Any = writer.pages[0]["/Contents"].get_object()
    contents.set_data(b"3 Tr " + contents.get_data())
    without_ink = io.BytesIO()
    writer.write(without_ink)
    assert count_glyphs_of_image(without_ink.getvalue()) == (visible, visible)
