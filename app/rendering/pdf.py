"""Pages to print: A4, Khmer and Latin letters shaped as they are written, their fonts embedded.

Text is set by hand rather than by fpdf2's own cells: HarfBuzz's glyphs go to the page as they are, lines end where ICU's
dictionary knows a word to end, and every word can be copied out of the page and searched for. Only `care_plan_print`
and its like import this module, when they are asked for: it takes most of a second.
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

for _talkative in (
    "fontTools",
    "fpdf",
):  # they log which letters are printed, and letters spell a child's name
    logging.getLogger(_talkative).setLevel(logging.CRITICAL)

_FONT_DIRECTORY = Path(__file__).with_name("fonts")
FONT_FAMILY = "NotoSansKhmer"
LINE_HEIGHT_FACTOR = 1.62
"""Lines per size of letters: Khmer stacks signs above and below."""
BASELINE_OFFSET_FACTOR = 1.16
"""How far below the top of its line a letter stands, in sizes of letters."""
PAGE_WIDTH, PAGE_HEIGHT = 595.28, 841.89
"""A4, in points like everything here."""
_ZERO_WIDTH_SPACE = "\u200b"


@dataclass(frozen=True, slots=True)
class TextStyle:
    """How a text is set."""

    size: float = 10.0
    bold: bool = False
    gray: float = 0.0
    """0 black, 1 white."""

    @property
    def line_height(self) -> float:
        """From one line to the next."""
        return self.size * LINE_HEIGHT_FACTOR

    def as_bold(self) -> "TextStyle":
        """Return the bold style of the same size."""
        return replace(self, bold=True)


class PdfDocument(FPDF):
    """A document in the making."""

    def __init__(self, title: str, language: str) -> None:
        super().__init__(unit="pt", format="A4", enforce_compliance="PDF/A-2b")
        self.set_auto_page_break(auto=False)
        self.set_title(title)
        self.set_lang(language)
        self.set_producer("First Step")
        for style, name in (("", "Regular"), ("B", "Bold")):
            self.add_font(FONT_FAMILY, style, _FONT_DIRECTORY / f"{FONT_FAMILY}-{name}.ttf")
        self._widths: dict[tuple[bool, str], float] = {}
        self._shown: dict[tuple[int, str, float], str] = {}

    @cached_property
    def _font_faces(self) -> dict[bool, TTFFont]:
        regular, bold = self.fonts.values()
        return {False: regular, True: bold}  # type: ignore[dict-item]  # both were added from files

    def close(self) -> None:
        """Let the fonts' files go."""
        for face in self._font_faces.values():
            face.close()

    def measure_text(self, text: str, style: TextStyle) -> float:
        """Return how wide a text is."""
        key = style.bold, text
        if key not in self._widths:
            _, positions = self._font_faces[style.bold].perform_harfbuzz_shaping(text, style.size, None)
            self._widths[key] = sum(position.x_advance for position in positions or ()) / 1000
        return self._widths[key] * style.size

    def wrap_text(self, text: str, room: float, style: TextStyle) -> list[str]:
        """Return the lines of a text in a room so wide."""
        return wrap_text(text, room, lambda piece: self.measure_text(piece, style))

    def write_line(self, x: float, y: float, text: str, style: TextStyle, turned: str = "1 0 0 1") -> None:
        """Write a line whose top left corner is (`x`, `y`), from the page's; `turned` is a matrix without its place."""
        if not text:
            return
        face = self._font_faces[style.bold]
        self._resource_catalog.add(PDFResourceType.FONT, face.i, self.page)
        down = PAGE_HEIGHT - y - style.size * BASELINE_OFFSET_FACTOR
        words = " ".join(self._phrase_operators(face, phrase, style.size) for phrase in _split_phrases(text))
        self._out(
            f"BT {style.gray:g} g /F{face.i} {style.size:g} Tf {turned} {x:.2f} {down:.2f} Tm {words} ET"
        )

    def _phrase_operators(self, face: TTFFont, phrase: str, size: float) -> str:
        """Return a phrase's glyphs, and what they say: readers that look for `ActualText` copy just that."""
        said = phrase.encode("utf-16-be").hex()
        glyphs = " ".join(self._word_operators(face, word, size) for word in split_at_line_breaks(phrase))
        return f"/Span <</ActualText <FEFF{said}>>> BDC {glyphs} EMC"

    def _word_operators(self, face: TTFFont, word: str, size: float) -> str:
        key = face.i, word, size
        if key not in self._shown:
            self._shown[key] = _glyph_operators(face, word, size)
        return self._shown[key]

    def draw_rule(self, x: float, y: float, length: float, weight: float = 0.6, gray: float = 0.0) -> None:
        """Draw a line across."""
        self._out(
            f"q {weight:g} w {gray:g} G {x:.2f} {PAGE_HEIGHT - y:.2f} m {x + length:.2f} {PAGE_HEIGHT - y:.2f} l S Q"
        )

    def fill_rectangle(self, x: float, y: float, width: float, height: float, gray: float) -> None:
        """Fill a rectangle."""
        self._out(f"q {gray:g} g {x:.2f} {PAGE_HEIGHT - y - height:.2f} {width:.2f} {height:.2f} re f Q")


def _split_phrases(text: str) -> Iterator[str]:
    """Yield what stands between spaces, each with the space that follows."""
    words = text.split(" ")
    yield from (f"{word} " for word in words[:-1])
    if words[-1]:
        yield words[-1]


def _glyph_operators(face: TTFFont, word: str, size: float) -> str:
    """Return the operators that show a word.

    Readers without `ActualText` put together what the glyphs stand for, in the order they are drawn in, which in Khmer is
    not the order of the letters. So each glyph stands for the letter that has its turn; the same glyph may be there many
    times. Where a word has more glyphs than letters, the last stands for what ends a word in Khmer: nothing that is seen.
    """
    infos, positions = face.perform_harfbuzz_shaping(word, size, None)
    if not infos:
        return ""
    told = [*word[: len(infos) - 1], word[len(infos) - 1 :]]
    told += [_ZERO_WIDTH_SPACE] * (len(infos) - len(told))
    shown, risen, back = [], 0, 0
    for info, at, letters in zip(infos, positions, told, strict=True):
        code, width = _glyph_code(face, info.codepoint, letters or _ZERO_WIDTH_SPACE)
        if at.y_offset != risen:
            risen = at.y_offset
            shown.append(f"{risen * size / 1000:.2f} Ts")
        shown.append(f"[{back - at.x_offset:d} <{code:04X}>] TJ")
        back = width - at.x_advance + at.x_offset
    return " ".join([*shown, *([f"[{back:d}] TJ"] if back else []), *(["0 Ts"] if risen else [])])


def _glyph_code(face: TTFFont, glyph: int, letters: str) -> tuple[int, int]:
    """Return the code under which a glyph stands for some letters, and the glyph's own width."""
    name = face.ttfont.getGlyphName(glyph)
    width = face.ttfont["hmtx"].metrics[name][0]
    spelled = tuple(map(ord, letters))
    found = face.subset.get_glyph(glyph=glyph, unicode=spelled, glyph_name=name, glyph_width=width)
    code = face.subset.pick_glyph(found)
    return code or 0, width
