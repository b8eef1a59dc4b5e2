"""Functions that read printed PDFs: their text, their fonts and the glyphs that they draw."""

import io
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import pypdf
import pypdfium2
from fontTools.pens.recordingPen import DecomposingRecordingPen
from fontTools.ttLib import TTFont
from pypdfium2.raw import FPDF_PAGEOBJ_TEXT

from app.rendering.pdf import PdfDocument, TextStyle


class DrawnGlyph(NamedTuple):
    """A glyph of a PDF page, with its position in thousandths of the font size."""

    x: float
    y: float
    outline: Any
    glyph_name: str
    font_name: str


def parse_pdf(content: bytes) -> pypdf.PdfReader:
    return pypdf.PdfReader(io.BytesIO(content))


def extract_text(reader: pypdf.PdfReader) -> str:
    """Return the text of all pages as a PDF reader extracts it from `ActualText`."""
    return "".join(extract_page_text(page) for page in reader.pages)


def extract_page_text(page: Any) -> str:
    phrases = re.findall("ActualText <FEFF([0-9a-f]*)>", page.get_contents().get_data().decode("latin-1"))
    return "".join(bytes.fromhex(phrase).decode("utf-16-be") for phrase in phrases)


def get_glyph_outline(font: TTFont, name: str) -> Any:
    glyphs = font.getGlyphSet()
    pen = DecomposingRecordingPen(glyphs)
    glyphs[name].draw(pen)
    return pen.value


class _EmbeddedFont(NamedTuple):
    name: str
    font: TTFont
    glyph_ids: bytes
    widths: dict[int, int]


def _read_embedded_font(resource: Any) -> _EmbeddedFont:
    [descendant] = resource.get_object()["/DescendantFonts"]
    cid_font = descendant.get_object()
    widths: dict[int, int] = {}
    entries = iter(cid_font["/W"])
    for first, last in zip(entries, entries, strict=False):
        if isinstance(last, list):
            widths.update(enumerate(map(int, last), int(first)))
        else:
            widths.update(dict.fromkeys(range(int(first), int(last) + 1), int(next(entries))))
    font_file = TTFont(io.BytesIO(cid_font["/FontDescriptor"]["/FontFile2"].get_data()))
    name = str(resource.get_object()["/BaseFont"]).partition("+")[2]
    return _EmbeddedFont(name, font_file, cid_font["/CIDToGIDMap"].get_data(), widths)


def list_drawn_glyphs(page: Any) -> Iterator[DrawnGlyph]:
    """Yield the glyphs that a page draws, in drawing order. `x` starts at 0 and continues over all lines."""
    fonts = {name: _read_embedded_font(font) for name, font in page["/Resources"]["/Font"].items()}
    x, y, size, font = 0.0, 0.0, 1.0, next(iter(fonts.values()))
    for operands, operator in page.get_contents().operations:
        if operator == b"Tf":
            font, size = fonts[operands[0]], float(operands[1])
        if operator == b"Ts":
            y = float(operands[0]) * 1000 / size
        for part in operands[0] if operator == b"TJ" else ():
            if isinstance(part, int | float):
                x -= float(part)
                continue
            code = int.from_bytes(getattr(part, "original_bytes", part))
            name = font.font.getGlyphName(int.from_bytes(font.glyph_ids[2 * code : 2 * code + 2]))
            yield DrawnGlyph(x, y, get_glyph_outline(font.font, name), name, font.name)
            x += font.widths[code]


def count_glyphs_of_image(content: bytes) -> tuple[int, int]:
    """Render the pages to images. Return the number of visible glyphs, and that of glyphs whose ink is absent or cut off."""
    scale, white, tolerance = (
        3,
        200,
        3,
    )  # pixels per point, the darkest value that is no ink, pixels at an edge
    visible = absent = 0
    with pypdfium2.PdfDocument(content) as document:
        for page in document:
            image = page.render(scale=scale, grayscale=True).to_numpy()
            for glyph in page.get_objects(filter=(FPDF_PAGEOBJ_TEXT,)):
                left, bottom, right, top = glyph.get_bounds()
                if right <= left or top <= bottom:
                    continue  # a space
                rows = slice(
                    int((page.get_height() - top) * scale), int((page.get_height() - bottom) * scale) + 2
                )
                box = image[rows, int(left * scale) : int(right * scale) + 2]
                inked_columns = (box < white).any(axis=0).nonzero()[0]
                visible += 1
                absent += not (
                    len(inked_columns)
                    and inked_columns[0] <= tolerance
                    and inked_columns[-1] >= box.shape[1] - 1 - tolerance
                )
    return visible, absent


class LineRecorder(PdfDocument):
    """A document that records its lines of text instead of writing them, so that no font is loaded."""

    def __init__(self) -> None:
        super().__init__("Lines", "en")
        self.pages_of_lines: list[list[tuple[str, float]]] = []
        """For each page, the text of its lines and the distance of each from the top of the page."""

    def write_line(
        self,
        x: float,  # noqa: ARG002 - not recorded
        y: float,
        text: str,
        style: TextStyle,  # noqa: ARG002 - not recorded
        matrix: str = "1 0 0 1",  # noqa: ARG002 - not recorded
    ) -> None:
        """Record a line of the current page."""
        self.pages_of_lines += [[] for _ in range(self.page - len(self.pages_of_lines))]
        self.pages_of_lines[self.page - 1].append((text, y))
