"""Write PDF documents (A4, PDF/A-2b) with correctly shaped Khmer and Latin text and embedded fonts.

This module writes text operators itself and does not use the cells of fpdf2, for three reasons: HarfBuzz shapes the
glyphs, ICU finds the words at which lines break, and text can be copied and searched. Importing this module takes most
of a second, so other modules import it only inside the functions that render a document.
"""

import logging
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from fpdf import FPDF
from fpdf.enums import PDFResourceType
from fpdf.fonts import TTFFont

from app.rendering.line_breaks import split_at_line_breaks, wrap_text

# Both libraries log the characters that they print, which may be the name of a child.
for _logger_name in ("fontTools", "fpdf"):
    logging.getLogger(_logger_name).setLevel(logging.CRITICAL)

_FONT_DIRECTORY = Path(__file__).with_name("fonts")
FONT_FAMILY = "NotoSansKhmer"
LINE_HEIGHT_FACTOR = 1.62
"""Line height divided by font size. Khmer has signs above and below the letters."""
BASELINE_OFFSET_FACTOR = 1.16
"""Distance from the top of a line to its baseline, divided by font size."""
PAGE_WIDTH, PAGE_HEIGHT = 595.28, 841.89
"""A4 in points. All lengths in this module are in points."""
_ZERO_WIDTH_SPACE = "\u200b"


@dataclass(frozen=True, slots=True)
class TextStyle:
    """Font size, weight and gray level of a text."""

    size: float = 10.0
    bold: bool = False
    gray: float = 0.0
    """Gray level from 0 (black) to 1 (white)."""

    @property
    def line_height(self) -> float:
        """Distance between the tops of two lines."""
        return self.size * LINE_HEIGHT_FACTOR

    def as_bold(self) -> "TextStyle":
        """Return the bold style of the same size."""
        return replace(self, bold=True)


class PdfDocument(FPDF):
    """A PDF document with methods that write shaped text and simple shapes at given positions."""

    def __init__(self, title: str, language: str) -> None:
        super().__init__(unit="pt", format="A4", enforce_compliance="PDF/A-2b")
        self.set_auto_page_break(auto=False)
        self.set_title(title)
        self.set_lang(language)
        self.set_producer("First Step")
        for style, name in (("", "Regular"), ("B", "Bold")):
            self.add_font(FONT_FAMILY, style, _FONT_DIRECTORY / f"{FONT_FAMILY}-{name}.ttf")
        self._relative_widths: dict[tuple[bool, str], float] = {}
        self._operators_by_word: dict[tuple[int, str, float], str] = {}

    @cached_property
    def _font_faces(self) -> dict[bool, TTFFont]:
        regular, bold = self.fonts.values()
        return {False: regular, True: bold}  # type: ignore[dict-item]  # fpdf2 declares a wider type, but both fonts were added from files

    def close(self) -> None:
        """Close the font files."""
        for face in self._font_faces.values():
            face.close()

    def measure_text(self, text: str, style: TextStyle) -> float:
        """Return the width of a text."""
        key = style.bold, text
        if key not in self._relative_widths:
            _, positions = self._font_faces[style.bold].perform_harfbuzz_shaping(text, style.size, None)
            self._relative_widths[key] = sum(position.x_advance for position in positions or ()) / 1000
        return self._relative_widths[key] * style.size

    def wrap_text(self, text: str, max_width: float, style: TextStyle) -> list[str]:
        """Break a text into lines of a maximum width."""
        return wrap_text(text, max_width, lambda piece: self.measure_text(piece, style))

    def write_line(self, x: float, y: float, text: str, style: TextStyle, matrix: str = "1 0 0 1") -> None:
        """Write one line of text.

        Args:
            x: distance of the line from the left edge of the page.
            y: distance of the top of the line from the top edge of the page.
            text: the text, without line feeds.
            style: font size, weight and gray level.
            matrix: the first four numbers of the text matrix, to rotate the text.
        """
        if not text:
            return
        face = self._font_faces[style.bold]
        self._resource_catalog.add(PDFResourceType.FONT, face.i, self.page)
        baseline = PAGE_HEIGHT - y - style.size * BASELINE_OFFSET_FACTOR
        operators = " ".join(
            self._phrase_operators(face, phrase, style.size) for phrase in _split_phrases(text)
        )
        self._out(
            f"BT {style.gray:g} g /F{face.i} {style.size:g} Tf {matrix} {x:.2f} {baseline:.2f} Tm {operators} ET"
        )

    def _phrase_operators(self, face: TTFFont, phrase: str, size: float) -> str:
        """Return the operators of a phrase. PDF viewers use its text (`ActualText`) for copy and search."""
        actual_text = phrase.encode("utf-16-be").hex()
        glyphs = " ".join(self._word_operators(face, word, size) for word in split_at_line_breaks(phrase))
        return f"/Span <</ActualText <FEFF{actual_text}>>> BDC {glyphs} EMC"

    def _word_operators(self, face: TTFFont, word: str, size: float) -> str:
        key = face.i, word, size
        if key not in self._operators_by_word:
            self._operators_by_word[key] = _glyph_operators(face, word, size)
        return self._operators_by_word[key]

    def draw_rule(self, x: float, y: float, length: float, weight: float = 0.6, gray: float = 0.0) -> None:
        """Draw a horizontal line."""
        self._out(
            f"q {weight:g} w {gray:g} G {x:.2f} {PAGE_HEIGHT - y:.2f} m {x + length:.2f} {PAGE_HEIGHT - y:.2f} l S Q"
        )

    def fill_rectangle(self, x: float, y: float, width: float, height: float, gray: float) -> None:
        """Fill a rectangle."""
        self._out(f"q {gray:g} g {x:.2f} {PAGE_HEIGHT - y - height:.2f} {width:.2f} {height:.2f} re f Q")


