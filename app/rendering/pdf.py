"""Write PDF documents (A4, PDF/A-2b) with correctly shaped text and embedded fonts.

This module writes text operators itself and does not use the cells of fpdf2, for three reasons: HarfBuzz shapes the
glyphs, ICU finds the words at which lines break, and text can be copied and searched. Importing this module takes most
of a second, so other modules import it only inside the functions that render a document.
"""

import logging
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

from fpdf import FPDF
from fpdf.enums import PDFResourceType
from fpdf.fonts import TTFFont

from app.rendering.line_breaks import split_at_line_breaks, wrap_text
from app.rendering.printed_file import PrintedFile
from app.rendering.shaping import GlyphRun, measure_runs, replace_unprintable_characters, shape_text
from app.rendering.typefaces import UNITS_PER_EM, Typeface

# Both libraries log the characters that they print, which may be the name of a child.
for _logger_name in ("fontTools", "fpdf"):
    logging.getLogger(_logger_name).setLevel(logging.CRITICAL)

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
        self.set_title(replace_unprintable_characters(title))
        self.set_lang(language)
        self.set_producer("First Step")
        self._missing_characters = 0
        self._faces: dict[Typeface, TTFFont] = {}
        self._shaped_texts: dict[tuple[bool, str], list[GlyphRun]] = {}
        self._operators_by_word: dict[tuple[bool, str, float], str] = {}

    def finish(self) -> PrintedFile:
        """Return the complete document."""
        return PrintedFile(bytes(self.output()), self._missing_characters)

    def close(self) -> None:
        """Close the font files."""
        for face in self._faces.values():
            face.close()

    def _get_face(self, typeface: Typeface) -> TTFFont:
        """Return a font of this document, which embeds the glyphs that are used. Add the font before its first use."""
        if typeface not in self._faces:
            style: Literal["", "B"] = "B" if typeface.bold else ""
            self.add_font(typeface.family, style, typeface.path)
            face = self.fonts[f"{typeface.family.lower()}{style}"]
            self._faces[typeface] = face  # type: ignore[assignment]  # fpdf2 declares a wider type, but the font was added from a file
        return self._faces[typeface]

    def _shape(self, text: str, style: TextStyle) -> list[GlyphRun]:
        key = style.bold, text
        if key not in self._shaped_texts:
            self._shaped_texts[key] = shape_text(text, bold=style.bold)
        return self._shaped_texts[key]

    def measure_text(self, text: str, style: TextStyle) -> float:
        """Return the width of a text."""
        return measure_runs(self._shape(text, style), style.size)

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
        baseline = PAGE_HEIGHT - y - style.size * BASELINE_OFFSET_FACTOR
        operators = " ".join(
            self._phrase_operators(phrase, style)
            for phrase in _split_phrases(replace_unprintable_characters(text))
        )
        self._out(f"BT {style.gray:g} g {matrix} {x:.2f} {baseline:.2f} Tm {operators} ET")

    def _phrase_operators(self, phrase: str, style: TextStyle) -> str:
        """Return the operators of a phrase. PDF viewers use its text (`ActualText`) for copy and search."""
        actual_text = phrase.encode("utf-16-be").hex()
        glyphs = " ".join(self._word_operators(word, style) for word in split_at_line_breaks(phrase))
        return f"/Span <</ActualText <FEFF{actual_text}>>> BDC {glyphs} EMC"

    def _word_operators(self, word: str, style: TextStyle) -> str:
        runs, key = self._shape(word, style), (style.bold, word, style.size)
        self._missing_characters += sum(run.missing_characters for run in runs)
        for run in runs:
            self._resource_catalog.add(PDFResourceType.FONT, self._get_face(run.typeface).i, self.page)
        if key not in self._operators_by_word:
            operators = (_run_operators(self._get_face(run.typeface), run, style.size) for run in runs)
            self._operators_by_word[key] = " ".join(operators)
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


def _run_operators(face: TTFFont, run: GlyphRun, size: float) -> str:
    """Return the operators that draw the glyphs of a run.

    Viewers that ignore `ActualText` extract the text from the glyphs in drawing order, which in Khmer differs from the
    order of the characters. Therefore the n-th glyph is mapped to the n-th character of the run, so that a glyph can
    have several codes, one per character. The last glyph is mapped to all remaining characters. If there are more glyphs
    than characters, the surplus glyphs are mapped to a zero-width space.
    """
    count = len(run.glyphs)
    characters = [*run.text[: count - 1], run.text[count - 1 :]]
    characters += [_ZERO_WIDTH_SPACE] * (count - len(characters))
    operators, rise, shift = [f"/F{face.i} {size:g} Tf"], 0, 0
    for glyph, text in zip(run.glyphs, characters, strict=True):
        code, width = _glyph_code(face, glyph.glyph_id, text or _ZERO_WIDTH_SPACE)
        if glyph.y_offset != rise:
            rise = glyph.y_offset
            operators.append(f"{rise * size / UNITS_PER_EM:.2f} Ts")
        operators.append(f"[{shift - glyph.x_offset:d} <{code:04X}>] TJ")
        shift = width - glyph.advance + glyph.x_offset
    return " ".join([*operators, *([f"[{shift:d}] TJ"] if shift else []), *(["0 Ts"] if rise else [])])


def _glyph_code(face: TTFFont, glyph_id: int, text: str) -> tuple[int, int]:
    """Return the code that maps a glyph to a text, and the advance width of the glyph."""
    name = face.ttfont.getGlyphName(glyph_id)
    width = round(face.ttfont["hmtx"].metrics[name][0] * face.scale)
    codepoints = tuple(map(ord, text))
    glyph = face.subset.get_glyph(glyph=glyph_id, unicode=codepoints, glyph_name=name, glyph_width=width)
    code = face.subset.pick_glyph(glyph)
    return code or 0, width
