"""Build SVG documents: black on white, without style sheets, scripts or external resources.

Every text and attribute value passes through `escape_xml`.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from html import escape

from app.rendering.line_breaks import truncate_lines, wrap_text
from app.rendering.outlines import draw_box, draw_glyph
from app.rendering.printed_file import PrintedFile
from app.rendering.shaping import (
    GlyphRun,
    measure_runs,
    measure_text,
    replace_unprintable_characters,
    shape_text,
)
from app.rendering.typefaces import UNITS_PER_EM, list_typefaces

FONT_FAMILIES = (
    "'Noto Sans Khmer', 'Khmer OS', 'Leelawadee UI', 'Khmer Sangam MN', 'Noto Sans', Arial, sans-serif"
)
"""Fonts of the transparent text. The visible text does not need them."""
LINE_HEIGHT = 1.5
"""Line height divided by font size. Khmer has signs above and below the letters."""

_ANCHOR_OFFSETS = {"start": 0.0, "middle": 0.5, "end": 1.0}
"""Part of the width of a text that is left of its position, by `text-anchor`."""
_BOX_ID = "box"
"""Id of the outline of a character that no font has."""
_GLYPH_REFERENCE = re.compile(r'href="#(([A-Za-z0-9]+-(?:Bold|Regular))-(\d+))"')


def fit_text_lines(
    text: str, size: float, max_width: float, max_lines: int, *, bold: bool = False
) -> list[str]:
    """Break a text into lines of a maximum width and truncate it to a maximum number of lines."""
    return truncate_lines(wrap_text(text, max_width, partial(measure_text, size=size, bold=bold)), max_lines)


def escape_xml(text: str) -> str:
    """Escape a text for XML and replace characters that XML does not allow."""
    return escape(replace_unprintable_characters(text))


def build_element(tag: str, content: str = "", /, **attributes: float | str) -> str:
    """Return an XML element. `content` must be escaped XML. An attribute `stroke_width` becomes `stroke-width`."""
    attribute_text = "".join(
        f' {name.replace("_", "-")}="{_format_attribute(value)}"' for name, value in attributes.items()
    )
    return f"<{tag}{attribute_text}>{content}</{tag}>" if content else f"<{tag}{attribute_text}/>"


def _format_attribute(value: float | str) -> str:
    return escape_xml(value) if isinstance(value, str) else f"{round(value, 1):g}"


def build_text(text: str, x: float, y: float, size: float = 14, **attributes: float | str) -> str:
    """Return one line of text. `y` is its baseline.

    The text is drawn as outlines of glyphs, so that it looks the same without fonts on the viewer's machine. A transparent
    text element of the same width lies above the outlines. It is for selecting, copying and searching.
    """
    if not text:
        return ""
    runs = shape_text(text, bold=attributes.get("font_weight") == "bold")
    width = measure_runs(runs, size)
    left = x - width * _ANCHOR_OFFSETS[str(attributes.get("text_anchor", "start"))]
    transform = f"translate({left:.1f} {y:.1f}) scale({size / UNITS_PER_EM:g} {-size / UNITS_PER_EM:g})"
    fill = {name: attributes[name] for name in attributes if name == "fill"}
    outlines = build_element("g", "".join(_place_glyphs(runs)), transform=transform, **fill)
    return outlines + build_element(
        "text", escape_xml(text), x=x, y=y, font_size=size, textLength=width, fill_opacity=0, **attributes
    )


def _place_glyphs(runs: Sequence[GlyphRun]) -> Iterator[str]:
    """Yield a reference to the outline of each glyph, at its position in thousandths of the font size."""
    x = 0
    for run in runs:
        for glyph in run.glyphs:
            reference = _BOX_ID if run.missing_characters else f"{run.typeface.name}-{glyph.glyph_id}"
            if draw_glyph(run.typeface, glyph.glyph_id):
                yield f'<use href="#{reference}" x="{x + glyph.x_offset}" y="{glyph.y_offset}"/>'
            x += glyph.advance


def build_paragraph(lines: list[str], x: float, y: float, size: float = 14, **attributes: float | str) -> str:
    """Return one text element per line. `y` is the baseline of the first line."""
    step = size * LINE_HEIGHT
    return "".join(
        build_text(line, x, y + step * index, size, **attributes) for index, line in enumerate(lines)
    )


def build_svg(
    size: tuple[float, float], title: str, description: str, body: str, language: str
) -> PrintedFile:
    """Return a complete SVG document. The title and the description are for screen readers."""
    title_element = build_element("title", escape_xml(title), id="title")
    description_element = build_element("desc", escape_xml(description), id="description")
    background = build_element("rect", width="100%", height="100%", fill="#fff")
    content = title_element + description_element + _define_glyphs(body) + background + body
    svg = build_element("svg", content, **_root_attributes(size, language))
    return PrintedFile(svg.encode(), missing_characters=body.count(f'href="#{_BOX_ID}"'))


def _define_glyphs(body: str) -> str:
    """Return the outline of each glyph that the body refers to, once each."""
    typefaces = {typeface.name: typeface for bold in (False, True) for typeface in list_typefaces(bold=bold)}
    outlines = {_BOX_ID: draw_box()} if f'href="#{_BOX_ID}"' in body else {}
    for reference, typeface_name, glyph_id in _GLYPH_REFERENCE.findall(body):
        outlines[reference] = draw_glyph(typefaces[typeface_name], int(glyph_id))
    paths = (build_element("path", id=name, d=outline) for name, outline in sorted(outlines.items()))
    return build_element("defs", "".join(paths)) if outlines else ""


def _root_attributes(size: tuple[float, float], language: str) -> Mapping[str, float | str]:
    return {
        "xmlns": "http://www.w3.org/2000/svg",
        "viewBox": f"0 0 {size[0]:.0f} {size[1]:.0f}",
        "width": round(size[0]),
        "height": round(size[1]),
        "role": "img",
        "aria_labelledby": "title description",
        "lang": language,
        "font_family": FONT_FAMILIES,
        "fill": "#000",
    }