def _split_phrases(text: str) -> Iterator[str]:
    """Yield the space-separated parts of a text, each with the space that follows it."""
    words = text.split(" ")
    yield from (f"{word} " for word in words[:-1])
    if words[-1]:
        yield words[-1]


def _glyph_operators(face: TTFFont, word: str, size: float) -> str:
    """Return the operators that draw the glyphs of a word.

    Viewers that ignore `ActualText` extract the text from the glyphs in drawing order, which in Khmer differs from the
    order of the characters. Therefore the n-th glyph is mapped to the n-th character of the word, so that a glyph can
    have several codes, one per character. The last glyph is mapped to all remaining characters. If there are more glyphs
    than characters, the surplus glyphs are mapped to a zero-width space.
    """
    infos, positions = face.perform_harfbuzz_shaping(word, size, None)
    if not infos:
        return ""
    characters = [*word[: len(infos) - 1], word[len(infos) - 1 :]]
    characters += [_ZERO_WIDTH_SPACE] * (len(infos) - len(characters))
    operators, rise, shift = [], 0, 0
    for info, position, text in zip(infos, positions, characters, strict=True):
        code, width = _glyph_code(face, info.codepoint, text or _ZERO_WIDTH_SPACE)
        if position.y_offset != rise:
            rise = position.y_offset
            operators.append(f"{rise * size / 1000:.2f} Ts")
        operators.append(f"[{shift - position.x_offset:d} <{code:04X}>] TJ")
        shift = width - position.x_advance + position.x_offset
    return " ".join([*operators, *([f"[{shift:d}] TJ"] if shift else []), *(["0 Ts"] if rise else [])])


def _glyph_code(face: TTFFont, glyph_id: int, text: str) -> tuple[int, int]:
    """Return the code that maps a glyph to a text, and the advance width of the glyph."""
    name = face.ttfont.getGlyphName(glyph_id)
    width = face.ttfont["hmtx"].metrics[name][0]
    codepoints = tuple(map(ord, text))
    glyph = face.subset.get_glyph(glyph=glyph_id, unicode=codepoints, glyph_name=name, glyph_width=width)
    code = face.subset.pick_glyph(glyph)
    return code or 0, width
